{{/*
Labels of every object, each key once: what the chart sets itself wins over commonLabels, for selectors and Helm rest on it.
Names and selectors do not contain the release name: a second release must collide, not compete.
Arguments: root, component (optional), labels (optional).
*/}}
{{- define "tiergate.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_")
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/part-of" "tiergate"
  "app.kubernetes.io/managed-by" .root.Release.Service
}}
{{- mergeOverwrite (dict) (.root.Values.commonLabels | default dict) (.labels | default dict) $own (include "tiergate.selector" . | fromYaml) | toYaml }}
{{- end }}

{{- define "tiergate.selector" -}}
app.kubernetes.io/name: tiergate
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* metadata.labels and metadata.annotations. Arguments: those of tiergate.labels, and annotations (optional). */}}
{{- define "tiergate.metadata" -}}
labels:
  {{- include "tiergate.labels" . | nindent 2 }}
{{- with mergeOverwrite (dict) (.root.Values.commonAnnotations | default dict) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Annotations of what outlives the release: for Helm, and for tools that render the chart and prune what is no longer in
it (Argo CD, Flux), of which none looks at Helm's.
*/}}
{{- define "tiergate.keep" -}}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: Prune=false,Delete=false
kustomize.toolkit.fluxcd.io/prune: disabled
{{- end }}

{{/* The image. A registry of `global` or `image` takes the place of one that the repository names. */}}
{{- define "tiergate.image" -}}
{{- $repository := .Values.image.repository }}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}
{{- $first := splitList "/" $repository | first }}
{{- if and (contains "/" $repository) (regexMatch "[.:]|^localhost$" $first) }}
{{- $repository = trimPrefix (printf "%s/" $first) $repository }}
{{- end }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}
{{- end }}
{{- with .Values.image }}
{{- if .digest }}{{ printf "%s@%s" $repository .digest }}{{ else }}{{ printf "%s:%s" $repository (.tag | default $.Chart.AppVersion) }}{{ end }}
{{- end }}
{{- end }}

{{/* The Secret with the certificate that the webhook serves, whoever keeps it. */}}
{{- define "tiergate.servingSecret" -}}
{{- if eq .Values.certificates.mode "existingSecret" }}{{ .Values.certificates.existingSecret }}{{ else }}tiergate-webhook-tls{{ end }}
{{- end }}

{{/* Non-empty where cert-manager's cainjector writes the caBundle, and the controller may not. */}}
{{- define "tiergate.caIsInjected" -}}
{{- if and (eq .Values.certificates.mode "certManager") .Values.certificates.certManager.cainjector }}true{{ end }}
{{- end }}

{{/* Metadata of a webhook configuration; "webhooks" is the template of its entries, which are also an annotation. */}}
{{- define "tiergate.configurationMetadata" -}}
{{- $values := .root.Values.webhook }}
{{- $annotations := dict "tiergate.io/webhooks" (include .webhooks .root | fromYamlArray | toJson) }}
{{- if include "tiergate.caIsInjected" .root }}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/tiergate-webhook" .root.Release.Namespace) }}
{{- end }}
{{- $annotations = mergeOverwrite (dict) ($values.configurationAnnotations | default dict) $annotations }}
{{- include "tiergate.metadata" (dict "root" .root "component" "webhook" "labels" $values.configurationLabels "annotations" $annotations) }}
{{- end }}

{{/* Namespaces that no entry ever matches, whatever their labels say. */}}
{{- define "tiergate.excludedNamespaces" -}}
{{- concat (list .Release.Namespace "kube-system" "kube-public" "kube-node-lease") .Values.webhook.excludeNamespaces | uniq | toYaml }}
{{- end }}

{{- define "tiergate.namespaceSelector" -}}
matchExpressions:
- key: tiergate.io/tier
  operator: Exists
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
  {{- include "tiergate.excludedNamespaces" . | nindent 2 }}
{{- end }}

{{/*
Never a namespace of the cluster: names that begin with kube- are more than a selector can list, and one may have been
labelled before the guard was there.
*/}}
{{- define "tiergate.notOfTheCluster" -}}
- name: not-of-the-cluster
  expression: "!request.namespace.startsWith('kube-')"
{{- end }}

{{/* clientConfig of an entry. No caBundle: the controller writes it, and two writers would fight. */}}
{{- define "tiergate.clientConfig" -}}
clientConfig:
  service:
    name: tiergate-webhook
    namespace: {{ .root.Release.Namespace | quote }}
    path: {{ .path }}
    port: {{ .root.Values.webhook.service.port }}
{{- end }}

{{- define "tiergate.entry" -}}
admissionReviewVersions:
- v1
sideEffects: NoneOnDryRun
matchPolicy: Equivalent
failurePolicy: {{ .failurePolicy }}
timeoutSeconds: {{ .timeoutSeconds }}
{{- end }}

{{/* The page to whose sections the alerts and the dashboard point. */}}
{{- define "tiergate.runbook" -}}
{{- .Values.monitoring.prometheusRule.runbookURL | default (printf "%s/blob/v%s/docs/operate.md" .Chart.Home .Chart.AppVersion) }}
{{- end }}
