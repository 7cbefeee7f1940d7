#!/usr/bin/env bash
# Release a service to the current context: `make deploy SERVICE=ports TAG=...`.
#
# ENVIRONMENT=local (the default) takes platform/chart/values-local.yaml and the image TAG, which load.sh
# gives to the cluster. Any other environment takes its file under platform/argocd/environments, digest
# included, as Argo CD does.
set -euo pipefail
cd "$(dirname "$0")/../.."
. platform/local/context.sh

service=${SERVICE:?which service} environment=${ENVIRONMENT:-local}
values=(-f platform/adopt.yaml -f "services/$service/values.yaml")
if [ "$environment" = local ]; then
  values+=(-f platform/chart/values-local.yaml --set "image.tag=${TAG:?which image}")
  . platform/local/load.sh
else
  values+=(-f "platform/argocd/environments/$environment/$service.yaml" --set "environment=$environment")
fi
if ! kubectl get crd servicemonitors.monitoring.coreos.com >/dev/null 2>&1; then
  echo "$context has no Prometheus operator: released without a ServiceMonitor"
  values+=(--set serviceMonitor.enabled=false)
fi
if [ -z "$(kubectl -n observability get service otel-agent --ignore-not-found --output name)" ]; then
  echo "$context has no Collector: released without telemetry"
  values+=(--set telemetry.enabled=false)
fi
helm upgrade --install "$service" platform/chart --namespace "$service-$environment" \
  --create-namespace --wait --timeout 5m "${values[@]}"
