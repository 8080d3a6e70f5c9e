#!/bin/sh
# Have the API server admit pods again while the webhook does not answer. Needs kubectl and the right to change or delete
# webhook configurations. docs/operate.md, section Break-glass, says what each step gives up and how to go back.
set -eu

name=tiergate
kinds='mutatingwebhookconfiguration validatingwebhookconfiguration'

usage() {
  cat >&2 <<'TEXT'
usage: break-glass.sh status | ignore | remove

  status   show each entry, its failurePolicy, and whether the Service has a ready replica behind it
  ignore   failurePolicy becomes Ignore: replicas that answer go on judging, and nobody waits for those that do not
  remove   delete both webhook configurations: nobody is asked any more, until helm upgrade creates them again
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
      echo "there is no $kind $name: nobody is asked by it"
    fi
    entries "$kind" | while read -r entry namespace service policy; do
      ready=$(kubectl get deployment "$service" --namespace "$namespace" --ignore-not-found \
        -o jsonpath='{.status.readyReplicas}')
      echo "$entry: failurePolicy $policy, ready replicas of $namespace/$service: ${ready:-0}"
    done
  done
}

ignore() {
  for kind in $kinds; do
    index=0
    patch=''
    for entry in $(entries "$kind" | cut -d ' ' -f 1); do
      at="/webhooks/$index"
      patch="$patch${patch:+,}{\"op\":\"test\",\"path\":\"$at/name\",\"value\":\"$entry\"}"
      patch="$patch,{\"op\":\"replace\",\"path\":\"$at/failurePolicy\",\"value\":\"Ignore\"}"
      index=$((index + 1))
    done
    if [ -n "$patch" ]; then
      kubectl patch "$kind" "$name" --type json --patch "[$patch]"
    else
      echo "there is no $kind $name: nobody is asked by it"
    fi
  done
}

case "${1-}" in
  status) status ;;
  ignore) ignore ;;
  remove) for kind in $kinds; do kubectl delete "$kind" "$name" --ignore-not-found; done ;;
  *) usage ;;
esac
