{{/* A value as a quoted text. YAML reads a bare `no`, `1e3` or `~` as something else, and Go writes 1000000 as
1e+06. */}}
{{- define "service.text" -}}
{{ kindIs "string" . | ternary . (toJson .) | toRawJson }}
{{- end }}

{{/* Prefix of the service's settings: ports -> PORTS, port-calls -> PORT_CALLS. */}}
{{- define "service.prefix" -}}
{{ .Values.name | upper | replace "-" "_" }}
{{- end }}

{{/* What runs, short: the beginning of the image's digest, or its tag. */}}
{{- define "service.version" -}}
{{ .Values.image.digest | trimPrefix "sha256:" | trunc 12 | default .Values.image.tag }}
{{- end }}

{{/* The image, by digest where it comes from a registry. */}}
{{- define "service.image" -}}
{{- $repository := .Values.image.repository | default (printf "%s/%s" .Values.registry .Values.name) -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end }}

{{/* Labels by which the pods of a component are found; they never change. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ include "service.text" .context.Values.name }}
app.kubernetes.io/instance: {{ include "service.text" .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* What makes the pods: a Rollout where new versions take traffic step by step, else a Deployment. */}}
{{- define "service.workloadKind" -}}
{{ ternary "Rollout" "Deployment" .Values.rollout.enabled }}
{{- end }}

{{- define "service.workloadVersion" -}}
{{ ternary "argoproj.io/v1alpha1" "apps/v1" .Values.rollout.enabled }}
{{- end }}

{{/* Labels of every object; the argument is a dict of context and component. */}}
{{- define "service.labels" -}}
{{- include "service.selector" . }}
{{- with .context }}
app.kubernetes.io/version: {{ include "service.text" (include "service.version" .) }}
app.kubernetes.io/part-of: {{ include "service.text" .Values.organisation }}
app.kubernetes.io/managed-by: {{ include "service.text" .Release.Service }}
helm.sh/chart: {{ include "service.text" (printf "%s-%s" .Chart.Name .Chart.Version) }}
backstage.io/kubernetes-id: {{ include "service.text" .Values.name }}
{{- end }}
{{- end }}

{{/* Pod security that passes the profile `restricted`; no value weakens it. */}}
{{- define "service.podSecurityContext" -}}
runAsNonRoot: true
{{- if .Values.fixedUser }}
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "service.securityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: {{ not .Values.liveUpdate.enabled }}
{{- end }}

{{/* Requests and limits; the argument is them. Numbers are quantities too, and become texts as in the API. */}}
{{- define "service.resources" -}}
{{- range $kind, $quantities := . }}
{{ $kind }}:
  {{- range $resource, $quantity := $quantities }}
  {{ include "service.text" $resource }}: {{ include "service.text" $quantity }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "service.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ include "service.text" . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The NetworkPolicies' way to the database. */}}
{{- define "service.toDatabase" -}}
- to:
    {{- toYaml .Values.postgresql.peers | nindent 4 }}
  ports:
    - port: {{ .Values.postgresql.port }}
{{- end }}

{{/* The setting of the shared cache, which the migration does not use. */}}
{{- define "service.cache" -}}
{{- if .Values.cache.enabled }}
- name: {{ include "service.text" (printf "%s_CACHE_URL" (include "service.prefix" .)) }}
  valueFrom:
    secretKeyRef:
      name: {{ include "service.text" .Values.cache.existingSecret }}
      key: {{ include "service.text" .Values.cache.key }}
{{- end }}
{{- end }}

{{/* Settings that the server and the migration share. */}}
{{- define "service.env" -}}
{{- range $name, $value := .Values.env }}
- name: {{ include "service.text" $name }}
  value: {{ include "service.text" $value }}
{{- end }}
{{- range $name, $from := .Values.secretEnv }}
- name: {{ include "service.text" $name }}
  valueFrom:
    secretKeyRef:
      name: {{ include "service.text" $from.secret }}
      key: {{ include "service.text" $from.key }}
{{- end }}
{{- if .Values.postgresql.enabled }}
- name: {{ include "service.text" (printf "%s_STORE_URL" (include "service.prefix" .)) }}
  valueFrom:
    secretKeyRef:
      name: {{ include "service.text" .Values.postgresql.existingSecret }}
      key: {{ include "service.text" .Values.postgresql.key }}
{{- with .Values.postgresql.replicaKey }}
- name: {{ include "service.text" (printf "%s_REPLICA_URL" (include "service.prefix" $)) }}
  valueFrom:
    secretKeyRef:
      name: {{ include "service.text" $.Values.postgresql.existingSecret }}
      key: {{ include "service.text" . }}
{{- end }}
{{- /* Twice: an update replaces all pods, and the old ones keep their connections while they drain. */}}
- name: {{ include "service.text" (printf "%s_PODS" (include "service.prefix" .)) }}
  value: {{ include "service.text" (mul 2 (ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled)) }}
{{- end }}
{{- end }}

{{/* Configuration of Cloudprober; platform/stack makes the same. A probe is called by its route, which SLOs select
it by. */}}
{{- define "service.prober" -}}
{{- $probes := list }}
{{- range $route, $path := .Values.prober.probes }}
  {{- $probes = append $probes (dict
    "name" $route
    "type" "HTTP"
    "targets" (dict "host_names" $.Values.name)
    "interval_msec" (mul $.Values.prober.intervalSeconds 1000)
    "timeout_msec" (mul $.Values.prober.timeoutSeconds 1000)
    "stats_export_interval_msec" (mul $.Values.prober.intervalSeconds 1000)
    "http_probe" (dict "relative_url" $path "port" $.Values.ports.http)
    "validator" (list (dict "name" "status" "http_validator" (dict "success_status_codes" "200-299")))
  ) }}
{{- end }}
{{- $prometheus := dict "metrics_prefix" "cloudprober_" "include_timestamp" false }}
{{- toYaml (dict
  "port" .Values.prober.port
  "probe" $probes
  "surfacer" (list (dict "type" "PROMETHEUS" "prometheus_surfacer" $prometheus))
) }}
{{- end }}

{{/* Limits of a scrape. */}}
{{- define "service.scrapeLimits" -}}
{{- range $key := list "sampleLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
{{ $key }}: {{ index $.Values.serviceMonitor $key | int }}
{{- end }}
{{- end }}
