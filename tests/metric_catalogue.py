"""Writes docs/metrics.md from the metrics that the code declares.

python -m tests.metric_catalogue
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from coop_runtime.process.metric import catalogue

PATH = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"

_MODULES = (
    "coop_runtime.kafka.metric",
    "coop_runtime.database.outbox",
    "coop_queues.metric",
    "coop_signals.metric",
    "coop_media.metric",
    "coop_ingest.metric",
    "coop_rules_engine.metric",
    "coop_routing.metric",
    "coop_review_api.kernel.metric",
    "coop_action_dispatcher.metric",
    "coop_hma_bridge.metric",
    "coop_ncmec_reporter.metric",
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
    return "\n".join([*lines, *_gauges()]) + "\n"


def _gauges() -> Iterator[str]:
    yield from (
        "",
        "## How gauges are read",
        "",
        "*First* is what is shown before anything happened, so also after a restart. `0` is",
        "counted in the process and true from the start. *Nothing*: there is no sample until it",
        "was measured, so that a process that does not measure it, or has not yet, does not",
        "look as if all were well. *Several processes*: *sum*, each tells of its own part;",
        "*same*, each tells of the whole, so any of them will do; *each*, of the process alone.",
        "While what a gauge is measured by (database, broker, Redis) does not answer, the last",
        "reading stays, and `coop_ready` says so.",
        "",
        "| gauge | first | several processes | when what it measures is gone |",
        "|---|---|---|---|",
    )
    for metric in catalogue():
        level = metric.level
        if level is not None:
            first = "nothing" if level.measured else "0"
            yield f"| `{metric.name}` | {first} | {level.together} | {level.gone} |"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
