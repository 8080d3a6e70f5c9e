#!/bin/sh
# Let the API server admit pods while the webhook does not answer. Needs kubectl and the permission to change or delete
# webhook configurations. docs/operate.md, section Break-glass, says what each step gives up and how to go back.
set -eu

name=tiergate
kinds='mutatingwebhookconfiguration validatingwebhookconfiguration'
mark='tiergate\.io/handed-over'

usage() {
  cat >&2 <<'TEXT'
usage: break-glass.sh status | ignore [--during-handover] | remove

  status   show each entry, its failurePolicy, and whether the Service has a ready replica behind it
  ignore   set failurePolicy to Ignore: replicas that answer are still asked, and requests without an answer are
           admitted; it stays so until helm upgrade. During a handover it would end what holds the tiers, so it changes
           nothing then without --during-handover
  remove   delete both webhook configurations: the API server asks nothing until helm upgrade creates them again
TEXT
  exit 2
}

# Each entry of a kind as "name namespace service policy", by line; nothing where there is no configuration.
entries() {
  kubectl get "$1" "$name" --ignore-not-found -o jsonpath='{range .webhooks[*]}{.name} {.clientConfig.service.namespace} {.clientConfig.service.name} {.failurePolicy}{"\n"}{end}'
}

status() {
  for kind in $kinds; do
    if [ -z "$(entries "$kind")" ]; then
      echo "there is no $kind $name, so nothing is sent to its webhooks"
    fi
    entries "$kind" | while read -r entry namespace service policy; do
      ready=$(kubectl get deployment "$service" --namespace "$namespace" --ignore-not-found \
        -o jsonpath='{.status.readyReplicas}')
      echo "$entry: failurePolicy $policy, ready replicas of $namespace/$service: ${ready:-0}"
    done
  done
}

# Since when the webhooks are handed over to Kubernetes' own engines; nothing if they are not.
handed_over() {
  for kind in $kinds; do
    since=$(kubectl get "$kind" "$name" --ignore-not-found -o jsonpath="{.metadata.annotations['$mark']}") || return 1
    if [ -n "$since" ]; then
      echo "$since"
      return
    fi
  done
}

# What is missing after ignore and remove, and how to have it.
hint() {
  cat <<'TEXT'
The ResourceQuotas of the tiers still apply, and pods have no defaults: a pod without requests and limits is refused
(must specify limits.cpu ...). Let the controller keep the limits of a tier as a LimitRange in its namespaces:
  kubectl patch tier NAME --type merge -p '{"spec":{"nativeLimitRange":true}}'
Without a controller, create them yourself: docs/operate.md, section Defaults without the webhook.
TEXT
}

# One patch of the version that was read. It also removes the mark of a handover, so that the controller does not set
# failurePolicy back when replicas answer again.
ignore_kind() {
  seen=$(kubectl get "$1" "$name" --ignore-not-found \
    -o jsonpath="{.metadata.resourceVersion} {.metadata.annotations['$mark']}") || return 1
  if [ -z "$seen" ]; then
    echo "there is no $1 $name, so nothing is sent to its webhooks"
    return
  fi
  patch="{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"${seen%% *}\"}"
  if [ -n "${seen#* }" ]; then
    patch="$patch,{\"op\":\"remove\",\"path\":\"/metadata/annotations/tiergate.io~1handed-over\"}"
  fi
  listed=$(entries "$1") || return 1
  index=0
  for entry in $(echo "$listed" | cut -d ' ' -f 1); do
    at="/webhooks/$index"
    patch="$patch,{\"op\":\"test\",\"path\":\"$at/name\",\"value\":\"$entry\"}"
    patch="$patch,{\"op\":\"replace\",\"path\":\"$at/failurePolicy\",\"value\":\"Ignore\"}"
    index=$((index + 1))
  done
  kubectl patch "$1" "$name" --type json --patch "[$patch]"
}

ignore() {
  since=$(handed_over)
  if [ -n "$since" ] && [ "${1-}" != --during-handover ]; then
    cat >&2 <<TEXT
nothing was changed: the webhooks are handed over since $since, so pods are admitted, and LimitRanges and
ResourceQuotas hold the tiers. After ignore the controller removes these LimitRanges, and with them the defaults.
To do it nevertheless: break-glass.sh ignore --during-handover
TEXT
    exit 1
  fi
  for kind in $kinds; do
    tries=5 # the controller may have written in between
    until ignore_kind "$kind"; do
      tries=$((tries - 1))
      [ "$tries" -gt 0 ] || exit 1
      sleep 1
    done
  done
}

remove() {
  for kind in $kinds; do kubectl delete "$kind" "$name" --ignore-not-found; done
}

case "$*" in
  status) status ;;
  ignore | 'ignore --during-handover')
    ignore "${2-}"
    hint
    ;;
  remove)
    remove
    hint
    ;;
  *) usage ;;
esac
