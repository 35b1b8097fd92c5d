"""The files for those who watch a server agree with the program, with the documentation and with each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from observing import (
    GRAFANA,
    OPERATIONS,
    PROMETHEUS,
    RULES,
    Expression,
    catalogue,
    dashboards,
    metric,
    panel_expressions,
    panels,
    rules,
    selectors,
)

OF_PROMETHEUS = {"up"}
"""What Prometheus itself says of a server."""
WIDTH = 24


def promtool(*arguments: str | Path) -> str:
    """Runs promtool, which must be content, and returns what it says."""
    result = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_prometheus_takes_the_rules_and_the_example() -> None:
    promtool("check", "rules", RULES)
    promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")


def test_the_alerts_pass_their_own_tests() -> None:
    promtool("test", "rules", *sorted((PROMETHEUS / "tests").glob("*.test.yml")))


def test_each_alert_has_a_test() -> None:
    tested = "".join(path.read_text() for path in (PROMETHEUS / "tests").glob("*.test.yml"))
    untested = [
        rule["alert"] for rule in rules("alert") if not re.search(rf"alertname(=\"|: ){rule['alert']}\b", tested)
    ]
    assert untested == []


def test_each_alert_says_what_is_needed() -> None:
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}, rule
        assert rule["annotations"]["runbook_url"].endswith(f"/operations.html#{rule['alert'].lower()}"), rule


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    text = OPERATIONS.read_text()
    _, _, runbooks = text.partition("\n## Runbooks\n")
    sections = re.split(r"^### (\w+)$", runbooks.split("\n## ")[0], flags=re.MULTILINE)
    names, bodies = sections[1::2], sections[2::2]
    assert sorted(names) == sorted(rule["alert"] for rule in rules("alert"))
    for name, body in zip(names, bodies, strict=True):
        for part in ("**Means.**", "**Look.**", "**Do.**"):
            assert body.count(part) == 1, f"{name} has no {part}"


def test_nothing_is_asked_for_that_the_server_does_not_tell() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    of_rules = [Expression(rule.get("record") or rule["alert"], rule["expr"]) for rule in rules("expr")]
    known = catalogue() | OF_PROMETHEUS
    unknown = {
        (expression.place, name)
        for expression, names in [(each, known | recorded) for each in of_rules]
        # The dashboards work without the rules.
        + [(each, known) for each in panel_expressions()]
        for name in map(metric, selectors(expression.text))
        if name not in names
    }
    assert unknown == set()


def test_the_dashboards_are_what_their_script_makes() -> None:
    result = subprocess.run(
        [sys.executable, GRAFANA / "dashboards.py", "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert set(dashboards()) == {"overview", "devices", "machines", "tenants"}


@pytest.mark.parametrize("name", ["overview", "devices", "tenants"])
def test_the_panels_of_a_dashboard_lie_side_by_side(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    numbers = [panel["id"] for panel in dashboards()[name]["panels"]]
    assert len(numbers) == len(set(numbers))
    for panel in dashboards()[name]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} covers another"
        taken |= cells


def test_each_panel_says_what_it_shows() -> None:
    names = [name for name, _ in panels()]
    assert len(names) == len(set(names))
    for name, panel in panels():
        assert panel["description"].endswith("."), name
        assert panel["fieldConfig"]["defaults"]["unit"], name
        assert panel["datasource"]["uid"] == "${datasource}", name
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), name


def test_grafana_finds_what_the_provisioning_names() -> None:
    for path in (GRAFANA / "provisioning").rglob("*.yml"):
        assert yaml.safe_load(path.read_text())["apiVersion"] == 1, path
