{{/* What picks the series of this release's serving pods, for everything that asks Prometheus. Pods of a Deployment are
     NAME-<hash>-<five letters>; a release whose name begins with this one's has pods with one part more. */}}
{{- define "augmint.series" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "augmint.name" . }}-[a-z0-9]+-[a-z0-9]{5}"
{{- with .Values.alerts.matchers }},{{ . }}{{ end -}}
{{- end -}}

{{/* The autoscaling signal: device-seconds of work asked for per second, refused work too, and what waits spread over the
     time in which it is to be done. docs/decisions/ says why this and not something simpler.
     Takes (list $ by): by is "" for the fleet's sum, "by (...) " for a sum per pod. No `or vector(0)`: that a fleet is not
     seen must be an error, not a load of 0. */}}
{{- define "augmint.loadBy" -}}
{{- $root := index . 0 -}}
{{- $by := index . 1 -}}
{{- $scaling := $root.Values.autoscaling -}}
sum {{ $by }}(rate(augmint_offered_work_seconds_total{ {{- include "augmint.series" $root -}} }[{{ $scaling.windowSeconds }}s])) + sum {{ $by }}(augmint_queued_work_seconds{ {{- include "augmint.series" $root -}} }) / {{ $scaling.catchUpSeconds }}
{{- end -}}

{{- define "augmint.load" -}}
{{- include "augmint.loadBy" (list . "") -}}
{{- end -}}
