"""The main job end to end: every service a process, real engines, counted from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from coop_local.demo import corpus
from tests.local_stack import LocalStack, report_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

SERVICES = (
    "ingest",
    "rules-engine",
    "routing",
    "review-api",
    "review-relay",
    "action-dispatcher",
)


def write_corpus(path: Path, count: int) -> Path:
    """`count` messages of the product's own corpus, in turn."""
    messages = corpus.read(corpus.default_corpus())
    lines = [messages[number % len(messages)] for number in range(count)]
    path.write_text("".join(f"{one.label}\t{one.text}\n" for one in lines))
    return path


def assert_clean(report: dict[str, object], items: int) -> None:
    """Nothing lost, nothing doubled, and every figure is what `items` messages come to."""
    assert report["exit_code"] == 0, report["output"]
    assert report["lost"] == 0
    assert report["duplicated"] == 0
    assert report["items_sent"] == report["items_accepted"] == report["items_evaluated"] == items
    assert report["actions_requested"] == report["actions_delivered"]
    assert report["signatures_verified"] == report["actions_delivered"]
    assert report["jobs_created"] == report["jobs_decided"]


def test_the_demo_loses_and_doubles_nothing(stack: LocalStack) -> None:
    """The product's corpus goes through: scams are acted on, people decide the rest."""
    report = report_of(stack.demo(), timeout=180)
    assert_clean(report, len(corpus.read(corpus.default_corpus())))
    assert report["actions_delivered"] > 10
    assert report["jobs_decided"] > 5


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_killed_in_the_middle_loses_and_doubles_nothing(
    stack: LocalStack, service: str, tmp_path: Path
) -> None:
    """kill -9 of any one service while content streams, then its restart: the report is clean."""
    items = 450
    demo = stack.demo("--input", str(write_corpus(tmp_path / "corpus.tsv", items)), "--rate", "90")
    before = stack.pid(service)
    stack.wait_accepted(items // 3)
    stack.kill(service)
    report = report_of(demo, timeout=240)
    assert_clean(report, items)
    assert stack.pid(service) not in (0, before)
