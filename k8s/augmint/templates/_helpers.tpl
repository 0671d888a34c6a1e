{{/* Name of everything: at most 54 characters, so that "-headless" fits into a DNS label. */}}
{{- define "augmint.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- $name | replace "." "-" | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{/* What never changes in the life of a release. */}}
{{- define "augmint.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: service
{{- end -}}

{{- define "augmint.labels" -}}
{{ include "augmint.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "augmint.image" -}}
{{- $tag := .Values.image.tag | default (printf "%s%s" .Chart.AppVersion (ternary "-cuda" "" .Values.gpu.enabled)) -}}
{{- .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ $tag }}{{ end -}}
{{- end -}}

{{/* What a client connects to: all pods, by round robin. */}}
{{- define "augmint.target" -}}
dns:///{{ include "augmint.name" . }}-headless.{{ .Release.Namespace }}.svc:{{ .Values.settings.port }}
{{- end -}}

{{/* The variables of the service: one for each of .Values.settings, camelCase there and UPPER_CASE here. */}}
{{- define "augmint.env" -}}
- name: AUGMINT_MODELS
  value: /models
- name: AUGMINT_DEVICE
  value: {{ ternary "cuda" "cpu" .Values.gpu.enabled }}
{{- range $name, $value := .Values.settings }}
- name: AUGMINT_{{ $name | snakecase | upper }}
  {{- if and (eq $name "lanes") (not $value) (not $.Values.gpu.enabled) }}
  # The service would count the cores of the node: a pod's share is not visible from inside.
  valueFrom:
    resourceFieldRef:
      resource: requests.cpu
      divisor: "1"
  {{- else }}
  {{- /* toJson, since a number from a million up would become 1e+06. */}}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What a schema cannot say. */}}
{{- define "augmint.check" -}}
{{- if eq (int .Values.settings.port) (int .Values.settings.metricsPort) -}}
{{- fail (printf "settings.port and settings.metricsPort are both %d; they must differ" (int .Values.settings.port)) -}}
{{- end -}}
{{- end -}}
