"""Writes docs/metrics.md from the metrics that the code declares.

python -m tests.metric_catalogue
"""

from __future__ import annotations

import importlib
from pathlib import Path

from coop_runtime.process.metric import catalogue

PATH = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"

_MODULES = (
    "coop_runtime.kafka.metric",
    "coop_runtime.database.outbox",
    "coop_queues.metric",
    "coop_signals.metric",
    "coop_ingest.metric",
    "coop_rules_engine.metric",
    "coop_routing.metric",
    "coop_review_api.kernel.metric",
    "coop_action_dispatcher.metric",
)


def text() -> str:
    """The catalogue as Markdown."""
    for module in _MODULES:
        importlib.import_module(module)
    lines = [
        "# Metric catalogue",
        "",
        "Written by `make contracts` from the code; the tests compare. Every process serves its",
        "own on `/metrics` of its internal port.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for metric in catalogue():
        meaning = metric.help.replace("|", "\\|")
        lines.append(
            f"| `{metric.name}` | {metric.type} | {', '.join(metric.labels)} | {meaning} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
