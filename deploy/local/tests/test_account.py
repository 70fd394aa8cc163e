"""The account of a run finds what is missing and what is there twice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from coop_local.demo.account import Observed, SeenJob, account, explain

CLEAN = Observed(
    sent=3,
    accepted={"a": 10.0, "b": 10.0, "c": 10.0},
    evaluations={"s1": 1, "s2": 1, "s3": 1},
    requests={"x1": "a", "x2": "b"},
    automatic={"x1"},
    named={"x1", "e1"},
    received={"x1": 10.05, "x2": 12.0},
    times={"x1": 1, "x2": 1},
    refused=0,
    reviews={"e1": "b"},
    reports={"r1": "c"},
    jobs=[
        SeenJob("j1", "b", open=False),
        SeenJob("j2", "c", open=False),
        SeenJob("j3", "c", open=False),
    ],
    decisions={"j1": ["d1"], "j2": ["d2"], "j3": ["d3"]},
    moved={"j2"},
)


def test_a_clean_run_is_perfect() -> None:
    """When every effect is there once, nothing is lost and nothing doubled."""
    result = account(CLEAN)
    assert result.perfect
    assert (result.jobs_created, result.jobs_decided, result.actions_delivered) == (3, 3, 2)
    assert result.latency_ms["p50"] == pytest.approx(50, abs=0.5)


def test_a_run_in_which_nothing_matched_says_so() -> None:
    """Nothing is lost then, and nobody would know why nothing came."""
    assert account(CLEAN).matched == 2
    assert "No rule acted" not in explain(account(CLEAN))
    nothing = replace(
        CLEAN, requests={}, automatic=set(), named=set(), received={}, times={}, reviews={}
    )
    assert "No rule acted on any of these items" in explain(account(nothing))


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        ("items not accepted", replace(CLEAN, sent=4)),
        ("items not evaluated", replace(CLEAN, evaluations={"s1": 1, "s2": 1})),
        ("effects named by a result but not on the log", replace(CLEAN, named={"x1", "x9"})),
        ("actions not delivered", replace(CLEAN, received={"x2": 12.0})),
        ("reviews without a job", replace(CLEAN, jobs=CLEAN.jobs[1:])),  # type: ignore[index]
        ("jobs not decided", replace(CLEAN, jobs=[*CLEAN.jobs[:2], SeenJob("j3", "c", open=True)])),  # type: ignore[index]
        ("decisions not on the log", replace(CLEAN, decisions={"j1": ["d1"], "j2": ["d2"]})),
    ],
)
def test_what_is_missing_is_lost(reason: str, seen: Observed) -> None:
    """Each kind of missing effect is counted under its own name, and fails the run."""
    result = account(seen)
    assert result.losses[reason] == 1
    assert not result.perfect
    assert reason in explain(result)


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        (
            "submissions evaluated twice as another",
            replace(CLEAN, evaluations={"s1": 1, "s2": 1, "s3": 1, "s4": 1}),
        ),
        ("webhooks nobody asked for", replace(CLEAN, received=dict(CLEAN.received) | {"x9": 11.0})),
        (
            "jobs decided twice",
            replace(CLEAN, decisions=dict(CLEAN.decisions) | {"j1": ["d", "e"]}),
        ),
        ("jobs beyond their causes", replace(CLEAN, moved=set())),
    ],
)
def test_what_is_there_twice_is_doubled(reason: str, seen: Observed) -> None:
    """Each kind of doubled effect is counted under its own name, and fails the run."""
    result = account(seen)
    assert result.doubles[reason] == 1
    assert not result.perfect


def test_a_webhook_sent_again_under_its_id_is_one_effect() -> None:
    """A retry with the same webhook id is said, and is neither lost nor doubled."""
    result = account(replace(CLEAN, times={"x1": 3, "x2": 1}))
    assert result.redelivered == 2
    assert result.perfect


def test_the_last_line_has_the_promised_fields() -> None:
    """The JSON line names every figure that tools read."""
    assert set(json.loads(account(CLEAN).line())) >= {
        "items_sent",
        "items_accepted",
        "items_evaluated",
        "actions_requested",
        "actions_delivered",
        "signatures_verified",
        "jobs_created",
        "jobs_decided",
        "lost",
        "duplicated",
        "latency_ms",
    }
