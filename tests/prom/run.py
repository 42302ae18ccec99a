#!/usr/bin/env python3
"""What contrib has for Prometheus and Grafana, and /metrics itself, judged by
promtool (of the package prometheus).

usage: run.py BUILD-DIRECTORY
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "it"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness.case import Case, Run, Test
from harness.series import Series

RULES = SOURCE + "/contrib/prometheus/alerts.yaml"
TESTS = SOURCE + "/contrib/prometheus/alerts_test.yaml"
DASHBOARD = SOURCE + "/contrib/grafana/dashboard.json"


def promtool(*args, stdin=None):
    done = subprocess.run(["promtool", *args], input=stdin, text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules_are_right(_):
    promtool("check", "rules", RULES)


def rules_fire_when_they_should(_):
    promtool("test", "rules", TESTS)


def each_alert_is_tested(_):
    with open(RULES, encoding="utf-8") as f:
        alerts = re.findall(r"- alert: (\w+)", f.read())
    with open(TESTS, encoding="utf-8") as f:
        tests = f.read()
    assert alerts
    for alert in alerts:
        assert f'alertname="{alert}"' in tests, f"no test lets {alert} fire"


def dashboard_asks_what_can_be_asked(_):
    """Its expressions, as recording rules."""
    with open(DASHBOARD, encoding="utf-8") as f:
        panels = json.load(f)["panels"]
    asked = [t["expr"] for p in panels for t in p.get("targets", [])]
    assert len(asked) > 20, asked
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for n, expr in enumerate(asked):
        expr = expr.replace("$instance", ".*").replace("$__rate_interval", "5m")
        lines += [f"      - record: panel_{n}", f"        expr: {expr!r}"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
        f.write("\n".join(lines) + "\n")
        f.flush()
        promtool("check", "rules", f.name)


def metrics_page(binaries):
    """After requests that went well, and one that did not."""
    run = Run(binaries)
    directory = os.path.join(run.dir, "t")
    os.mkdir(directory)
    t = Test(run, Case(metrics_page, "prom"), 2, directory)
    try:
        g, s = t.pair()
        for _ in range(5):
            assert s.get("/v1/models").status == 200
        assert s.chat(stream=True).status == 200
        s.get("/v1/models", {"Origin": "x"})
        g.fault_json("/v1/models", 401, {"detail": "use_dpop_nonce"}, count=1,
                     headers={"DPoP-Nonce": "00112233445566778899aabbccdd"})
        assert s.get("/v1/models").status == 200
        promtool("check", "metrics",
                 stdin=s.admin("/metrics").body.decode())
        t.finish()
    finally:
        t.kill()
        shutil.rmtree(run.dir, ignore_errors=True)


def main():
    series = Series()
    for check in (rules_are_right, rules_fire_when_they_should,
                  each_alert_is_tested, dashboard_asks_what_can_be_asked,
                  metrics_page):
        series.run(check.__name__, check, sys.argv[1])
    return series.end()


if __name__ == "__main__":
    sys.exit(main())
