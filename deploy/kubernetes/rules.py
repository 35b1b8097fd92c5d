"""Writes the alerts of `deploy/prometheus` in the form that the Prometheus operator takes.

python deploy/kubernetes/rules.py

`Tests/EndToEnd/test_deployment.py` compares what is in the repository with what this makes.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE.parent / "prometheus" / "animato.rules.yml"
OUTPUT = HERE / "components" / "monitoring" / "prometheusrule.yaml"

HEAD = """\
# Made by deploy/kubernetes/rules.py from deploy/prometheus/animato.rules.yml: change those.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: animato
spec:
"""


def prometheus_rule() -> str:
    """The rules as an object of Kubernetes, with their comments."""
    groups = SOURCE.read_text().partition("\ngroups:\n")[2]
    return HEAD + "  groups:\n" + "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(True))


if __name__ == "__main__":
    OUTPUT.write_text(prometheus_rule())
