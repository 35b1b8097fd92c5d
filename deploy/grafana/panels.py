"""The parts of a dashboard as Grafana reads them, with what all of ours have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 39
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
"""Columns of a dashboard."""

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"


@dataclass(frozen=True)
class Query:
    """One expression, and what its series are called in the legend."""

    expr: str
    legend: str = ""


@dataclass
class Panel:
    """One panel. `kind` is Grafana's; `steps` are thresholds, each from a value on."""

    title: str
    description: str
    queries: list[Query]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    steps: list[tuple[float | None, str]] = field(default_factory=list)
    stacked: bool = False
    least: float | None = 0
    most: float | None = None
    decimals: int | None = None
    words: dict[int, tuple[str, str]] = field(default_factory=dict)
    """For values that stand for something: what for, and in which colour."""
    colours: dict[str, str] = field(default_factory=dict)
    """Of series, by what the legend calls them."""

    @property
    def is_instant(self) -> bool:
        """Whether only the newest value is shown."""
        return self.kind in {"stat", "bargauge", "table"}


@dataclass
class Row:
    """A heading and its panels, which are laid out from left to right."""

    title: str
    panels: list[Panel]


@dataclass
class Dashboard:
    """One dashboard; `variables` are labels of metrics to choose by: name, title, and where the values come from."""

    uid: str
    title: str
    description: str
    rows: list[Row]
    variables: list[tuple[str, str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What Grafana imports."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["animato"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "timezone": "browser",
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "links": [_links_to_the_others()],
            "annotations": {"list": [_server_starts()]},
            "templating": {"list": [_datasource_variable(), *(_variable(*each) for each in self.variables)]},
            "panels": list(_laid_out(self.rows)),
        }


def _laid_out(rows: list[Row]) -> Any:
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1},
            "panels": [],
        }
        top += 1
        left, tallest = 0, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                left, top, tallest = 0, top + tallest, 0
            number += 1
            yield _panel(panel, number, {"x": left, "y": top, "w": panel.width, "h": panel.height})
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "gridPos": place,
        "datasource": DATASOURCE,
        "targets": [_target(panel, index, query) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [_colour(*each) for each in panel.colours.items()]},
        "options": _options(panel),
    }


def _target(panel: Panel, index: int, query: Query) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + index),
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": panel.is_instant,
        "range": not panel.is_instant,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = panel.steps or [(None, GREEN)]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]},
        "color": {"mode": "thresholds" if panel.is_instant or panel.words else "palette-classic"},
        "mappings": _mappings(panel),
    }
    if panel.least is not None:
        defaults["min"] = panel.least
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.kind == "stat":
        defaults["noValue"] = "-"
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 40 if panel.stacked else 10,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
        }
    if panel.kind == "state-timeline":
        defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    return defaults


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    if not panel.words:
        return []
    options = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(panel.words.items())
    }
    return [{"type": "value", "options": options}]


def _colour(series: str, colour: str) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": series},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


def _options(panel: Panel) -> dict[str, Any]:
    newest = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "stat":
            return {"reduceOptions": newest, "colorMode": "value", "graphMode": "none", "textMode": "auto"}
        case "bargauge":
            return {
                "reduceOptions": newest,
                "orientation": "horizontal",
                "displayMode": "basic",
                "showUnfilled": True,
            }
        case "table":
            return {"showHeader": True, "cellHeight": "sm"}
        case "state-timeline":
            legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
            return {"legend": legend, "mergeValues": True, "rowHeight": 0.8, "showValue": "never"}
        case _:
            return {
                "legend": {
                    "displayMode": "table",
                    "placement": "bottom",
                    "calcs": ["mean", "lastNotNull"],
                    "showLegend": True,
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "current": {},
        "options": [],
        "regex": "",
    }


def _variable(name: str, label: str, values: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": values,
        "query": {"query": values, "refId": name},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
        "regex": "",
    }


def _links_to_the_others() -> dict[str, Any]:
    return {
        "title": "Animato",
        "type": "dashboards",
        "tags": ["animato"],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def _server_starts() -> dict[str, Any]:
    """A mark on every graph where a server was started."""
    return {
        "name": "Starts of the server",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": BLUE,
        "expr": 'process_start_time_seconds{job="animato",instance=~"$instance"} * 1000',
        "useValueForTime": True,
        "step": "60s",
        "titleFormat": "Start of {{instance}}",
    }
