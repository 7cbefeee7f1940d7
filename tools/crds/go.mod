// Nothing is built here: these modules have the CustomResourceDefinitions of kinds that we use.
module ports-platform/tools/crds

go 1.26.0

require (
	github.com/prometheus-operator/prometheus-operator v0.93.1
	sigs.k8s.io/gateway-api v1.4.1
)
