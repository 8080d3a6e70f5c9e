{{/* What the schema of the values cannot say, all faults at once. */}}
{{- define "tiergate.validate" -}}
{{- $faults := list }}
{{- range $name := list "nameOverride" "fullnameOverride" }}
{{- with get $.Values $name }}
{{- $faults = append $faults (printf "%s: names are fixed, because a cluster has one Tiergate: its webhooks, ClusterRoles and the CRD are cluster-scoped (docs/platforms.md, Names)" $name) }}
{{- end }}
{{- end }}
{{- if and .Chart.IsRoot (not .Values.enabled) }}
{{- $faults = append $faults "enabled: false is for the condition of a chart that depends on this one, and would install everything here" }}
{{- end }}
{{- range $name, $namespace := .Values.namespaces }}
{{- if eq $name $.Release.Namespace }}
{{- $faults = append $faults (printf "namespaces.%s: the release namespace cannot be governed: the webhook would stand in the way of its own pods" $name) }}
{{- end }}
{{- if hasPrefix "kube-" $name }}
{{- $faults = append $faults (printf "namespaces.%s: kube-* namespaces belong to the cluster and cannot be governed" $name) }}
{{- end }}
{{- if not (hasKey $.Values.tiers $namespace.tier) }}
{{- $faults = append $faults (printf "namespaces.%s.tier: there is no tier %q in tiers (there is: %s)" $name $namespace.tier (keys $.Values.tiers | sortAlpha | join ", " | default "none")) }}
{{- end }}
{{- if hasKey ($namespace.labels | default dict) "tiergate.io/tier" }}
{{- $faults = append $faults (printf "namespaces.%s.labels: tiergate.io/tier is set from namespaces.%s.tier" $name $name) }}
{{- end }}
{{- end }}
{{- if and (eq .Values.certificates.mode "existingSecret") (not .Values.certificates.existingSecret) }}
{{- $faults = append $faults "certificates.existingSecret: names the Secret when certificates.mode is existingSecret" }}
{{- end }}
{{- if and .Values.certificates.existingSecret (ne .Values.certificates.mode "existingSecret") }}
{{- $faults = append $faults (printf "certificates.existingSecret: has no meaning while certificates.mode is %s" .Values.certificates.mode) }}
{{- end }}
{{- if and .Values.certificates.certManager.cainjector (ne .Values.certificates.mode "certManager") }}
{{- $faults = append $faults (printf "certificates.certManager.cainjector: has no meaning while certificates.mode is %s" .Values.certificates.mode) }}
{{- end }}
{{- if include "tiergate.caIsInjected" . }}
{{- /* Only the controller can end a handover, and it would no longer have the permission to. */}}
{{- range $kind := list "MutatingWebhookConfiguration" "ValidatingWebhookConfiguration" }}
{{- $found := lookup "admissionregistration.k8s.io/v1" $kind "" "tiergate" | default dict }}
{{- if hasKey (dig "metadata" "annotations" (dict) $found | default dict) "tiergate.io/handed-over" }}
{{- $faults = append $faults "certificates.certManager.cainjector: the webhook is handed over, and without the right to change webhook configurations the controller could not take that back: wait until kubectl get tiers no longer says HandedOver (docs/operate.md, Handed over), then upgrade again" }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.tests.namespaces }}
{{- if or (eq . $.Release.Namespace) (hasPrefix "kube-" .) (has . $.Values.webhook.excludeNamespaces) }}
{{- $faults = append $faults (printf "tests.namespaces: %s is never asked about, so nothing can be proved there" .) }}
{{- end }}
{{- end }}
{{- range list "tiergate.reservedNames" "tiergate.quotaFaults" "tiergate.tenantFaults" }}
{{- with include . $ | trim }}
{{- $faults = concat $faults (splitList "\n" .) }}
{{- end }}
{{- end }}
{{- with .Values.controller.leaderElection }}
{{- if or (ge (int64 .renewDeadlineSeconds) (int64 .leaseDurationSeconds)) (ge (mul 2 .retryPeriodSeconds) (int64 .renewDeadlineSeconds)) }}
{{- $faults = append $faults (printf "controller.leaderElection: leaseDurationSeconds (%v) must be longer than renewDeadlineSeconds (%v), and that more than twice retryPeriodSeconds (%v): a leader stops before another one begins, and has time for a second try" .leaseDurationSeconds .renewDeadlineSeconds .retryPeriodSeconds) }}
{{- end }}
{{- end }}
{{- with .Values.webhook }}
{{- if lt (int .terminationGracePeriodSeconds) (add (int .drainSeconds) 15 | int) }}
{{- $faults = append $faults (printf "webhook.terminationGracePeriodSeconds: %d leaves less than 15 s after drainSeconds (%d) for requests in flight" (int .terminationGracePeriodSeconds) (int .drainSeconds)) }}
{{- end }}
{{- if and .clientCA.allowedNames (not .clientCA.configMap) }}
{{- $faults = append $faults "webhook.clientCA.allowedNames: has no meaning without webhook.clientCA.configMap" }}
{{- end }}
{{- if and .hostNetwork $.Values.networkPolicy.enabled }}
{{- $faults = append $faults "networkPolicy.enabled: policies do not apply to pods on the node's network (webhook.hostNetwork), so the webhook's port would be open all the same; restrict it by webhook.clientCA and the nodes' firewall" }}
{{- end }}
{{- if eq (int .port) (int .usagePort) }}
{{- $faults = append $faults "webhook.usagePort: must differ from webhook.port" }}
{{- end }}
{{- end }}
{{- if .Release.IsInstall }}
{{- range .Values.createNamespaces | ternary (keys .Values.namespaces | sortAlpha) list }}
{{- /* What is left of an installation whose namespace was deleted: it refuses the label, and no server is there to ask. */}}
{{- if not (lookup "v1" "Namespace" "" .) }}
{{- $guard := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" "tiergate" | default dict }}
{{- range $guard.webhooks }}
{{- $service := .clientConfig.service }}
{{- if and (eq .name "namespaces.validate.tiergate.io") (eq .failurePolicy "Fail") (not (lookup "v1" "Service" $service.namespace $service.name)) }}
{{- $faults = append $faults (printf "ValidatingWebhookConfiguration tiergate is left of a former installation, its Service %s/%s is gone, so the API server would refuse every governed namespace: run files/break-glass.sh of this chart with the argument remove (docs/operate.md, Break-glass), then install again" $service.namespace $service.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with $faults | uniq }}
{{- fail (printf "\n%s\n" (join "\n" .)) }}
{{- end }}
{{- end }}

{{/* Names that pods of the chart have already, a line for each that the values take again. */}}
{{- define "tiergate.reservedNames" -}}
{{- $taken := dict
  "extraEnv" (list "POD_IP" "POD_NAME" "POD_NAMESPACE" "TMPDIR")
  "extraVolumes" (list "client-ca" "crds" "service-account" "tls" "tmp" "values")
}}
{{- range $component := list "webhook" "controller" "hooks" }}
{{- range $key, $names := $taken }}
{{- range get (get $.Values $component) $key }}
{{- if has .name $names }}
{{ printf "%s.%s: the chart itself sets %s" $component $key .name }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
A ResourceQuota of the release namespace can refuse pods, hooks first: Helm would wait for a Job that never gets one and not
say why. Only a quota without scopes counts every pod. What a LimitRange of the namespace may add is not missing. An upgrade
in an emergency may be without hooks, which a template does not learn: the number of pods stops an installation alone.
*/}}
{{- define "tiergate.quotaFaults" -}}
{{- $namespace := .Release.Namespace }}
{{- $completed := (lookup "v1" "LimitRange" $namespace "").items | default list }}
{{- range $quota := (lookup "v1" "ResourceQuota" $namespace "").items }}
{{- if not (or $quota.spec.scopes $quota.spec.scopeSelector) }}
{{- $name := printf "ResourceQuota %s of the release namespace %s" $quota.metadata.name $namespace }}
{{- $hard := get ($quota.spec.hard | default dict) "pods" | toString }}
{{- $used := dig "status" "used" "pods" "" $quota | toString }}
{{- if and $.Release.IsInstall (regexMatch "^[0-9]+ [0-9]+$" (printf "%s %s" $used $hard)) (ge (int $used) (int $hard)) }}
{{ printf "%s allows no further pod (%s of %s), and Helm starts its hooks as pods" $name $used $hard }}
{{- end }}
{{- range $component := ternary list (list "webhook" "controller" "hooks") (gt (len $completed) 0) }}
{{- $resources := (get $.Values $component).resources | default dict }}
{{- range $bound, $_ := $quota.spec.hard }}
{{- $parts := splitList "." (ternary (printf "requests.%s" $bound) $bound (has $bound (list "cpu" "memory"))) }}
{{- if and (has (first $parts) (list "requests" "limits")) (has (last $parts) (list "cpu" "memory")) }}
{{- $named := hasKey (get $resources (first $parts) | default dict) (last $parts) }}
{{- if eq (first $parts) "requests" }}
{{- $named = or $named (hasKey ($resources.limits | default dict) (last $parts)) }}
{{- end }}
{{- if not $named }}
{{ printf "%s.resources.%s: %s counts it, so the API server refuses pods without it" $component (join "." $parts) $name }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
