// Command podsecurity evaluates manifests with the very code of Kubernetes' admission plugin.
//
// Usage: podsecurity [LEVEL] < manifests.yaml (restricted, if no level is given). It prints a line for
// each pod, or template of pods, and exits with 1 if the level forbids one of them.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// manifest is a Pod, or whatever has a template of pods where Deployments, Jobs and others have it.
type manifest struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     spec              `json:"spec"`
}

type spec struct {
	corev1.PodSpec `json:",inline"`
	Template       *corev1.PodTemplateSpec `json:"template"`
}

func main() {
	level := api.LevelRestricted
	if len(os.Args) > 1 {
		level = api.Level(os.Args[1])
	}
	allowed, err := evaluate(level, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "podsecurity:", err)
		os.Exit(2)
	}
	if !allowed {
		os.Exit(1)
	}
}

func evaluate(level api.Level, input io.Reader) (bool, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return false, err
	}
	version := api.LevelVersion{Level: level, Version: api.LatestVersion()}
	allowed := true
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(input)); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return allowed, nil
		}
		if err != nil {
			return false, err
		}
		// Other kinds need not fit: only what they are is asked of them.
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return false, err
		}
		var found manifest
		switch kind.Kind {
		case "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Rollout":
			if err := yaml.Unmarshal(document, &found); err != nil {
				return false, fmt.Errorf("%s: %w", kind.Kind, err)
			}
		default:
			continue
		}
		meta, spec := &found.Metadata, &found.Spec.PodSpec
		if template := found.Spec.Template; template != nil {
			meta, spec = &template.ObjectMeta, &template.Spec
		}
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(version, meta, spec))
		if result.Allowed {
			fmt.Printf("%s/%s: %s\n", found.Kind, found.Metadata.Name, level)
			continue
		}
		allowed = false
		fmt.Printf("%s/%s: not %s: %s\n", found.Kind, found.Metadata.Name, level, result.ForbiddenDetail())
	}
}
