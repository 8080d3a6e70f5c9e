{{/* TCP ports by number or name; an empty list is every TCP port. */}}
{{- define "tiergate.tenantPorts" -}}
{{- range . }}
- protocol: TCP
  port: {{ toJson . }}
{{- else }}
- protocol: TCP
{{- end }}
{{- end }}

{{/* What the schema cannot say of teams, a line for each fault. */}}
{{- define "tiergate.tenantFaults" -}}
{{- $policies := .Values.tenants.networkPolicies }}
{{- $blocks := list }}
{{- range $index, $cidr := $policies.privateCIDRs }}
{{- $blocks = append $blocks (dict "path" (printf "tenants.networkPolicies.privateCIDRs[%d]" $index) "cidr" $cidr) }}
{{- if hasSuffix "/0" $cidr }}
{{ printf "tenants.networkPolicies.privateCIDRs[%d]: %s leaves no internet; networkPolicy.internet: false of a namespace says that" $index $cidr }}
{{- end }}
{{- end }}
{{- range $index, $cidr := $policies.dns.cidrs }}
{{- $blocks = append $blocks (dict "path" (printf "tenants.networkPolicies.dns.cidrs[%d]" $index) "cidr" $cidr) }}
{{- end }}
{{- range $name, $namespace := .Values.namespaces }}
{{- range $namespace.groups }}
{{- if has . (list "system:authenticated" "system:unauthenticated" "system:masters" "system:serviceaccounts") }}
{{ printf "namespaces.%s.groups: %q is not a team; name the team's own group" $name . }}
{{- end }}
{{- end }}
{{- $own := $namespace.networkPolicy | default dict }}
{{- if and (eq $name $policies.observability.namespace) (or $own.egress (hasKey $own "internet")) }}
{{ printf "namespaces.%s.networkPolicy: the observability namespace reaches everything; internet and egress would change nothing" $name }}
{{- end }}
{{- range $direction, $peers := dict "ingress" "from" "egress" "to" }}
{{- range $index, $rule := get $own $direction | default list }}
{{- range $place, $peer := get $rule $peers | default list }}
{{- with $peer.ipBlock }}
{{- $path := printf "namespaces.%s.networkPolicy.%s[%d].%s[%d].ipBlock" $name $direction $index $peers $place }}
{{- $blocks = append $blocks (dict "path" (printf "%s.cidr" $path) "cidr" .cidr) }}
{{- range $number, $cidr := .except }}
{{- $blocks = append $blocks (dict "path" (printf "%s.except[%d]" $path $number) "cidr" $cidr) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" }}
{{- $four := printf "(%s\\.){3}%s/(3[0-2]|[12]?[0-9])" $octet $octet }}
{{- $six := "(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,6})?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,6})?)/(12[0-8]|1[01][0-9]|[1-9]?[0-9])" }}
{{- range $blocks }}
{{- if or (not (regexMatch (printf "^(%s|%s)$" $four $six) .cidr)) (hasPrefix "::ffff:" (lower .cidr)) }}
{{ printf "%s: %q is not a block of addresses, such as 10.0.0.0/8 or fd00::/8" .path .cidr }}
{{- else if and (contains "." .cidr) (ne (include "tiergate.bitsBeyondPrefix" .cidr) "0") }}
{{ printf "%s: %q has bits set beyond its prefix; write the first address of the block" .path .cidr }}
{{- end }}
{{- end }}
{{- end }}

{{/* What an IPv4 address has beyond the prefix, as a number: the API server of 1.37 takes only 0. */}}
{{- define "tiergate.bitsBeyondPrefix" -}}
{{- $parts := splitList "/" . }}
{{- $address := 0 }}
{{- range splitList "." (first $parts) }}
{{- $address = add (mul $address 256) (int .) }}
{{- end }}
{{- $size := 1 }}
{{- range until (sub 32 (int (last $parts)) | int) }}
{{- $size = mul $size 2 }}
{{- end }}
{{- mod $address $size }}
{{- end }}
