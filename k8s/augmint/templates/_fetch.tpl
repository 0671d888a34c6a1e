{{/* The container that downloads generators before the service starts. A pod whose file is missing or wrong stays in
     Init and says why in its log; the pods that serve go on. */}}
{{- define "augmint.fetch" -}}
{{- $fetch := .Values.models.fetch -}}
- name: fetch
  image: {{ include "augmint.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [python, -c, {{ .Files.Get "files/fetch.py" | toJson }}]
  args:
    - /models
    - {{ $fetch.timeoutSeconds | toString | quote }}
    {{- range $fetch.files }}
    - {{ printf "%s/%d" .generator (int .version) }}
    - {{ .url | quote }}
    - {{ .sha256 | quote }}
    {{- end }}
  {{- if or $fetch.secret .Values.extraEnv }}
  env:
    {{- with $fetch.secret }}
    - name: AUTHORIZATION
      valueFrom:
        secretKeyRef:
          name: {{ . }}
          key: authorization
    {{- end }}
    {{- include "augmint.more" .Values.extraEnv | indent 4 }}
  {{- end }}
  {{- with .Values.envFrom }}
  envFrom: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- include "augmint.containerSecurity" . | nindent 4 }}
  resources:
    requests:
      cpu: 100m
      memory: 128Mi
    limits:
      memory: 128Mi
  volumeMounts:
    - name: models
      mountPath: /models
    - name: tmp
      mountPath: /tmp
    {{- include "augmint.more" .Values.extraVolumeMounts | indent 4 }}
{{- end -}}
