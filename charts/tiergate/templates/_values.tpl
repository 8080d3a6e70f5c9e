{{/*
Make the values what the templates rely on; every template begins with it, the first one does the work.
- A null leaves its map: `namespaces.dev: null` drops what an earlier values file has under that name.
- What the chart has a default for and is missing has it again: a section that was emptied (`controller:` with nothing below
  it is a null, too), and a value that `helm upgrade --reuse-values` does not know, because it is newer than the release.
  Only maps that are set to null in order to be without them stay away: `resources`, labels and annotations.
Helm gives templates no access to values.yaml, so the defaults are in a file of their own, by the path of the section; that
of the values themselves is "".
*/}}
{{- define "tiergate.values" -}}
{{- if not (hasKey .Values "_complete") }}
{{- /* A copy, because charts beside this one read the same map. */}}
{{- $_ := set .Values "global" (.Values.global | default dict | toJson | fromJson) }}
{{- include "tiergate.dropNulls" .Values }}
{{- range $path, $defaults := .Files.Get "files/sections.yaml" | fromYaml }}
{{- $section := $.Values }}
{{- range $name := compact (splitList "." $path) }}
{{- if not (hasKey $section $name) }}
{{- $_ := set $section $name $defaults }}
{{- end }}
{{- $section = get $section $name }}
{{- end }}
{{- range $name, $default := $defaults }}
{{- if not (or (hasKey $section $name) (has $name (list "configurationAnnotations" "labels" "resources"))) }}
{{- $_ := set $section $name $default }}
{{- end }}
{{- end }}
{{- end }}
{{- $_ := set .Values "_complete" true }}
{{- end }}
{{- end }}

{{- define "tiergate.dropNulls" -}}
{{- range $name, $value := . }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $ $name }}
{{- else if kindIs "map" $value }}
{{- include "tiergate.dropNulls" $value }}
{{- end }}
{{- end }}
{{- end }}
