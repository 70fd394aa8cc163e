"""The rules of Prometheus, as one file: what is recorded, and the alerts.

The chart makes its PrometheusRule of it, and Compose hands it to Prometheus as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import alert_system, alert_work
from .alert import Alert
from .objective import BURNS, OBJECTIVES, WINDOW, WINDOWS

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy" / "helm" / "coop" / "files" / "rules.yaml"
RUNBOOKS = "docs/runbooks/"
"""Where runbooks lie; the chart puts the address of a copy there, where one was given."""

GROUPS: dict[str, Sequence[Alert]] = {
    "coop-processes": alert_system.PROCESSES,
    "coop-log": alert_system.LOG,
    "coop-ingest": alert_work.INGEST,
    "coop-rules": alert_work.RULES,
    "coop-queues": alert_work.QUEUES,
    "coop-enforcement": alert_work.ENFORCEMENT,
    "coop-child-safety": alert_work.CHILD_SAFETY,
    "coop-people": alert_work.PEOPLE,
    "coop-objectives": BURNS,
}
ALERTS: tuple[Alert, ...] = tuple(alert for group in GROUPS.values() for alert in group)


def recorded() -> list[dict[str, Any]]:
    """The share of bad events of each objective, over each window."""
    return [
        {
            "record": f"coop:objective_bad:ratio{window}",
            "expr": objective.bad.replace(WINDOW, window),
            "labels": {"objective": objective.name},
        }
        for objective in OBJECTIVES
        for window in WINDOWS
    ]


def rule(alert: Alert) -> dict[str, Any]:
    """An alert as Prometheus reads it."""
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.wait,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook_url": RUNBOOKS + alert.runbook},
    }


def groups() -> list[dict[str, Any]]:
    """Everything, in the order of evaluation: alerts look at what was recorded before."""
    found: list[dict[str, Any]] = [{"name": "coop-recorded", "rules": recorded()}]
    found += [{"name": name, "rules": [rule(one) for one in of]} for name, of in GROUPS.items()]
    return found


def text() -> str:
    """The file: YAML whose strings are JSON's, so that nothing in them means anything else."""
    lines = [
        "# Written by `make contracts` from tests/observability; the tests compare.",
        "groups:",
    ]
    for group in groups():
        lines += [f"  - name: {group['name']}", "    rules:"]
        for one in group["rules"]:
            mark = "      - "
            for key, value in one.items():
                written = json.dumps(value, ensure_ascii=False)
                lines.append(f"{mark}{key}: {written}")
                mark = "        "
    return "\n".join(lines) + "\n"
