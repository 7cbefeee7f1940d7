#!/usr/bin/env bash
# Make a service on the local cluster fail, or end that: `make fault FAULT=errors SHARE=0.2`.
set -euo pipefail
cd "$(dirname "$0")/../.."
. platform/local/context.sh

service=${SERVICE:?which service} namespace=$SERVICE-local map=$SERVICE-faults
case ${FAULT:-} in
  errors | latency | db-down)
    kubectl -n "$namespace" create configmap "$map" --dry-run=client -o yaml \
      --from-literal="fault.json={\"fault\": \"$FAULT\", \"share\": ${SHARE:-1}}" |
      kubectl -n "$namespace" apply -f -
    ;;
  off) kubectl -n "$namespace" delete configmap "$map" --ignore-not-found ;;
  *)
    echo "FAULT=errors|latency|db-down|off, and SHARE=0.2 for a part of the requests" >&2
    exit 2
    ;;
esac
# A changed annotation makes the kubelet look at the ConfigMap now, and not within a minute.
kubectl -n "$namespace" annotate pods -l "app.kubernetes.io/name=$service" --overwrite \
  "faults-changed=$(date +%s)" >/dev/null
