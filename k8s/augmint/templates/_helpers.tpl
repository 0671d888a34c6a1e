{{/* Name of everything: at most 54 characters, so that "-headless" fits into a DNS label. */}}
{{- define "augmint.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- $name | replace "." "-" | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{- define "augmint.release" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What the serving pods have, and no other pod of the release: what never changes in its life. */}}
{{- define "augmint.selector" -}}
{{ include "augmint.release" . }}
app.kubernetes.io/component: service
{{- end -}}

{{- define "augmint.about" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of every object but the pods that do not serve. */}}
{{- define "augmint.labels" -}}
{{ include "augmint.selector" . }}
{{ include "augmint.about" . }}
{{- end -}}

{{/* Of jobs and their pods: a Service, a PodMonitor or a disruption budget must not take them for serving pods.
     Takes (list $ component). */}}
{{- define "augmint.jobLabels" -}}
{{ include "augmint.release" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{ include "augmint.about" (index . 0) }}
{{- end -}}

{{- define "augmint.image" -}}
{{- $tag := .Values.image.tag | default (printf "%s%s" .Chart.AppVersion (ternary "-cuda" "" .Values.gpu.enabled)) -}}
{{- .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ $tag }}{{ end -}}
{{- end -}}

{{- define "augmint.trainingImage" -}}
{{- $image := .Values.training.image -}}
{{- $image.repository | default .Values.image.repository }}:{{ $image.tag | default (printf "%s-training" .Chart.AppVersion) -}}
{{- end -}}

{{/* What a client connects to: all pods, by round robin. */}}
{{- define "augmint.target" -}}
dns:///{{ include "augmint.name" . }}-headless.{{ .Release.Namespace }}.svc:{{ .Values.settings.port }}
{{- end -}}

{{/* What all pods of the release have in common; the rest of a pod's spec follows it. */}}
{{- define "augmint.pod" -}}
automountServiceAccountToken: false
# A Service named augmint would otherwise put AUGMINT_PORT=tcp://... into the pods' settings.
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where pods go that use the devices. */}}
{{- define "augmint.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of every container: the restricted Pod Security Standard, and nothing writable but the volumes. */}}
{{- define "augmint.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The variables of the service: one for each of .Values.settings, camelCase there and UPPER_CASE here. */}}
{{- define "augmint.env" -}}
- name: AUGMINT_MODELS
  value: {{ eq .Values.models.source "url" | ternary .Values.models.url "/models" }}
{{- if eq .Values.models.source "url" }}
- name: AUGMINT_CACHE_FOLDER
  value: /models
{{- end }}
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

{{/* The files of TLS, tokens and quotas: what to mount, where, and the variables that name them. A mount of a whole
     folder, since Kubernetes renews no file that is mounted by itself. */}}
{{- define "augmint.accessEnv" -}}
{{- with .Values.tls }}
{{- if .secret }}
- name: AUGMINT_TLS_CERTIFICATE
  value: /etc/augmint/tls/tls.crt
- name: AUGMINT_TLS_KEY
  value: /etc/augmint/tls/tls.key
{{- if .mutual }}
- name: AUGMINT_TLS_CLIENT_CA
  value: /etc/augmint/tls/ca.crt
{{- end }}
- name: AUGMINT_HEALTH_PORT
  value: {{ .healthPort | toString | quote }}
{{- end }}
{{- end }}
{{- if .Values.access.tokensSecret }}
- name: AUGMINT_TOKENS
  value: /etc/augmint/access/tokens
{{- end }}
{{- if .Values.access.quotas }}
- name: AUGMINT_QUOTAS
  value: /etc/augmint/quotas/quotas.toml
{{- end }}
{{- end -}}

{{- define "augmint.accessMounts" -}}
{{- range $name, $given := dict "tls" .Values.tls.secret "access" .Values.access.tokensSecret "quotas" .Values.access.quotas }}
{{- if $given }}
- name: {{ $name }}
  mountPath: /etc/augmint/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{- define "augmint.accessVolumes" -}}
{{- range $name, $secret := dict "tls" .Values.tls.secret "access" .Values.access.tokensSecret }}
{{- if $secret }}
- name: {{ $name }}
  secret:
    secretName: {{ $secret }}
{{- end }}
{{- end }}
{{- if .Values.access.quotas }}
- name: quotas
  configMap:
    name: {{ include "augmint.name" . }}-quotas
{{- end }}
{{- end -}}

{{/* The values that name secrets of pods, and the secrets. */}}
{{- define "augmint.secrets" -}}
{{- with .Values }}
{{- $fetch := eq .models.source "fetch" | ternary .models.fetch.secret "" }}
{{- $url := eq .models.source "url" | ternary .models.urlSecret "" }}
{{- $named := list (list "tls.secret" .tls.secret) (list "access.tokensSecret" .access.tokensSecret) (list "client.tokenSecret" .client.tokenSecret) (list "client.certificateSecret" .client.certificateSecret) (list "models.fetch.secret" $fetch) (list "models.urlSecret" $url) }}
{{- range $named }}
{{- if index . 1 }}
{{ index . 0 }}: {{ index . 1 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where the probes ask. */}}
{{- define "augmint.healthPort" -}}
{{ if .Values.tls.secret }}{{ .Values.tls.healthPort }}{{ else }}{{ .Values.settings.port }}{{ end }}
{{- end -}}

{{/* The volume of the generators, nothing if they are in the image. */}}
{{- define "augmint.modelsVolume" -}}
{{- $models := .Values.models -}}
{{- if eq $models.source "claim" -}}
- name: models
  persistentVolumeClaim:
    claimName: {{ $models.claim }}
    readOnly: true
{{- else if eq $models.source "imageVolume" -}}
- name: models
  image:
    reference: {{ $models.imageVolume.reference | quote }}
    pullPolicy: {{ $models.imageVolume.pullPolicy }}
{{- else if has $models.source (list "fetch" "url") -}}
- name: models
  emptyDir: {}
{{- end -}}
{{- end -}}
