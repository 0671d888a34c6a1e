{{/* What a schema cannot say, or not in words: values that contradict each other. Each message names the value. */}}
{{- define "augmint.check" -}}
{{- $values := .Values -}}
{{- $models := $values.models -}}
{{- $scaling := $values.autoscaling -}}
{{- if eq (int $values.settings.port) (int $values.settings.metricsPort) -}}
{{- fail (printf "settings.port and settings.metricsPort are both %d; they must differ" (int $values.settings.port)) -}}
{{- end -}}
{{- if and $values.tls.secret (has (int $values.tls.healthPort) (list (int $values.settings.port) (int $values.settings.metricsPort))) -}}
{{- fail (printf "tls.healthPort is %d, as settings.port or settings.metricsPort; it must differ" (int $values.tls.healthPort)) -}}
{{- end -}}
{{- if and $values.tls.mutual (not $values.tls.secret) -}}
{{- fail "tls.mutual is true, and tls.secret is empty; name the secret with the certificates" -}}
{{- end -}}
{{- if not (or $values.settings.insecure $values.tls.secret $values.access.tokensSecret) -}}
{{- fail "settings.insecure is false, and neither tls.secret nor access.tokensSecret is set; set one of them" -}}
{{- end -}}
{{- if and (eq $models.source "claim") (not $models.claim) -}}
{{- fail "models.source is claim, and models.claim is empty; name a PersistentVolumeClaim" -}}
{{- end -}}
{{- if and $models.claim (ne $models.source "claim") -}}
{{- fail (printf "models.claim is %s, and models.source is %s; set models.source to claim or leave models.claim empty" $models.claim $models.source) -}}
{{- end -}}
{{- if eq $models.source "imageVolume" -}}
{{- if not $models.imageVolume.reference -}}
{{- fail "models.source is imageVolume, and models.imageVolume.reference is empty; name an image" -}}
{{- end -}}
{{- if semverCompare "<1.33.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail (printf "models.source is imageVolume, which needs Kubernetes 1.33 (with the feature gate ImageVolume) or 1.35; this is %s" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $models.source "url") (not $models.url) -}}
{{- fail "models.source is url, and models.url is empty; say where the generators are, e.g. s3://bucket/models" -}}
{{- end -}}
{{- if and (eq $models.source "fetch") (not $models.fetch.files) -}}
{{- fail "models.source is fetch, and models.fetch.files is empty; list {generator, version, url, sha256}" -}}
{{- end -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas is %d and autoscaling.maxReplicas %d; the least must not be above the most" (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- if and (eq $scaling.mode "keda") (not $scaling.keda.serverAddress) -}}
{{- fail "autoscaling.mode is keda, and autoscaling.keda.serverAddress is empty; say where Prometheus answers" -}}
{{- end -}}
{{- if and (eq $scaling.mode "keda") (gt (int $scaling.keda.fallbackReplicas) (int $scaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.keda.fallbackReplicas is %d; at most autoscaling.maxReplicas, %d" (int $scaling.keda.fallbackReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- if and (eq $scaling.mode "hpa") (not $values.alerts.enabled) -}}
{{- fail "autoscaling.mode is hpa, and alerts.enabled is false; the metric that it scales on is a recording rule of alerts" -}}
{{- end -}}
{{- if and $values.training.enabled (ne $models.source "claim") -}}
{{- fail (printf "training.enabled needs models.source claim, a place to publish in; it is %s" $models.source) -}}
{{- end -}}
{{- if and $values.export.enabled (not $values.export.claim) -}}
{{- fail "export.enabled is true, and export.claim is empty; name a PersistentVolumeClaim to write into" -}}
{{- end -}}
{{- if and $values.export.enabled (not (include "augmint.clientMay" .)) -}}
{{- fail "export.enabled needs client.tokenSecret where access.tokensSecret is set, and client.certificateSecret where tls.mutual is true" -}}
{{- end -}}
{{- end -}}
