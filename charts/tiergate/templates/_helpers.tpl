{{/* Labels of every object. Names and selectors do not contain the release name: a second release must collide, not compete. */}}
{{- define "tiergate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "tiergate.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tiergate
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tiergate.selector" -}}
app.kubernetes.io/name: tiergate
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* metadata.labels and metadata.annotations. Arguments: root, component, annotations (optional). */}}
{{- define "tiergate.metadata" -}}
labels:
  {{- include "tiergate.labels" . | nindent 2 }}
{{- $annotations := mergeOverwrite (dict) .root.Values.commonAnnotations (.annotations | default dict) }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "tiergate.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The restricted Pod Security Standard, and a root file system that nobody can write. */}}
{{- define "tiergate.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "tiergate.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop:
  - ALL
{{- end }}

{{/* The address and namespace of the pod, and the one place it may write to. */}}
{{- define "tiergate.environment" -}}
- name: POD_IP
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: status.podIP
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.namespace
- name: TMPDIR
  value: /tmp
{{- end }}

{{/* What automountServiceAccountToken would bring, said openly and with a short life. */}}
{{- define "tiergate.serviceAccountVolume" -}}
- name: service-account
  projected:
    defaultMode: 0444
    sources:
    - serviceAccountToken:
        path: token
        expirationSeconds: 3607
    - configMap:
        name: kube-root-ca.crt
        items:
        - key: ca.crt
          path: ca.crt
    - downwardAPI:
        items:
        - path: namespace
          fieldRef:
            apiVersion: v1
            fieldPath: metadata.namespace
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
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

{{/* clientConfig of an entry. No caBundle: the controller writes it, and two writers would fight. */}}
{{- define "tiergate.clientConfig" -}}
clientConfig:
  service:
    name: tiergate-webhook
    namespace: {{ .root.Release.Namespace }}
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
