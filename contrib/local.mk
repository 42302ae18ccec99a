# Packages, manifests, dashboards and alerts: nothing that the build needs.

EXTRA_DIST += contrib/debian contrib/rpm contrib/image/image.py \
	contrib/prometheus/alerts_test.yaml

# To begin with, also for who has only the package; each at its path, since
# one names another.
nobase_dist_examples_DATA = contrib/kubernetes/pod.yaml \
	contrib/kubernetes/job.yaml \
	contrib/kubernetes/kustomize/sidecar/kustomization.yaml \
	contrib/kubernetes/kustomize/sidecar/networkpolicy.yaml \
	contrib/kubernetes/kustomize/sidecar/sidecar.yaml \
	contrib/kubernetes/kustomize/example/deployment.yaml \
	contrib/kubernetes/kustomize/example/gateway.yaml \
	contrib/kubernetes/kustomize/example/identity.yaml \
	contrib/kubernetes/kustomize/example/kustomization.yaml \
	contrib/kubernetes/kustomize/example/metrics.yaml \
	contrib/grafana/dashboard.json contrib/prometheus/alerts.yaml \
	contrib/prometheus/kustomization.yaml \
	contrib/prometheus/podmonitor.yaml
