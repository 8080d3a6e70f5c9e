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

{{/* metadata.labels and metadata.annotations. Arguments: root, component, labels (optional), annotations (optional). */}}
{{- define "tiergate.metadata" -}}
labels:
  {{- include "tiergate.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := mergeOverwrite (dict) .root.Values.commonAnnotations (.annotations | default dict) }}
{{- with $annotations }}
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

{{- define "tiergate.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
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
{{- $annotations := dict "tiergate.io/webhooks" (include .webhooks .root | fromYamlArray | toJson) }}
{{- if include "tiergate.caIsInjected" .root }}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/tiergate-webhook" .root.Release.Namespace) }}
{{- end }}
{{- include "tiergate.metadata" (dict "root" .root "component" "webhook" "annotations" $annotations) }}
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

{{- define "tiergate.tmpVolume" -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
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
{{ include "tiergate.tmpVolume" . }}
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

{{/*
Labels of whom the hooks run as, and when they and their accounts go.
Arguments: root, hook, weight, keep (optional: until the next one), policy (optional: when it goes, besides before the
next one and after a success), log (optional: have Helm print what a failed one said).
*/}}
{{- define "tiergate.hookMetadata" -}}
{{- $annotations := dict "helm.sh/hook" .hook "helm.sh/hook-weight" (.weight | toString) }}
{{- if .log }}
{{- $_ := set $annotations "helm.sh/hook-output-log-policy" "hook-failed" }}
{{- end }}
{{- $_ := set $annotations "helm.sh/hook-delete-policy" (ternary "before-hook-creation" (printf "before-hook-creation,hook-succeeded%s" (.policy | default "")) (.keep | default false)) }}
{{- include "tiergate.metadata" (dict "root" .root "component" "lifecycle" "annotations" $annotations) }}
{{- end }}

{{/*
The pod spec of a hook. It reaches the API server and nothing else.
Arguments: root, name (of the account), args, volumes and mounts (lists, optional), offline (optional: it reaches
nothing, so it has no account and no token).
*/}}
{{- define "tiergate.hookPodSpec" -}}
{{- $hooks := .root.Values.hooks }}
restartPolicy: Never
{{- if not .offline }}
serviceAccountName: {{ .name }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $hooks.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "tiergate.podSecurityContext" .root | nindent 2 }}
terminationGracePeriodSeconds: 5
containers:
- name: {{ .name | trimPrefix "tiergate-" }}
  image: {{ include "tiergate.image" .root | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    {{- toYaml .args | nindent 4 }}
  env:
    {{- include "tiergate.environment" .root | nindent 4 }}
  # What it said last is then in the status of the pod, too.
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    {{- include "tiergate.containerSecurityContext" .root | nindent 4 }}
  {{- with $hooks.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
  {{- if not .offline }}
  - name: service-account
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  {{- end }}
  - name: tmp
    mountPath: /tmp
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
{{- include (ternary "tiergate.tmpVolume" "tiergate.serviceAccountVolume" (.offline | default false)) .root | nindent 0 }}
{{- with .volumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with $hooks.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $hooks.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $hooks.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Labels and annotations of a hook's pod. */}}
{{- define "tiergate.hookPodMetadata" -}}
labels:
  {{- mergeOverwrite (deepCopy .Values.hooks.podLabels) (include "tiergate.labels" (dict "root" . "component" "lifecycle") | fromYaml) | toYaml | nindent 2 }}
{{- with mergeOverwrite (dict) .Values.commonAnnotations .Values.hooks.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A Job with one hook's pod. Arguments: those of tiergate.hookPodSpec, hook, and weight (optional). */}}
{{- define "tiergate.hookJob" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "tiergate.hookMetadata" (dict "root" .root "hook" .hook "weight" (.weight | default 0) "log" true) | nindent 2 }}
spec:
  backoffLimit: 2
  {{- if .offline }}
  # What it finds does not change by asking again.
  podFailurePolicy:
    rules:
    - action: FailJob
      onExitCodes:
        operator: NotIn
        values: [0]
  {{- end }}
  activeDeadlineSeconds: {{ .root.Values.hooks.activeDeadlineSeconds }}
  # One that failed stays to be read, and not for ever.
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      {{- include "tiergate.hookPodMetadata" .root | nindent 6 }}
    spec:
      {{- include "tiergate.hookPodSpec" . | nindent 6 }}
{{- end }}

{{/*
Account and permissions of a hook, which exist as long as it runs.
Arguments: root, name, hook, and lists of rules: clusterRules, rules (in the release namespace).
*/}}
{{- define "tiergate.hookAccess" -}}
{{- $metadata := include "tiergate.hookMetadata" (dict "root" .root "hook" .hook "weight" -10 "policy" ",hook-failed") }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
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
  namespace: {{ $.root.Release.Namespace }}
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
  namespace: {{ .namespace }}
  {{- $metadata | nindent 2 }}
rules:
{{- toYaml .rules | nindent 0 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
- kind: ServiceAccount
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
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
