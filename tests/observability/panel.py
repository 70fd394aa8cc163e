"""Dashboards of Grafana: what is shown, and the JSON that Grafana 11 and 12 read (schema 39; they
bring older ones up to their own when they load them).

Guarantees: the same source gives the same bytes; each panel has a place, an id and a unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

Unit = Literal["short", "s", "bytes", "Bps", "reqps", "percentunit", "none"]
Shape = Literal["timeseries", "stat", "table"]

_SCHEMA = 39
_WIDE = 24
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_DATABASE = {"type": "grafana-postgresql-datasource", "uid": "${database}"}


@dataclass(frozen=True)
class Query:
    """An expression, and what its lines are called: `{{label}}` is a label's value."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Statement:
    """SQL, asked of the database: what no metric may carry. Its first column is `time` where it is
    drawn over time."""

    sql: str


@dataclass(frozen=True)
class Panel:
    """`alarm` colours what is above it."""

    title: str
    asked: Sequence[Query] | Statement
    _: KW_ONLY
    unit: Unit = "short"
    shape: Shape = "timeseries"
    width: int = 12
    height: int = 8
    description: str = ""
    alarm: float | None = None

    @property
    def queries(self) -> Sequence[Query]:
        """What Prometheus is asked."""
        return () if isinstance(self.asked, Statement) else self.asked


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """`job` where one role, or several, is chosen by a variable."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    job: bool = False
    days: int = 0
    """What is shown at first, where it is days and not three hours."""

    def panels(self) -> list[Panel]:
        """All of them."""
        return [panel for row in self.rows for panel in row.panels]

    def statements(self) -> list[str]:
        """What the database is asked."""
        return [one.asked.sql for one in self.panels() if isinstance(one.asked, Statement)]

    def text(self) -> str:
        """The file."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"

    def document(self) -> dict[str, Any]:
        """As Grafana reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["coop"],
            "schemaVersion": _SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": f"now-{self.days}d" if self.days else "now-3h", "to": "now"},
            "timezone": "",
            "templating": {"list": list(self._variables())},
            "annotations": {"list": []},
            "links": [
                {
                    "type": "dashboards",
                    "title": "Coop",
                    "tags": ["coop"],
                    "asDropdown": True,
                    "keepTime": True,
                    "includeVars": False,
                    "targetBlank": False,
                }
            ],
            "panels": self._placed(),
        }

    def _variables(self) -> list[dict[str, Any]]:
        source = {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
        if self.statements():
            kind = "grafana-postgresql-datasource"
            return [{"name": "database", "label": "Database", "type": "datasource", "query": kind}]
        if not self.job:
            return [source]
        job = {
            "name": "job",
            "label": "Role",
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": "label_values(coop_build_info, job)", "refId": "job"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
        }
        return [source, job]

    def _placed(self) -> list[dict[str, Any]]:
        placed: list[dict[str, Any]] = []
        y = 0
        for row in self.rows:
            place = {"x": 0, "y": y, "w": _WIDE, "h": 1}
            placed.append(
                {
                    "id": len(placed) + 1,
                    "type": "row",
                    "title": row.title,
                    "collapsed": False,
                    "gridPos": place,
                    "panels": [],
                }
            )
            y += 1
            x = tallest = 0
            for panel in row.panels:
                if x + panel.width > _WIDE:
                    x, y, tallest = 0, y + tallest, 0
                place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
                placed.append(_panel(panel, len(placed) + 1, place))
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest
        return placed


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.shape,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATABASE if isinstance(panel.asked, Statement) else _SOURCE,
        "gridPos": dict(place),
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.shape],
        "targets": list(_targets(panel)),
    }


def _targets(panel: Panel) -> Iterator[dict[str, Any]]:
    form = "table" if panel.shape == "table" else "time_series"
    if isinstance(panel.asked, Statement):
        yield {
            "refId": "A",
            "datasource": _DATABASE,
            "editorMode": "code",
            "rawQuery": True,
            "rawSql": panel.asked.sql,
            "format": form,
        }
        return
    once = panel.shape != "timeseries"
    for at, query in enumerate(panel.asked):
        yield {
            "refId": chr(ord("A") + at),
            "datasource": _SOURCE,
            "editorMode": "code",
            "expr": query.expression,
            "legendFormat": query.legend or "__auto",
            "instant": once,
            "range": not once,
            "format": form,
        }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.alarm is not None:
        steps.append({"color": "red", "value": panel.alarm})
    found: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "color": {"mode": "palette-classic" if panel.shape == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.shape == "timeseries":
        shown = "line" if panel.alarm is not None else "off"
        found["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 8,
            "showPoints": "never",
            # A gap is a gap: nobody served it.
            "spanNulls": False,
            "thresholdsStyle": {"mode": shown},
        }
    return found


_OPTIONS: Mapping[Shape, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}
