{{/* Values that other charts have under these names, and what they are here. The schema lets them pass, to be refused with
     the right name. */}}
{{- define "augmint.otherNames" -}}
annotations: commonAnnotations
containerSecurityContext: securityContext
env: extraEnv
extraEnvFrom: envFrom
extraEnvVars: extraEnv
extraEnvs: extraEnv
extraLabels: commonLabels
extraSidecars: extraContainers
gateway: grpcRoute
hpa: autoscaling
httpRoute: grpcRoute, since calls are gRPC
imagePullSecrets: image.pullSecrets
initContainers: extraInitContainers
keda: autoscaling
labels: commonLabels
otel: settings.traces, and extraEnv with OTEL_EXPORTER_OTLP_ENDPOINT
pdb: podDisruptionBudget
proxy: extraEnv with HTTPS_PROXY and NO_PROXY
replicaCount: replicas
serviceAccountName: serviceAccount.name
serviceMonitor: podMonitor, since two Services would be scraped twice
sidecars: extraContainers
strategy: rollingUpdate
traces: settings.traces
tracing: settings.traces, and extraEnv with OTEL_EXPORTER_OTLP_ENDPOINT
updateStrategy: rollingUpdate
volumeMounts: extraVolumeMounts
volumes: extraVolumes
{{- end -}}

{{/* What is between a service and its callers contradicts itself. */}}
{{- define "augmint.checkReach" -}}
{{- $service := .Values.service -}}
{{- if eq $service.type "ClusterIP" -}}
{{- range list "nodePort" "externalTrafficPolicy" -}}
{{- if index $service . -}}
{{- fail (printf "service.%s is set, and service.type is ClusterIP; set service.type to NodePort or LoadBalancer" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if ne $service.type "LoadBalancer" -}}
{{- range list "loadBalancerClass" "loadBalancerIP" "loadBalancerSourceRanges" -}}
{{- if index $service . -}}
{{- fail (printf "service.%s is set, and service.type is %s; set service.type to LoadBalancer" . $service.type) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.grpcRoute.enabled (not .Values.grpcRoute.parentRefs) -}}
{{- fail "grpcRoute.enabled is true, and grpcRoute.parentRefs is empty; name a gateway, as [{name: ..., namespace: ...}]" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is true, and ingress.hosts is empty; list the names under which it is reached, as [{host: ...}]" -}}
{{- end -}}
{{- end -}}

{{/* What was added to a pod takes a name that the chart, or another addition, has. Takes (list path additions names). */}}
{{- define "augmint.checkNames" -}}
{{- $taken := deepCopy (index . 2) -}}
{{- $path := index . 0 -}}
{{- range index . 1 -}}
{{- if has .name $taken -}}
{{- fail (printf "%s has %s, which the chart sets itself or which is there twice; take it out, or use the chart's value for it" $path .name) -}}
{{- end -}}
{{- $taken = append $taken .name -}}
{{- end -}}
{{- end -}}

{{- define "augmint.checkAdditions" -}}
{{- $set := list "AUTHORIZATION" -}}
{{- range concat (include "augmint.env" . | fromYamlArray) (include "augmint.accessEnv" . | fromYamlArray) -}}
{{- $set = append $set .name -}}
{{- end -}}
{{- include "augmint.checkNames" (list "extraEnv" .Values.extraEnv $set) -}}
{{- include "augmint.checkNames" (list "training.extraEnv" .Values.training.extraEnv list) -}}
{{- include "augmint.checkNames" (list "export.extraEnv" .Values.export.extraEnv list) -}}
{{- include "augmint.checkNames" (list "extraVolumes" .Values.extraVolumes (list "tmp" "models" "tls" "access" "quotas")) -}}
{{- include "augmint.checkNames" (list "training.extraVolumes" .Values.training.extraVolumes (list "tmp" "models" "runs" "data")) -}}
{{- include "augmint.checkNames" (list "export.extraVolumes" .Values.export.extraVolumes (list "tmp" "out" "authority" "certificate" "token")) -}}
{{- include "augmint.checkNames" (list "browse.extraEnv" .Values.browse.extraEnv list) -}}
{{- include "augmint.checkNames" (list "browse.extraVolumes" .Values.browse.extraVolumes (list "tmp" "authority" "certificate" "token")) -}}
{{- include "augmint.checkNames" (list "extraContainers" .Values.extraContainers (list "service" "fetch")) -}}
{{- include "augmint.checkNames" (list "extraInitContainers" .Values.extraInitContainers (list "service" "fetch")) -}}
{{- end -}}

{{/* What a schema cannot say, or not in words: values that contradict each other. Each message names the value. */}}
{{- define "augmint.check" -}}
{{- $values := .Values -}}
{{- range $other, $here := include "augmint.otherNames" . | fromYaml -}}
{{- if hasKey $values $other -}}
{{- fail (printf "%s is no value of this chart; it is called %s" $other $here) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]" (include "augmint.name" .)) -}}
{{- fail (printf "the objects' name %s does not begin with a letter, which a Service's must; set fullnameOverride" (include "augmint.name" .)) -}}
{{- end -}}
{{- include "augmint.checkReach" . -}}
{{- include "augmint.checkAdditions" . -}}
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
{{- if and $values.browse.enabled (not (include "augmint.clientMay" .)) -}}
{{- fail "browse.enabled needs client.tokenSecret where access.tokensSecret is set, and client.certificateSecret where tls.mutual is true" -}}
{{- end -}}
{{- if and $values.export.enabled (not (include "augmint.clientMay" .)) -}}
{{- fail "export.enabled needs client.tokenSecret where access.tokensSecret is set, and client.certificateSecret where tls.mutual is true" -}}
{{- end -}}
{{- end -}}
