"""What `deploy/` holds for those who watch a server: rules, alerts, dashboards, and the metrics that they may use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
PROMETHEUS = REPOSITORY / "deploy/prometheus"
GRAFANA = REPOSITORY / "deploy/grafana"
RULES = PROMETHEUS / "animato.rules.yml"
OPERATIONS = REPOSITORY / "docs/operations.md"

_TELEMETRY = REPOSITORY / "Sources/Telemetry"
_ENTRY = re.compile(r'MetricDescription\(\s*"(\w+)",\s*\.(counter|gauge|histogram)')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_SELECTOR = re.compile(r"(?<![\w:$])([a-zA-Z_:][\w:]*)(\{[^}]*\})?(?![\w:]*\s*\()")
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}


def catalogue() -> set[str]:
    """Every name under which a series of the catalogue can be asked for."""
    names: set[str] = set()
    text = "".join(file.read_text() for file in sorted(_TELEMETRY.glob("MetricCatalog*.swift")))
    for name, kind in _ENTRY.findall(text):
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    assert len(names) > 50, "the catalogue is not read as it is written"
    return names


def selectors(expression: str) -> list[str]:
    """The series that an expression asks for, each as a selector without range and offset."""
    texts: list[str] = []

    def put_away(match: re.Match[str]) -> str:
        texts.append(match[0])
        return f"\0{len(texts) - 1}\0"

    # Nothing in a text or in a list of labels is a metric.
    plain = _GROUPING.sub(" ", _STRING.sub(put_away, expression))
    plain = re.sub(r"\[[^]]*\]|\boffset\s+\w+", " ", plain)
    found = [
        re.sub("\0(\\d+)\0", lambda number: texts[int(number[1])], name + labels)
        for name, labels in _SELECTOR.findall(plain)
        if name.lower() not in _WORDS
    ]
    assert found, f"no metric in {expression}"
    return found


def metric(selector: str) -> str:
    """The name in a selector."""
    return selector.partition("{")[0]


@dataclass(frozen=True)
class Expression:
    """Something that is asked of Prometheus, and where that is written."""

    place: str
    text: str


def groups() -> list[dict[str, Any]]:
    """The groups of rules."""
    return yaml.safe_load(RULES.read_text())["groups"]


def rules(kind: str) -> list[dict[str, Any]]:
    """The rules of a kind, `record` or `alert`."""
    return [rule for group in groups() for rule in group["rules"] if kind in rule]


def dashboards() -> dict[str, dict[str, Any]]:
    """The dashboards by the names of their files."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel that shows something, with its name."""
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield f"{name}: {panel['title']}", panel


def panel_expressions() -> list[Expression]:
    """What the panels ask for."""
    return [Expression(name, target["expr"]) for name, panel in panels() for target in panel["targets"]]
