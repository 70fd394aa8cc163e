"""The month before the demonstration's story: what it may hold, and that it stays the same."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest
from sqlalchemy import text

from coop_local.demo.document import ACTIONS, COLLEAGUES, ITEM_TYPES, POLICIES, QUEUES
from coop_local.demo.past.loader import LOOKED
from coop_local.demo.past.plan import DAYS, Month, month_before
from coop_local.demo.story import content
from coop_local.testing import Databases, password_of
from coop_queues.migrations import run as migrate_queues
from coop_review_api.migrations import run as migrate
from coop_runtime.database.engine import bootstrap, engine_of, service_url, transaction

END = datetime(2026, 5, 4, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def month() -> Month:
    return month_before(END)


def test_the_same_end_gives_the_same_month() -> None:
    """What is loaded again after a kill is what was being loaded."""
    assert month() == month()
    assert month() != month_before(END + timedelta(days=1))


def test_everything_is_over_before_the_story_begins_and_within_what_is_kept() -> None:
    """No moment is to come, none is older than the history, and each follows what it answers."""
    for one in month().reviews:
        came = one.reports[0].at
        assert END - timedelta(days=DAYS + 2) < one.item.made < came < one.claimed < one.decided
        assert one.decided < END
        assert all(came <= report.at < one.claimed for report in one.reports)
        if one.appeal:
            assert one.decided < one.appeal.at < one.appeal.claimed < one.appeal.decided < END
        if one.second:
            assert one.decided < one.second.at < END
    assert all(END - timedelta(days=DAYS) < one.item.made < END for one in month().catches)


def test_several_people_decided_and_nobody_judged_themselves() -> None:
    """Seven people; an appeal and a second look are another's than the decision."""
    reviews = month().reviews
    assert len(reviews) > 100
    assert {one.by for one in reviews} == {
        "MODERATOR",
        "EXTERNAL_MODERATOR",
        "CHILD_SAFETY_MODERATOR",
        "MODERATOR_MANAGER",
        *COLLEAGUES,
    }
    assert all(one.appeal.by != one.by for one in reviews if one.appeal)
    assert all(one.second.by != one.by for one in reviews if one.second)
    assert {one.appeal.accepted for one in reviews if one.appeal} == {True, False}
    assert any(one.second.verdict != one.verdict for one in reviews if one.second)


def test_what_is_named_is_there() -> None:
    """Queues, policies, actions and types are those of the organisation, people those of Largo."""
    told = content.read()
    people = {one.key for one in (*told.people, *month().people)}
    for one in month().reviews:
        assert one.queue in {queue["name"] for queue in QUEUES}
        assert one.policy in {policy["name"] for policy in POLICIES}
        assert one.item.type in {kind["name"] for kind in ITEM_TYPES}
        assert one.verdict.action in {None, *(action["name"] for action in ACTIONS)}
        assert {one.item.author, *(report.reporter for report in one.reports)} <= people
        assert one.item.author not in {report.reporter for report in one.reports}
    assert {one.item.author for one in month().catches} <= people


def test_actions_are_taken_on_types_that_they_are_for() -> None:
    """No case says what the organisation could not do."""
    for_types = {
        action["name"]: action.get("itemTypes", ("Post", "Comment", "Direct message", "Listing"))
        for action in ACTIONS
    }
    text = resources.files("coop_local.demo.past").joinpath("past.toml").read_text("utf-8")
    for case in tomllib.loads(text)["case"]:
        for verdict in case["verdicts"]:
            if "action" in verdict:
                assert case["type"] in for_types[verdict["action"]], case["queue"]


@pytest.mark.engines
async def test_open_jobs_of_before_are_said_of_this_organisation_alone(
    databases: Databases,
) -> None:
    """Its queues have a number for each quarter of an hour at which nobody looked, a nought too;
    that somebody looked is said of none, for it would be said of every organisation."""
    url = databases.make(_migrated)
    since = END - timedelta(hours=1)
    engine = engine_of(url, pool_size=1, application_name="test")
    asked = {
        "org": "largo",
        "since": since,
        "until": END,
        "queues": ["a", "a", "b"],
        "came": [since, since + timedelta(minutes=20), since + timedelta(minutes=40)],
        "decided": [END, END, since + timedelta(minutes=50)],
    }
    async with transaction(engine) as connection:
        await connection.execute(
            text("INSERT INTO review.open_job_times VALUES (:at)"), {"at": END - QUARTER}
        )
        for _ in range(2):
            await connection.execute(LOOKED, asked)
        rows = await connection.execute(
            text("SELECT org_id, queue_id, units FROM review.open_jobs ORDER BY queue_id, time")
        )
        found = [tuple(row) for row in rows]
        times = list(await connection.scalars(text("SELECT time FROM review.open_job_times")))
    await engine.dispose()
    assert found == [
        *(("largo", "a", units) for units in (1, 1, 2, 0)),
        *(("largo", "b", units) for units in (0, 0, 0, 0)),
    ]
    assert times == [END - QUARTER]


def _migrated(url: str) -> None:
    roles = ("coop_review", "coop_review_owner", "coop_queues", "coop_queues_owner")
    bootstrap(url, {role: password_of(role) for role in roles})
    migrate_queues(service_url(url, "coop_queues_owner", password_of("coop_queues_owner")))
    migrate(service_url(url, "coop_review_owner", password_of("coop_review_owner")))
