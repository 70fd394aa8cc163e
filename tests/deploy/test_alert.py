"""Alerts and objectives: each asks for what processes tell, fires when it should and is silent when
it should be, and leads to a page that says what to do."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, Histogram

from coop_runtime.process.metric import catalogue
from tests import metric_catalogue
from tests.contract.test_documents import _anchors
from tests.observability import expression
from tests.observability.alert import Alert
from tests.observability.alert_system import ROLES
from tests.observability.objective import OBJECTIVES, WINDOWS
from tests.observability.rule_file import ALERTS, PATH, ROOT, recorded, rule, text

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=[one.name for one in ALERTS])
RECORDED = {f"coop:objective_bad:ratio{window}": frozenset({"objective"}) for window in WINDOWS}
LABEL = re.compile(r"\$labels\.(\w+)")


@cache
def known() -> Mapping[str, frozenset[str]]:
    """Every series that a process serves, or that is recorded, with its labels."""
    for module in metric_catalogue._MODULES:
        importlib.import_module(module)
    kinds = {one.name: (one.type, one.labels) for one in catalogue()}
    return expression.series(kinds) | RECORDED


@cache
def buckets(name: str) -> frozenset[str]:
    """The bounds of a histogram, as they are served."""
    histogram = REGISTRY._names_to_collectors[name]
    assert isinstance(histogram, Histogram)
    return frozenset(str(bound) for bound in histogram._upper_bounds)


@cache
def sources() -> str:
    """Everything that the services are made of."""
    paths = [path for top in ("libs", "services") for path in (ROOT / top).glob("*/src/**/*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def unknown_values(query: str) -> list[str]:
    """Label values that a query names and no code could give."""
    found = []
    for matcher in expression.matchers(query):
        for value in matcher.literals():
            if matcher.label == "job":
                there = value in ROLES
            elif matcher.label == "le":
                there = value in buckets(matcher.metric.removesuffix("_bucket"))
            elif matcher.metric.startswith("coop:") or matcher.metric == "ALERTS":
                there = value in {*(one.name for one in OBJECTIVES), "firing", "page", "ticket"}
            elif matcher.label == "group":
                there = value.rpartition(".")[2] in sources()
            else:
                there = f'"{value}"' in sources()
            if not there:
                found.append(f'{matcher.metric}{{{matcher.label}="{value}"}}')
    return found


def test_the_file_is_what_the_code_says() -> None:
    """Written by `make contracts`, and YAML that says the same."""
    assert PATH.read_text(encoding="utf-8") == text(), "run `make contracts`"
    rules = [one for group in yaml.safe_load(text())["groups"] for one in group["rules"]]
    assert [one["alert"] for one in rules if "alert" in one] == [one.name for one in ALERTS]
    assert [one for one in rules if "record" in one] == recorded()


def test_names_are_used_once() -> None:
    """An alert is silenced, and looked for, by its name."""
    names = [one.name for one in ALERTS]
    assert sorted(set(names)) == sorted(names)


@each_alert
def test_an_alert_asks_for_what_there_is(alert: Alert) -> None:
    """Metrics, labels and the values of labels; what the summary shows is still there then."""
    assert expression.problems(alert.expression, known()) == []
    assert unknown_values(alert.expression) == []
    shown = set(LABEL.findall(alert.summary))
    kept = expression.grouped(alert.expression) | expression.TARGET_LABELS
    if "by (" in alert.expression or "max(" in alert.expression or "sum(" in alert.expression:
        kept = expression.grouped(alert.expression)
        kept |= {"job"} if "absent(" in alert.expression else set()
    assert shown <= kept
    for series in (*alert.fires, *alert.silent):
        assert expression.problems(series, known()) == [], series


@pytest.mark.parametrize("one", recorded(), ids=lambda one: f"{one['labels']}{one['record']}")
def test_what_is_recorded_asks_for_what_there_is(one: dict[str, Any]) -> None:
    """Metrics, labels, and bounds that the histogram has."""
    assert expression.problems(one["expr"], known()) == []
    assert unknown_values(one["expr"]) == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sum(coop_readiness)", "no metric coop_readiness"),
        ('coop_ready{group="a"}', "coop_ready has no label group"),
        ("sum by (group) (coop_ready)", "no label group to group by"),
        ("rate(coop_ingest_ack_seconds[5m])", "no metric coop_ingest_ack_seconds"),
        ("1 + 1", "asks for nothing"),
    ],
)
def test_a_query_for_what_is_not_there_is_found(query: str, problem: str) -> None:
    """The check above can fail, in each way."""
    assert problem in expression.problems(query, known())


@pytest.mark.parametrize(
    "query",
    [
        'coop_ingest_refused_total{reason="bored"}',
        'coop_rules_seconds_bucket{le="5"}',
        'up{job="x"}',
    ],
)
def test_a_value_that_no_code_gives_is_found(query: str) -> None:
    """An alert on such a value would never fire."""
    assert len(unknown_values(query)) == 1


@each_alert
def test_an_alert_leads_to_what_to_do(alert: Alert) -> None:
    """Its runbook is there, with a heading of its own."""
    file, _, anchor = alert.runbook.partition("#")
    path = ROOT / "docs" / "runbooks" / file
    assert path.exists(), file
    assert anchor in _anchors(path), anchor


@each_alert
def test_an_alert_waits_and_is_looked_at_after_that(alert: Alert) -> None:
    """A moment is no alarm; its own test is longer than the wait."""
    minutes = int(alert.wait[:-1]) * {"m": 1, "h": 60}[alert.wait[-1]]
    assert 1 <= minutes < alert.after


def promtool(*arguments: str, folder: Path) -> None:
    """Runs promtool, or skips where it is not."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not here (Debian's package prometheus has it)")
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_reads_the_rules(tmp_path: Path) -> None:
    """Every expression and every template."""
    promtool("check", "rules", str(PATH), folder=tmp_path)


def _looked_at(alert: Alert, series: Mapping[str, str], *, firing: bool) -> dict[str, Any]:
    expected = [{"labels": "{}", "value": 1}] if firing else []
    asked = f'count(ALERTS{{alertname="{alert.name}",alertstate="firing"}} == 1) > bool 0'
    return {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {"expr": asked, "eval_time": f"{alert.after}m", "exp_samples": expected}
        ],
    }


def _write(folder: Path, name: str, alert: Alert, tests: Iterable[dict[str, Any]]) -> Path:
    rules = {"groups": [{"name": "all", "rules": [*recorded(), rule(alert)]}]}
    (folder / f"{name}.rules.json").write_text(json.dumps(rules))
    path = folder / f"{name}.json"
    told = {"rule_files": [f"{name}.rules.json"], "evaluation_interval": "1m", "tests": [*tests]}
    path.write_text(json.dumps(told))
    return path


def test_every_alert_fires_and_is_silent(tmp_path: Path) -> None:
    """By samples that should have it fire, and by others that nearly should."""
    paths = [
        _write(
            tmp_path,
            alert.name,
            alert,
            [
                _looked_at(alert, alert.fires, firing=True),
                _looked_at(alert, alert.silent, firing=False),
            ],
        )
        for alert in ALERTS
    ]
    promtool("test", "rules", *map(str, paths), folder=tmp_path)
