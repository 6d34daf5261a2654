{{/* The name of every object: that of the release, with the chart's in it. */}}
{{- define "design-analysis.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "design-analysis.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "design-analysis.labels" -}}
{{- include "design-analysis.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "design-analysis.metadata" -}}
name: {{ include "design-analysis.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "design-analysis.labels" . | nindent 2 }}
{{- end -}}

{{- define "design-analysis.image" -}}
{{- $repository := required "image.repository is required: where the image of the server is" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "design-analysis.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "design-analysis.name" .) -}}
{{- else -}}
{{- required "serviceAccount.name is required: with serviceAccount.create=false it is one of yours" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The variables of the ConfigMap. Helm reads numbers as floats, which it would print as 5e+09. */}}
{{- define "design-analysis.settings" -}}
STORAGE_TYPE: s3
S3_BUCKET_NAME: {{ required "store.bucket is required: an existing bucket" .Values.store.bucket | quote }}
S3_PREFIX: {{ .Values.store.prefix | quote }}
{{- with .Values.store.region }}
S3_REGION: {{ . | quote }}
{{- end }}
{{- with .Values.store.endpoint }}
S3_ENDPOINT_URL: {{ . | quote }}
{{- end }}
{{- $behindProxy := ternary (dict "CONNECTIONS_PER_PEER" "0") dict .Values.ingress.enabled }}
{{- range $name, $value := merge (dict) .Values.settings $behindProxy }}
{{ $name }}: {{ ternary (printf "%.0f" $value) (toString $value) (kindIs "float64" $value) | quote }}
{{- end }}
{{- end -}}

{{/* What no schema can say. */}}
{{- define "design-analysis.check" -}}
{{- range .Values.extraEnv -}}
{{- if eq .name "API_TOKEN" -}}
{{- fail "extraEnv sets API_TOKEN: give the Secret that has it in token.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts is required: with ingress.enabled=true it names a host at least" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.store.endpoint .Values.networkPolicy.enabled (not .Values.networkPolicy.extraEgress) -}}
{{- $url := urlParse .Values.store.endpoint -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- if ne $port "443" -}}
{{- fail (printf "store.endpoint is at port %s, and the network policy lets out to port 443 only: allow it in networkPolicy.extraEgress" $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
