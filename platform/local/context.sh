# Sourced: stops unless kubectl's context is a cluster on one's own machine, or the one that
# ALLOW_CONTEXT names.
context=$(kubectl config current-context) || {
  echo "kubectl has no current context: kubectl config use-context NAME" >&2
  exit 2
}
case $context in
  kind-* | k3d-* | minikube | docker-desktop | rancher-desktop | colima* | orbstack | microk8s) ;;
  "${ALLOW_CONTEXT:-}") ;;
  *)
    echo "The context $context is not known as local. If it is meant: ALLOW_CONTEXT=$context" >&2
    exit 2
    ;;
esac
