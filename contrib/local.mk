# Packages, manifests, dashboards and alerts: nothing that the build needs.

EXTRA_DIST += contrib/debian contrib/rpm \
	contrib/kubernetes/image contrib/kubernetes/pod.yaml \
	contrib/grafana/dashboard.json contrib/prometheus/alerts.yaml \
	contrib/prometheus/alerts_test.yaml contrib/prometheus/podmonitor.yaml
