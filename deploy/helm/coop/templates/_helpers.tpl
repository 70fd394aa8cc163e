{{/* The image of a process: dict "root" $ "args" what it is told, its module first. */}}
{{- define "coop.image" -}}
{{- $image := .root.Values.image -}}
{{- $service := first .args | trimPrefix "coop_" | replace "_" "-" -}}
{{ $image.repository }}{{ if $image.perService }}-{{ $service }}{{ end }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* The labels of a role: dict "root" $ "name" the role's. */}}
{{- define "coop.selector" -}}
app.kubernetes.io/name: coop
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "coop.labels" -}}
{{ include "coop.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* A pod that may do nothing but its work. */}}
{{- define "coop.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "coop.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* What every process is told. */}}
{{- define "coop.environment" -}}
- { name: COOP_INTERNAL_PORT, value: "9080" }
- { name: COOP_KAFKA, value: {{ required "kafka.bootstrap must be set" .Values.kafka.bootstrap | quote }} }
- { name: COOP_KAFKA_SECURITY_PROTOCOL, value: {{ .Values.kafka.securityProtocol }} }
{{- with .Values.kafka.saslMechanism }}
- { name: COOP_KAFKA_SASL_MECHANISM, value: {{ . }} }
- { name: COOP_KAFKA_USERNAME, value: {{ $.Values.kafka.username | quote }} }
- name: COOP_KAFKA_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $.Values.secretName }}, key: kafka-password } }
{{- end }}
{{- with .Values.ca.kafkaFile }}
- { name: COOP_KAFKA_CA, value: {{ printf "/etc/coop/ca/%s" . | quote }} }
{{- end }}
- { name: COOP_REDIS, value: {{ required "redis.url must be set" .Values.redis.url | quote }} }
{{- if .Values.redis.password }}
- name: COOP_REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.secretName }}, key: redis-password } }
{{- end }}
{{- range $name, $value := .Values.config }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{/* The database as one of its roles: dict "root" $ "role" coop_x "key" x-password. */}}
{{- define "coop.database" -}}
{{- $p := .root.Values.postgres -}}
- name: COOP_POSTGRES
  value: {{ printf "postgresql://%s@%s:%v/%s?%s" .role (required "postgres.host must be set" $p.host) $p.port $p.database $p.parameters | trimSuffix "?" | quote }}
- name: COOP_POSTGRES_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .root.Values.secretName }}, key: {{ .key }} } }
{{- end }}

{{- define "coop.volumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 256Mi }
{{- with .Values.ca.configMap }}
- name: ca
  configMap: { name: {{ . }} }
{{- end }}
{{- end }}

{{- define "coop.mounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if .Values.ca.configMap }}
- { name: ca, mountPath: /etc/coop/ca, readOnly: true }
{{- end }}
{{- end }}
