# Sourced: stops unless kubectl's current context is of a cluster on one's own machine, or the one that
# ALLOW_CONTEXT names. Which clusters are local is judged as Tilt does: by the cluster's name.
context=$(kubectl config current-context) || {
  echo "kubectl has no current context: kubectl config use-context NAME" >&2
  exit 2
}
cluster=$(kubectl config view --minify --output 'jsonpath={.contexts[0].context.cluster}')
case $cluster in
  minikube* | docker-desktop* | docker-for-desktop-cluster* | kind | kind-* | microk8s* | k3d-*) ;;
  api-crc-testing* | krucible-* | rancher-desktop* | colima* | orbstack) ;;
  *)
    if [ "$context" != "${ALLOW_CONTEXT:-}" ]; then
      echo "The context $context (cluster $cluster) is not known as local. If it is meant: ALLOW_CONTEXT=$context" >&2
      exit 2
    fi
    ;;
esac
