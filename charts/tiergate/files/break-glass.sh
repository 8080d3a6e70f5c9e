#!/bin/sh
# Let the API server admit pods while the webhook does not answer. Needs kubectl and the permission to change or delete
# webhook configurations. docs/operate.md, section Break-glass, says what each step gives up and how to go back.
set -eu

name=tiergate
kinds='mutatingwebhookconfiguration validatingwebhookconfiguration'
mark='tiergate\.io/handed-over'

usage() {
  cat >&2 <<'TEXT'
usage: break-glass.sh status | ignore | remove

  status   show each entry, its failurePolicy, and whether the Service has a ready replica behind it
  ignore   set failurePolicy to Ignore: replicas that answer are still asked, and requests without an answer are
           admitted; it stays so until helm upgrade, also during a handover
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
  for kind in $kinds; do
    tries=5 # the controller may have written in between
    until ignore_kind "$kind"; do
      tries=$((tries - 1))
      [ "$tries" -gt 0 ] || exit 1
      sleep 1
    done
  done
}

case "${1-}" in
  status) status ;;
  ignore) ignore ;;
  remove) for kind in $kinds; do kubectl delete "$kind" "$name" --ignore-not-found; done ;;
  *) usage ;;
esac
