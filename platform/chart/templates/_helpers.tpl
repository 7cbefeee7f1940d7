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

{{/* Labels by which the server's pods are found; they never change. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{/* Labels of every object; the argument is a dict of context and component. */}}
{{- define "service.labels" -}}
{{- with .context -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ $.component }}
app.kubernetes.io/version: {{ include "service.version" . | quote }}
app.kubernetes.io/part-of: {{ .Values.organisation }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
backstage.io/kubernetes-id: {{ .Values.name }}
{{- end }}
{{- end }}

{{/* Pod security that passes the profile `restricted`; no value weakens it. */}}
{{- define "service.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "service.securityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: {{ not .Values.liveUpdate.enabled }}
{{- end }}

{{/* Settings that the server and the migration share. */}}
{{- define "service.env" -}}
{{- range $name, $value := .Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := .Values.secretEnv }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- if .Values.postgresql.enabled }}
- name: {{ include "service.prefix" . }}_STORE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgresql.existingSecret }}
      key: {{ .Values.postgresql.key }}
{{- end }}
{{- end }}
