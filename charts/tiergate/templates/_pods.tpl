{{/*
What the pods of every component have in common: fields of a PodSpec that the values fill, none where they are empty.
Arguments: root, values (of the component), hostNetwork (optional).
*/}}
{{- define "tiergate.podSettings" -}}
{{- $fields := dict "automountServiceAccountToken" false "enableServiceLinks" false }}
{{- if .hostNetwork }}
{{- $_ := mergeOverwrite $fields (dict "hostNetwork" true "dnsPolicy" "ClusterFirstWithHostNet") }}
{{- end }}
{{- range $name := list "affinity" "dnsConfig" "dnsPolicy" "nodeSelector" "priorityClassName" "runtimeClassName" "tolerations" }}
{{- with get $.values $name }}
{{- $_ := set $fields $name . }}
{{- end }}
{{- end }}
{{- with include "tiergate.podSecurityContext" .root | fromYaml }}
{{- $_ := set $fields "securityContext" . }}
{{- end }}
{{- with concat (.root.Values.global.imagePullSecrets | default list) (.root.Values.imagePullSecrets | default list) | uniq }}
{{- $_ := set $fields "imagePullSecrets" . }}
{{- end }}
{{- toYaml $fields }}
{{- end }}

{{/* The same for the one container of a pod. Arguments: root, values (of the component). */}}
{{- define "tiergate.containerSettings" -}}
{{- $fields := dict "image" (include "tiergate.image" .root) "imagePullPolicy" .root.Values.image.pullPolicy }}
{{- with include "tiergate.securityContext" .root | fromYaml }}
{{- $_ := set $fields "securityContext" . }}
{{- end }}
{{- with .values.resources }}
{{- $_ := set $fields "resources" . }}
{{- end }}
{{- toYaml $fields }}
{{- end }}

{{/*
Labels and annotations of a pod: the chart's own labels win, for selectors rest on them.
Arguments: root, component, values (of the component).
*/}}
{{- define "tiergate.podMetadata" -}}
labels:
  {{- include "tiergate.labels" (dict "root" .root "component" .component "labels" .values.podLabels) | nindent 2 }}
{{- with mergeOverwrite (dict) (.root.Values.commonAnnotations | default dict) (.values.podAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* One probe. Arguments: path, port, scheme, timings (of the values). */}}
{{- define "tiergate.probe" -}}
{{- $get := dict "path" .path "port" .port "scheme" .scheme }}
{{- /* The API server drops a 0, so a comparison with the stored object would always see a difference. */}}
{{- $timings := ternary .timings (omit .timings "initialDelaySeconds") (gt (int .timings.initialDelaySeconds) 0) }}
{{- mergeOverwrite (dict) $timings (dict "httpGet" $get) | toYaml }}
{{- end }}

{{/* topologySpreadConstraints: those of the values, else over nodes and zones. Arguments: root, component, values. */}}
{{- define "tiergate.spread" -}}
{{- if .values.topologySpreadConstraints }}
{{- toYaml .values.topologySpreadConstraints }}
{{- else }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys:
  - pod-template-hash
  labelSelector:
    matchLabels:
      {{- include "tiergate.selector" (dict "root" $.root "component" $.component) | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Non-empty on OpenShift, whose security context constraints choose user and group themselves and refuse fixed ones.
*/}}
{{- define "tiergate.isAdaptedToOpenShift" -}}
{{- $adapt := .Values.global.compatibility.openshift.adaptSecurityContext }}
{{- if or (eq $adapt "force") (and (eq $adapt "auto") (.Capabilities.APIVersions.Has "security.openshift.io/v1")) }}true{{ end }}
{{- end }}

{{- define "tiergate.podSecurityContext" -}}
{{- $context := .Values.podSecurityContext | default dict }}
{{- if include "tiergate.isAdaptedToOpenShift" . }}
{{- $context = omit $context "fsGroup" "runAsGroup" "runAsUser" }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{- define "tiergate.securityContext" -}}
{{- $context := .Values.securityContext | default dict }}
{{- if include "tiergate.isAdaptedToOpenShift" . }}
{{- $context = omit $context "runAsGroup" "runAsUser" }}
{{- end }}
{{- toYaml $context }}
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

{{/* The token that automountServiceAccountToken would mount, but explicit and short-lived. */}}
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
