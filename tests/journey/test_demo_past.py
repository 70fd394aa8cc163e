"""The demonstration in a stack that runs: the month before its story, what pages read of it, and
the report that the story files."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from coop_local.demo.past.state import PastState
from tests.local_stack import LocalStack, report_of, state_folder

# A stack and a month of it are made first.
pytestmark = [pytest.mark.journey, pytest.mark.timeout(420)]

_LOADED_S = 120.0
_FILED_S = 60.0
_COUNTED_EVERY_S = 5.0  # the counter of decisions looks once a second


@pytest.fixture(scope="module")
def stack(alone: None) -> Iterator[LocalStack]:
    """With its story, and nothing besides."""
    del alone
    with (
        state_folder() as folder,
        LocalStack(folder / "state", COOP_DEMO_STORY="true") as running,
    ):
        yield running


@contextlib.contextmanager
def _signed_in(stack: LocalStack, role: str = "MODERATOR_MANAGER") -> Iterator[httpx.Client]:
    """Somebody who sees every queue, or has that role."""
    user = next(one for one in stack.demo_file()["users"] if one["role"] == role)
    with httpx.Client(base_url=stack.url("review-api"), timeout=20) as client:
        body = {"email": user["email"], "password": user["password"]}
        session = client.post("/v1/session", json=body).raise_for_status().json()
        client.headers["X-CSRF-Token"] = session["csrfToken"]
        yield client


def figures(lead: httpx.Client) -> dict[str, int]:
    """The month's decisions and actions, as the overview counts them."""
    until = datetime.now(UTC) - timedelta(hours=4)  # what is later is the story's
    time_ = {
        "bucket": "TOTAL",
        "since": (until - timedelta(days=30)).isoformat(),
        "until": until.isoformat(),
        "timeZone": "UTC",
    }
    questions = [
        {**time_, "figure": "DECISIONS", "groupBy": ["REVIEWER"]},
        {**time_, "figure": "ACTIONS", "groupBy": ["SOURCE"]},
    ]
    answer = lead.post("/v1/analytics/query", json={"questions": questions}).raise_for_status()
    decided, done = answer.json()["answers"]
    return {
        "people": len(decided["series"]),
        "decisions": _total(decided),
        "actions": _total(done),
        "sources": len(done["series"]),
    }


def counted(lead: httpx.Client) -> dict[str, int]:
    """The figures once nothing is added to them any more."""
    until = time.monotonic() + _LOADED_S
    found = figures(lead)
    while True:
        time.sleep(_COUNTED_EVERY_S)
        before, found = found, figures(lead)
        if found == before and found["decisions"] and found["actions"]:
            return found
        assert time.monotonic() < until, found


def _total(answer: dict[str, Any]) -> int:
    return sum(sum(series["counts"]) for series in answer["series"])


def rows(lead: httpx.Client) -> int:
    """How many of a person's decisions the log lists."""
    found, cursor = 0, None
    while True:
        query = {"source": "MRT_JOB", "limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = lead.get("/v1/decision-log", params=query).raise_for_status().json()
        found += len(page["items"])
        cursor = page.get("nextCursor")
        if not cursor:
            return found


def test_the_month_is_there_at_the_first_look(stack: LocalStack) -> None:
    """Decisions of several people, and what rules did, are in the log and in the figures, though
    nobody has done anything yet."""
    with _signed_in(stack) as lead:
        found = counted(lead)
        assert found["people"] >= 4
        assert found["actions"] > 300
        assert found["sources"] >= 2
        assert rows(lead) >= found["decisions"]
    assert PastState.of(stack.state / "demo-past.json").loaded


def test_loading_it_again_changes_nothing(stack: LocalStack) -> None:
    """As after a kill just before the end: at the next start everything is there once."""
    with _signed_in(stack) as lead:
        before = counted(lead)
    file = stack.state / "demo-past.json"
    stack.stop()
    PastState(end=PastState.of(file).end, loaded=False).keep(file)
    stack.start()
    until = time.monotonic() + _LOADED_S
    while not PastState.of(file).loaded:
        assert time.monotonic() < until, (stack.state / "logs" / "demo-past.log").read_text()
        time.sleep(0.2)
    with _signed_in(stack) as lead:
        assert counted(lead) == before


def test_the_story_files_a_test_report(stack: LocalStack) -> None:
    """What a reviewer of the story reported is filed at the stand-in, as a test, with its picture;
    of what was sent the picture is no part."""
    stack.wait_told()
    with _signed_in(stack, "CHILD_SAFETY_MODERATOR") as person:
        until = time.monotonic() + _FILED_S
        while True:
            tips = person.get("/v1/cybertips").raise_for_status().json()["items"]
            # It leaves when its undo window is over.
            if [one["state"] for one in tips] == ["DONE"]:
                break
            assert time.monotonic() < until, tips
            time.sleep(0.2)
        (tip,) = tips
        assert tip["environment"] == "TEST"
        assert tip["reportId"]
        assert (tip["files"], tip["missing"], tip["fault"]) == (1, 0, None)
        path = f"/v1/cybertips/{tip['id']}/documents/document"
        sent = person.get(path).raise_for_status()
        assert "a circle, a square and a triangle" in sent.text
    with _signed_in(stack, "MODERATOR") as other:
        assert other.get("/v1/cybertips").status_code == 403


def test_the_corpus_goes_through_beside_the_story(stack: LocalStack) -> None:
    """`make demo` beside what `make run` shows, appeals that wait for a person too."""
    stack.wait_told()
    report = report_of(stack.demo(), timeout=180)
    assert report["exit_code"] == 0, report["output"]
    assert report["lost"] == report["duplicated"] == 0
    assert report["jobs_decided"] > 5
