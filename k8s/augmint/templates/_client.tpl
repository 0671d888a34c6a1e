{{/* Whether the release's own clients have what the service asks of a client. */}}
{{- define "augmint.clientMay" -}}
{{- if and (or (not .Values.access.tokensSecret) .Values.client.tokenSecret) (or (not .Values.tls.mutual) .Values.client.certificateSecret) }}yes{{ end -}}
{{- end -}}

{{- define "augmint.clientMounts" -}}
{{- if .Values.tls.secret }}
- name: authority
  mountPath: /etc/augmint/authority
  readOnly: true
{{- end }}
{{- range $name, $secret := dict "certificate" .Values.client.certificateSecret "token" .Values.client.tokenSecret }}
{{- if $secret }}
- name: {{ $name }}
  mountPath: /etc/augmint/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{/* Of the service's secret only the authority: its key is the service's alone. */}}
{{- define "augmint.clientVolumes" -}}
{{- with .Values.tls.secret }}
- name: authority
  secret:
    secretName: {{ . }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- range $name, $secret := dict "certificate" .Values.client.certificateSecret "token" .Values.client.tokenSecret }}
{{- if $secret }}
- name: {{ $name }}
  secret:
    secretName: {{ $secret }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "augmint.clientArguments" -}}
{{- if .Values.tls.secret }}
- --ca
- /etc/augmint/authority/ca.crt
{{- end }}
{{- if .Values.client.certificateSecret }}
- --certificate
- /etc/augmint/certificate/tls.crt
- --key
- /etc/augmint/certificate/tls.key
{{- end }}
{{- if .Values.client.tokenSecret }}
- --token-file
- /etc/augmint/token/token
{{- if not .Values.tls.secret }}
- --plain
{{- end }}
{{- end }}
{{- end -}}
