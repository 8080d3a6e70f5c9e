{{/* What the schema of the values cannot say, all faults at once. */}}
{{- define "tiergate.validate" -}}
{{- $faults := list }}
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
{{- /* Only the controller gives back what it has handed over, and it would no longer have the right to. */}}
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
{{- with include "tiergate.tenantFaults" . | trim }}
{{- $faults = concat $faults (splitList "\n" .) }}
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
{{- $faults = append $faults (printf "ValidatingWebhookConfiguration tiergate is left of a former installation, its Service %s/%s is gone, so the API server would refuse every governed namespace: run charts/tiergate/files/break-glass.sh remove (docs/operate.md, Break-glass), then install again" $service.namespace $service.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with $faults | uniq }}
{{- fail (printf "\n%s\n" (join "\n" .)) }}
{{- end }}
{{- end }}
