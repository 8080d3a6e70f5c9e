// What Flux's helm-controller would find changed: its API types read a HelmRelease, and its comparison (fluxcd/pkg/ssa)
// judges the manifest of the Helm release in the cluster, with the rules of spec.driftDetection.
//
//	drift HELMRELEASE.json MANIFEST.yaml
//
// Prints one line for each difference: kind, name, JSON pointer.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	helm "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/yaml"
)

func main() {
	release := helm.HelmRelease{}
	must(yaml.UnmarshalStrict(read(os.Args[1]), &release))
	server, err := config.GetConfig()
	must(err)
	dryRun := true
	cluster, err := client.New(server, client.Options{DryRun: &dryRun})
	must(err)
	objects, err := utils.ReadObjects(bytes.NewReader(read(os.Args[2])))
	must(err)
	must(normalize.UnstructuredListWithScheme(objects, cluster.Scheme()))
	for _, object := range objects {
		completeAsHelm(cluster, object, &release)
	}
	found, err := jsondiff.UnstructuredList(context.Background(), cluster, objects,
		jsondiff.FieldOwner("helm-controller"),
		jsondiff.ExclusionSelector{helm.DriftDetectionMetadataKey: helm.DriftDetectionDisabledValue},
		jsondiff.Rationalize(true),
		ignored(&release))
	must(err)
	for _, difference := range found {
		if difference.Type == jsondiff.DiffTypeCreate {
			fmt.Println(difference.GroupVersionKind().Kind, difference.GetName(), "is missing")
		}
		for _, operation := range difference.Patch {
			fmt.Println(difference.GroupVersionKind().Kind, difference.GetName(), operation.Path)
		}
	}
}

// completeAsHelm adds what Helm adds to each object of a release.
func completeAsHelm(cluster client.Client, object *unstructured.Unstructured, release *helm.HelmRelease) {
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = "Helm"
	annotations["meta.helm.sh/release-name"] = release.GetReleaseName()
	annotations["meta.helm.sh/release-namespace"] = release.GetReleaseNamespace()
	object.SetLabels(labels)
	object.SetAnnotations(annotations)
	namespaced, err := cluster.IsObjectNamespaced(object)
	must(err)
	if namespaced && object.GetNamespace() == "" {
		object.SetNamespace(release.GetReleaseNamespace())
	}
}

func ignored(release *helm.HelmRelease) jsondiff.IgnoreRules {
	rules := jsondiff.IgnoreRules{}
	for _, one := range release.GetDriftDetection().Ignore {
		rule := jsondiff.IgnoreRule{Paths: one.Paths}
		if target := one.Target; target != nil {
			rule.Selector = &jsondiff.Selector{
				Group: target.Group, Version: target.Version, Kind: target.Kind,
				Name: target.Name, Namespace: target.Namespace,
				AnnotationSelector: target.AnnotationSelector, LabelSelector: target.LabelSelector,
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

func read(name string) []byte {
	content, err := os.ReadFile(name)
	must(err)
	return content
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
