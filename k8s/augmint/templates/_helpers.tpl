{{/* Name of everything: at most 46 characters. Kubernetes cuts what is before the last five letters of a pod's name at 58,
     and the series of a pod whose name lacks a part would not be found (_series.tpl). */}}
{{- define "augmint.name" -}}
{{- $own := .Values.nameOverride | default .Chart.Name -}}
{{- $name := .Release.Name -}}
{{- if not (contains $own $name) }}{{ $name = printf "%s-%s" $name $own }}{{ end -}}
{{- .Values.fullnameOverride | default $name | replace "." "-" | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{- define "augmint.release" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What the serving pods have, and no other pod of the release: what never changes in its life. */}}
{{- define "augmint.selector" -}}
{{ include "augmint.release" . }}
app.kubernetes.io/component: service
{{- end -}}

{{/* What the pod of the page has. */}}
{{- define "augmint.browseSelector" -}}
{{ include "augmint.release" . }}
app.kubernetes.io/component: browse
{{- end -}}

{{- define "augmint.about" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels of an object: those of all, then its own, then the chart's, which nothing replaces: pods are found by them.
     Jobs and their pods are another component: a Service, a PodMonitor or a disruption budget must not take them for
     serving pods. Takes (list $ component own). */}}
{{- define "augmint.labelsOf" -}}
{{- $root := index . 0 -}}
{{- $chart := printf "%s\napp.kubernetes.io/component: %s\n%s" (include "augmint.release" $root) (index . 1) (include "augmint.about" $root) -}}
{{- mergeOverwrite (deepCopy $root.Values.commonLabels) (index . 2) ($chart | fromYaml) | toYaml -}}
{{- end -}}

{{/* Of every object but the pods that do not serve. */}}
{{- define "augmint.labels" -}}
{{- include "augmint.labelsOf" (list . "service" dict) -}}
{{- end -}}

{{/* Annotations of an object: those of all, and its own. Takes (list $ own). */}}
{{- define "augmint.annotations" -}}
{{- with mergeOverwrite (deepCopy (index . 0).Values.commonAnnotations) (index . 1) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
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
automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
# A Service named augmint would otherwise put AUGMINT_PORT=tcp://... into the pods' settings.
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with include "augmint.account" . }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The ServiceAccount of all pods; empty: the namespace's default. */}}
{{- define "augmint.account" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "augmint.name" .) "") -}}
{{- end -}}

{{/* Port of the Service with a virtual address. The other one has none of its own: its clients reach the pods. */}}
{{- define "augmint.servicePort" -}}
{{- .Values.service.port | default .Values.settings.port -}}
{{- end -}}

{{/* Variables of a container that runs ONNX Runtime, which tells its maker of what it does unless this is set; and those
     that were given, which may set it otherwise. Takes the list that was given. */}}
{{- define "augmint.givenEnv" -}}
{{- $names := dict }}
{{- range . }}{{ $_ := set $names .name true }}{{ end }}
{{- if not (hasKey $names "ORT_DISABLE_TELEMETRY") }}
- name: ORT_DISABLE_TELEMETRY
  value: "1"
{{- end }}
{{- with . }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One more item for each of a list of containers, mounts, volumes or variables; nothing for none. */}}
{{- define "augmint.more" -}}
{{- with . }}
{{ toYaml . }}
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

{{/* Of every container. */}}
{{- define "augmint.containerSecurity" -}}
{{- toYaml .Values.securityContext -}}
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
