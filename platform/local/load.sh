# Sourced after context.sh: gives the cluster the image $IMAGE of $ENGINE (docker, podman), unless its
# nodes use the engine's images. Stops in one line where the image or the program that loads it is missing.

stop() {
  echo "$1" >&2
  exit 2
}

case $cluster in
  kind | kind-*) loader=kind ;;
  k3d-*) loader=k3d ;;
  minikube*) loader=minikube ;;
  microk8s*) loader=microk8s ;;
  docker-desktop* | docker-for-desktop-cluster* | orbstack* | rancher-desktop* | colima*) loader= ;;
  *) loader=unknown ;;
esac

if [ "$loader" = unknown ]; then
  echo "$cluster: make deploy loads no image into this kind of cluster; push or load $IMAGE yourself"
else
  [ -n "${ENGINE:-}" ] || stop "$cluster: no docker or podman on the PATH to take $IMAGE from (or ENGINE=...)"
  $ENGINE image inspect "$IMAGE" >/dev/null 2>&1 ||
    stop "$IMAGE: not among the images of $ENGINE; make build SERVICE=$SERVICE TAG=$TAG"
  [ -z "$loader" ] || command -v "$loader" >/dev/null ||
    stop "$loader: not on the PATH, and only $loader loads $IMAGE into $cluster; install $loader"
  # Those loaders ask docker for an image. What another engine built they take from a file.
  file=
  case $loader:$ENGINE in
    :*podman*) stop "$cluster: runs the images of its own engine and not podman's; make build ENGINE=docker" ;;
    :* | kind:docker | k3d:docker | minikube:docker) ;;
    *)
      folder=$(mktemp -d)
      trap 'rm -rf "$folder"' EXIT
      file=$folder/image.tar
      $ENGINE save --output "$file" "$IMAGE"
      ;;
  esac
  case $loader in
    kind)
      name=${cluster#kind-}
      if [ -n "$file" ]; then
        kind load image-archive "$file" --name "$name"
      else
        kind load docker-image "$IMAGE" --name "$name"
      fi
      ;;
    k3d) k3d image import "${file:-$IMAGE}" --cluster "${cluster#k3d-}" ;;
    minikube) minikube image load "${file:-$IMAGE}" --profile "$cluster" ;;
    microk8s) microk8s images import <"$file" ;;
  esac
fi
