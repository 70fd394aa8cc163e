"""Dashboards: each query asks for what processes tell, and the files are what Grafana loads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.observability import expression
from tests.observability.dashboard import DASHBOARDS, FOLDER
from tests.observability.panel import Dashboard
from tests.observability.rule_file import ROOT

from .test_alert import known, promtool, unknown_values

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=[o.uid for o in DASHBOARDS])


def queries(dashboard: Dashboard) -> list[str]:
    """Every expression, with Grafana's own variables as it would put them in."""
    found = [query.expression for panel in dashboard.panels() for query in panel.queries]
    return [one.replace("$__rate_interval", "1m").replace("$job", ".*") for one in found]


def test_the_files_are_what_the_code_says() -> None:
    """One a dashboard, written by `make contracts`, and none of one that is gone."""
    there = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert there == {one.uid: one.text() for one in DASHBOARDS}, "run `make contracts`"


@each_dashboard
def test_a_query_asks_for_what_there_is(dashboard: Dashboard) -> None:
    """Metrics, labels and values of labels of the catalogue."""
    for query in queries(dashboard):
        asked = query.replace(" or vector(0)", "")
        assert expression.problems(asked, known()) == [], query
        assert unknown_values(query) == [], query


@each_dashboard
def test_legends_name_labels_that_are_left(dashboard: Dashboard) -> None:
    """A line that is called after a label that was summed away has no name."""
    for panel in dashboard.panels():
        for query in panel.queries:
            shown = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
            left = expression.grouped(query.expression)
            if not re.search(r"\b(?:sum|max|min|count|avg)\b", query.expression):
                left |= expression.TARGET_LABELS
            assert shown <= left, (panel.title, query.legend)


@each_dashboard
def test_panels_do_not_overlap(dashboard: Dashboard) -> None:
    """Each has a place of its own within the width, and an id of its own."""
    document = json.loads(dashboard.text())
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)


@each_dashboard
def test_a_dashboard_takes_the_source_that_is_chosen(dashboard: Dashboard) -> None:
    """No id of somebody's own Prometheus is in it, and uids fit Grafana's 40 characters."""
    document = json.loads(dashboard.text())
    assert len(document["uid"]) <= 40
    variables = {one["name"] for one in document["templating"]["list"]}
    named = set(re.findall(r"\$\{?([a-z]\w*)", dashboard.text()))
    assert named == variables
    for panel in document["panels"]:
        if panel["type"] != "row":
            source = "database" if dashboard.statements() else "source"
            assert panel["datasource"]["uid"] == f"${{{source}}}"


def test_every_family_of_metrics_is_looked_at() -> None:
    """By the word after `coop_`; those that stay away are of interest when their alert fires."""
    asked = set().union(*(expression.metrics(one) for each in DASHBOARDS for one in queries(each)))
    families = {name.split("_")[1] for name in known() if name.startswith("coop_")}
    seen = {name.split("_")[1] for name in asked if name.startswith("coop_")}
    assert families - seen <= {"task", "log", "callbacks", "strike", "endpoint"}


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    """As promtool does."""
    rules = [
        {"record": f"coop:panel{at}", "expr": query}
        for at, query in enumerate(one for each in DASHBOARDS for one in queries(each))
    ]
    path = tmp_path / "panels.json"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(path), folder=tmp_path)


def test_the_chart_has_room_for_them() -> None:
    """A ConfigMap holds less than 1 MiB, and Helm's release as well, compressed."""
    files = [*FOLDER.glob("*.json"), ROOT / "deploy" / "helm" / "coop" / "files" / "rules.yaml"]
    assert sum(path.stat().st_size for path in files) < 500_000
