{{/*
Labels of whom the hooks run as, and when they and their accounts go.
Arguments: root, hook, weight, keep (optional: until the next one), policy (optional: when it goes, besides before the
next one and after a success), log (optional: have Helm print what a failed one said).
*/}}
{{- define "tiergate.hookMetadata" -}}
{{- $own := dict "helm.sh/hook" .hook "helm.sh/hook-weight" (.weight | toString) }}
{{- $annotations := mergeOverwrite (dict) (.root.Values.hooks.annotations | default dict) $own }}
{{- if .log }}
{{- $_ := set $annotations "helm.sh/hook-output-log-policy" "hook-failed" }}
{{- end }}
{{- $_ := set $annotations "helm.sh/hook-delete-policy" (ternary "before-hook-creation" (printf "before-hook-creation,hook-succeeded%s" (.policy | default "")) (.keep | default false)) }}
{{- include "tiergate.metadata" (dict "root" .root "component" "lifecycle" "annotations" $annotations) }}
{{- end }}

{{/*
The pod spec of a hook. It reaches the API server and nothing else.
Arguments: root, name (of the account), args, volumes and mounts (lists, optional), offline (optional: it reaches
nothing, so its account has no rights and it gets no token).
*/}}
{{- define "tiergate.hookPodSpec" -}}
{{- $hooks := .root.Values.hooks }}
{{- $parts := dict "root" .root "values" $hooks }}
restartPolicy: Never
serviceAccountName: {{ .name }}
{{ include "tiergate.podSettings" $parts }}
terminationGracePeriodSeconds: 5
containers:
- name: {{ .name | trimPrefix "tiergate-" }}
  {{- include "tiergate.containerSettings" $parts | nindent 2 }}
  args:
    {{- toYaml .args | nindent 4 }}
  env:
    {{- include "tiergate.environment" .root | nindent 4 }}
    {{- with $hooks.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  # The end of its log is then in the status of the pod as well.
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
  {{- if not .offline }}
  - name: service-account
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  {{- end }}
  - name: tmp
    mountPath: /tmp
  {{- range list .mounts $hooks.extraVolumeMounts }}
  {{- with . }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
volumes:
{{- include (ternary "tiergate.tmpVolume" "tiergate.serviceAccountVolume" (.offline | default false)) .root | nindent 0 }}
{{- range list .volumes $hooks.extraVolumes }}
{{- with . }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}
{{- end }}

{{/* A Job with one hook's pod. Arguments: those of tiergate.hookPodSpec, hook, and weight (optional). */}}
{{- define "tiergate.hookJob" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace | quote }}
  {{- include "tiergate.hookMetadata" (dict "root" .root "hook" .hook "weight" (.weight | default 0) "log" true) | nindent 2 }}
spec:
  backoffLimit: {{ .root.Values.hooks.backoffLimit }}
  {{- if .offline }}
  # Another try would have the same result.
  podFailurePolicy:
    rules:
    - action: FailJob
      onExitCodes:
        operator: NotIn
        values: [0]
  {{- end }}
  activeDeadlineSeconds: {{ .root.Values.hooks.activeDeadlineSeconds }}
  # A failed Job is kept for a while, so that its log can be read.
  ttlSecondsAfterFinished: {{ .root.Values.hooks.ttlSecondsAfterFinished }}
  template:
    metadata:
      {{- include "tiergate.podMetadata" (dict "root" .root "component" "lifecycle" "values" .root.Values.hooks) | nindent 6 }}
    spec:
      {{- include "tiergate.hookPodSpec" . | nindent 6 }}
{{- end }}

{{/*
Account and permissions of a hook, which exist as long as it runs.
Arguments: root, name, hook, weight (optional), and lists of rules, each optional: clusterRules, rules (in the release
namespace).
*/}}
{{- define "tiergate.hookAccess" -}}
{{- $metadata := include "tiergate.hookMetadata" (dict "root" .root "hook" .hook "weight" (.weight | default -10) "policy" ",hook-failed") }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace | quote }}
  {{- $metadata | nindent 2 }}
automountServiceAccountToken: false
{{- with .clusterRules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $.name }}
  {{- $metadata | nindent 2 }}
rules:
{{- toYaml . | nindent 0 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $.name }}
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $.name }}
subjects:
- kind: ServiceAccount
  name: {{ $.name }}
  namespace: {{ $.root.Release.Namespace | quote }}
{{- end }}
{{- with .rules }}
---
{{- include "tiergate.hookRole" (dict "root" $.root "name" $.name "hook" $.hook "namespace" $.root.Release.Namespace "rules" .) }}
{{- end }}
{{- end }}

{{/* A Role and its binding in one namespace, as long as a hook runs. Arguments: root, name, hook, namespace, rules. */}}
{{- define "tiergate.hookRole" -}}
{{- $metadata := include "tiergate.hookMetadata" (dict "root" .root "hook" .hook "weight" -10 "policy" ",hook-failed") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .namespace | quote }}
  {{- $metadata | nindent 2 }}
rules:
{{- toYaml .rules | nindent 0 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace | quote }}
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
- kind: ServiceAccount
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace | quote }}
{{- end }}

{{/* Governed namespaces that `helm test` tries: the first of each tier that is created here, and those named for it. */}}
{{- define "tiergate.testNamespaces" -}}
{{- $first := dict }}
{{- if .Values.createNamespaces }}
{{- range $name, $namespace := .Values.namespaces }}
{{- if not (or (hasKey $first $namespace.tier) (has $name $.Values.webhook.excludeNamespaces)) }}
{{- $_ := set $first $namespace.tier $name }}
{{- end }}
{{- end }}
{{- end }}
{{- concat (values $first | sortAlpha) .Values.tests.namespaces | uniq | toYaml }}
{{- end }}
