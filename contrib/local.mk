# Packages, manifests, dashboards and alerts: nothing that the build needs.

EXTRA_DIST += contrib/debian contrib/rpm \
	contrib/image/image.py contrib/kubernetes \
	contrib/grafana/dashboard.json contrib/prometheus/alerts.yaml \
	contrib/prometheus/alerts_test.yaml contrib/prometheus/kustomization.yaml \
	contrib/prometheus/podmonitor.yaml
