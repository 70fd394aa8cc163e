"""A page of figures in one request: exact whatever comes twice, is taken back or undone."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from coop_contracts.event import ActionRequested, ItemRef, RuleOutcome, RuleRef, RulesEvaluated
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.analytics.query import QueryLimits
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_review_api.projection.retention import RetentionKeeper
from coop_review_api.review.counting import DecisionCounter
from coop_review_api.tally.open_job import OpenJobCounter
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

from .figure_world import World

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]
SOURCES = ("RULE_EXECUTION", "RULE_EXECUTION", "BULK_ACTION", "MRT_JOB", "STRIKE_THRESHOLD")


async def query(person: Any, *questions: dict[str, Any]) -> dict[str, Any]:
    answer = await person.call("POST", "/v1/analytics/query", {"questions": list(questions)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def totals(person: Any, figure: str, *group_by: str, **more: Any) -> dict[Any, int]:
    """By key (by keys, of several) of the last seven days."""
    question = {"figure": figure, "groupBy": list(group_by), "bucket": "TOTAL", **more}
    answer = (await query(person, question))["answers"][0]
    return {
        (one["keys"][0] if len(group_by) == 1 else tuple(one["keys"])): one["total"]
        for one in answer["series"]
        if one["total"]
    }


@pytest.fixture
def projection(engine: Any, clock: Any) -> Projection:
    return Projection(engine, Partitions(engine), clock=clock, retention=timedelta(days=30))


@pytest.fixture
def counter(engine: Any, clock: Any) -> DecisionCounter:
    return DecisionCounter(engine, clock=clock)


def action(world: World, dice: random.Random, time: datetime, **more: Any) -> ActionRequested:
    """An action of one of three rules, with some of two policies."""
    rules = dice.sample(["rule-1", "rule-2", "rule-3"], dice.randrange(3))
    given = {
        "execution_id": new_id(),
        "action_id": world.remove,
        "source": dice.choice(SOURCES),
        "rules": tuple(RuleRef(id=one, name=one, revision=1) for one in rules),
        "policy_ids": tuple(dice.sample(world.policies, dice.randrange(3))),
        **more,
    }
    return ActionRequested(
        event_id=new_id(),
        org_id=world.org_id,
        time=time,
        correlation_id="c",
        item=ItemRef(id=f"item-{dice.randrange(50)}", type_id=world.post),
        config_revision=1,
        **given,
    )


def batch(events: Sequence[Any]) -> list[Any]:
    return [Received(event, b"", event.topic, 0, 0, {}, -1) for event in events]


async def test_actions_are_counted_once_whatever_comes_twice_or_back(
    world: World, projection: Projection, clock: Any
) -> None:
    """Batches that come again, in other cuts, some after being killed half-way; actions that are
    reversed, also twice: the figures are those of the rows."""
    dice = random.Random(3)
    now = clock()
    asked = [
        action(world, dice, now - timedelta(minutes=dice.randrange(6 * 24 * 60)))
        for _ in range(300)
    ]
    back = [
        action(
            world,
            dice,
            min(now, one.time + timedelta(hours=1)),
            source="REVERSAL",
            reverses=one.execution_id,
        )
        for one in dice.sample(asked, 60)
    ]
    again = [
        action(world, dice, one.time, source="REVERSAL", reverses=one.reverses) for one in back[:9]
    ]
    log = [*asked, *back, *again]
    for _ in range(3):
        first = 0
        while first < len(log):
            size = dice.randrange(1, 120)
            await projection.requested(batch(log[first : first + size]))
            # Killed before its offsets: it begins again somewhere before.
            first += size - (dice.randrange(size) if dice.random() < 0.5 else 0)
    taken_back = {one.reverses for one in back}
    stand = [one for one in asked if one.execution_id not in taken_back]
    assert await totals(world.admin, "ACTIONS") == {(): len(stand)}
    assert await totals(world.admin, "REVERSALS") == {(): len(back) + len(again)}
    for name, of in (
        ("SOURCE", lambda one: [one.source]),
        ("RULE", lambda one: [rule.id for rule in one.rules]),
        ("POLICY", lambda one: one.policy_ids),
        ("ACTION", lambda one: [one.action_id]),
    ):
        expected = Counter(key for one in stand for key in of(one))
        assert await totals(world.admin, "ACTIONS", name) == expected, name
        assert await world.counts("actions", groupBy=name) == expected, name
    by_people = Counter(one.source in {"BULK_ACTION", "MRT_JOB"} for one in stand)
    assert await totals(world.admin, "ACTIONS", "AUTOMATION") == {
        "MANUAL": by_people[True],
        "AUTOMATED": by_people[False],
    }
    pairs = Counter((one.source, key) for one in stand for key in one.policy_ids)
    assert await totals(world.admin, "ACTIONS", "SOURCE", "POLICY") == pairs
    filters = {"ruleIds": ["rule-1", "rule-2"], "policyIds": [world.policies[0]]}
    found = await totals(world.admin, "ACTIONS", filters=filters)
    assert found == {
        (): sum(
            bool({"rule-1", "rule-2"} & {rule.id for rule in one.rules})
            and world.policies[0] in one.policy_ids
            for one in stand
        )
    }
    per_day = Counter(one.time.astimezone(UTC).date() for one in stand)
    answer = (await query(world.admin, {"figure": "ACTIONS"}))["answers"][0]
    assert dict(zip(answer["starts"], answer["series"][0]["counts"], strict=True)) == {
        start: per_day[datetime.fromisoformat(start).date()] for start in answer["starts"]
    }


async def test_what_was_dropped_is_not_counted_again(world: World, engine: Any, clock: Any) -> None:
    """Rows that are too old are dropped, their numbers stay; the log read again, also by a
    projector that would keep them longer, adds nothing."""
    dice = random.Random(5)
    longer = Projection(engine, Partitions(engine), clock=clock, retention=timedelta(days=90))
    old = [action(world, dice, clock() - timedelta(days=35)) for _ in range(5)]
    await longer.requested(batch(old))
    keeper = RetentionKeeper(
        engine,
        Partitions(engine),
        clock=clock,
        window=timedelta(hours=6),
        retention=timedelta(days=30),
        every=60,
    )
    await keeper.keep()
    since = (clock() - timedelta(days=40)).isoformat()
    assert await world.counts("actions", since=since) == {}
    again = Projection(engine, Partitions(engine), clock=clock, retention=timedelta(days=90))
    await again.requested(batch(old))
    assert await world.counts("actions", since=since) == {None: 5}
    assert await totals(world.admin, "ACTIONS", since=since) == {(): 5}


async def test_decisions_are_counted_while_they_stand(
    world: World, place: Any, counter: DecisionCounter, engine: Any, clock: Any
) -> None:
    """Each once, however often is looked and by how many; one that is undone no longer; by person,
    type, queue and policy as the rows say."""
    settings = {"name": "Acme", "undoWindow": 60, "allowMultiplePoliciesPerAction": True}
    assert (await world.admin.call("PUT", "/v1/settings", settings)).status_code == 200
    undone = []
    for number in range(6):
        queue = world.queue if number % 2 else world.other
        await place(queue, world.post)
        person = world.admin if number < 2 else world.moderator
        made = await world.decide(world.act if number % 3 else IGNORE, person, queue)
        if number in {1, 4}:
            undone.append((person, made))
    await counter.count()
    assert await totals(world.admin, "DECISIONS") == {(): 6}
    for person, made in undone:
        answer = await person.call("POST", f"/v1/decisions/{made}/undo")
        assert answer.status_code == 200, answer.text
    another = DecisionCounter(engine, clock=clock)
    await asyncio.gather(counter.count(), another.count(), counter.count())
    await another.count()
    for name in ("TYPE", "ACTION", "POLICY", "QUEUE", "REVIEWER", "ITEM_TYPE"):
        expected = await world.counts("decisions", groupBy=name)
        assert sum(expected.values()) > 0
        assert await totals(world.admin, "DECISIONS", name) == expected, name
    assert await totals(world.admin, "DECISIONS") == {(): 4}
    own = {"reviewerIds": [world.moderator.user_id]}
    mine = await totals(world.moderator, "DECISIONS", "REVIEWER", "POLICY", filters=own)
    assert mine == {
        (world.moderator.user_id, policy): count
        for policy, count in (
            await world.counts("decisions", groupBy="POLICY", reviewerId=world.moderator.user_id)
        ).items()
    }


async def test_matches_have_what_they_are_a_share_of(
    world: World, projection: Projection, clock: Any, kit: Any, engine: Any
) -> None:
    """Of each rule and revision: how often it passed, and on how many submissions it was tried;
    evaluations that come twice, and those of which nothing is kept, count once."""
    made = await world.admin.make("/v1/rules", kit.rule(world.post, status="BACKGROUND"))
    idle = await world.admin.make("/v1/rules", kit.rule(world.post, name="Draft", status="DRAFT"))
    rule = RuleRef(id=made["id"], name=made["name"], revision=made["revision"])
    passed = RuleOutcome(rule=rule, status="BACKGROUND", passed=True, conditions=())
    events = [
        RulesEvaluated(
            event_id=new_id(),
            org_id=world.org_id,
            time=clock(),
            submitted_at=clock() - timedelta(minutes=number),
            correlation_id="c",
            submission_id=new_id(),
            item=ItemRef(id="item-1", type_id=world.post),
            config_revision=made["revision"] + 5,
            rules=(passed,) if number < 3 else (),
        )
        for number in range(10)
    ]
    for _ in range(2):
        await projection.evaluated(batch(events))
        await projection.evaluated(batch([*events[5:], *events[:7]]))
    key = (made["id"], str(made["revision"]))
    assert await totals(world.admin, "MATCHES", "RULE", "REVISION") == {key: 3}
    assert await totals(world.admin, "EVALUATIONS", "RULE", "REVISION") == {key: 10}
    assert await totals(world.admin, "EVALUATIONS") == {(): 10}
    assert idle["id"] not in await totals(world.admin, "EVALUATIONS", "RULE")


async def test_open_jobs_are_counted_now_and_looked_at_before(
    world: World, place: Any, engine: Any, clock: Any
) -> None:
    """The bucket that is not over has what is open now; those before what was seen last; where
    nobody looked nothing is said."""
    for _ in range(3):
        await place(world.queue, world.post)
    now = clock()
    looking = OpenJobCounter(engine, clock=lambda: now - timedelta(hours=2))
    await looking.look()
    await OpenJobCounter(engine, clock=lambda: now - timedelta(hours=2)).look()
    await place(world.other, world.post)
    asked = {
        "figure": "OPEN_JOBS",
        "bucket": "HOUR",
        "since": (now - timedelta(hours=4)).isoformat(),
    }
    answer = (await query(world.admin, asked, {**asked, "groupBy": ["QUEUE"]}))["answers"]
    counts = answer[0]["series"][0]["counts"]
    assert counts[-1] == 4
    assert counts[0] is None
    assert 3 in counts[:-1]
    assert {one["keys"][0]: one["total"] for one in answer[1]["series"]} == {
        world.queue: 3,
        world.other: 1,
    }


async def test_open_jobs_of_long_ago_are_remembered_for_minutes(
    world: World, place: Any, engine: Any, clock: Any
) -> None:
    """What is loaded of a past that was asked for is seen ten minutes later; what is open now, at
    once."""
    at = (clock() - timedelta(days=3)).replace(minute=15, second=0, microsecond=0)
    since, until = at - timedelta(days=1), clock() + timedelta(hours=1)
    asked = {
        "figure": "OPEN_JOBS",
        "bucket": "DAY",
        "since": since.isoformat(),
        "until": until.isoformat(),
    }

    async def known() -> list[int]:
        (answer,) = (await query(world.admin, asked))["answers"]
        return [one for one in answer["series"][0]["counts"] if one is not None]

    assert await known() == [0]
    async with transaction(engine) as connection:
        await connection.execute(
            text("INSERT INTO review.open_jobs VALUES (:org, :at, :queue, false, 7)"),
            {"org": world.org_id, "at": at, "queue": world.queue},
        )
    await place(world.queue, world.post)
    assert await known() == [1]
    clock.forward(minutes=11)
    assert await known() == [7, 1]


async def test_what_is_known_of_one_organisation_says_nothing_of_others(
    world: World, engine: Any, clock: Any, sign_in: Any, kit: Any
) -> None:
    """A number of open jobs at a time at which nobody looked is this organisation's alone: of the
    others it is still not known how many there were."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    at = (clock() - timedelta(days=300)).replace(minute=15, second=0, microsecond=0)
    async with transaction(engine) as connection:
        await connection.execute(
            text("INSERT INTO review.open_jobs VALUES (:org, :at, :queue, false, 7)"),
            {"org": world.org_id, "at": at, "queue": world.queue},
        )
    asked = {
        "figure": "OPEN_JOBS",
        "bucket": "HOUR",
        "since": (at - timedelta(hours=2)).isoformat(),
        "until": (at + timedelta(hours=2)).isoformat(),
    }
    (answer,) = (await query(world.admin, asked))["answers"]
    assert [one for one in answer["series"][0]["counts"] if one is not None] == [7]
    (answer,) = (await query(stranger, asked))["answers"]
    assert {one for series in answer["series"] for one in series["counts"]} <= {None}


async def test_names_outlive_what_they_name(
    world: World, place: Any, counter: DecisionCounter, engine: Any
) -> None:
    """A policy that was deleted, and a person who was removed, are named as they last were."""
    await place(world.queue, world.post)
    await world.decide(IGNORE)
    await counter.count()
    async with transaction(engine) as connection:
        await connection.execute(
            text("UPDATE review.users SET status = 'REMOVED' WHERE user_id = :id"),
            {"id": world.moderator.user_id},
        )
    found = await query(
        world.admin,
        {"figure": "DECISIONS", "groupBy": ["REVIEWER", "TYPE"]},
        {"figure": "JOBS", "groupBy": ["QUEUE"]},
    )
    assert found["names"]["REVIEWER"][world.moderator.user_id] == str(Role.MODERATOR)
    assert found["names"]["QUEUE"][world.queue]
    assert "TYPE" not in found["names"]


async def test_the_time_before_is_counted_beside(
    world: World, projection: Projection, clock: Any
) -> None:
    """With PREVIOUS each series has as many buckets before, and their total; further keys are one
    series together."""
    dice = random.Random(1)
    now = clock()
    events = [
        action(world, dice, now - timedelta(days=days), policy_ids=(f"policy-{number}",))
        for days in (0, 8)
        for number in range(4)
        for _ in range(number + 1)
    ]
    await projection.requested(batch(events))
    asked = {
        "figure": "ACTIONS",
        "groupBy": ["POLICY"],
        "since": (now - timedelta(days=6)).isoformat(),
        "compare": "PREVIOUS",
        "top": 2,
    }
    answer = (await query(world.admin, asked))["answers"][0]
    assert [(one["keys"], one["total"], one["previousTotal"]) for one in answer["series"]] == [
        (["policy-3"], 4, 4),
        (["policy-2"], 3, 3),
    ]
    assert answer["others"] == {"keys": 2, "total": 3, "previousTotal": 3}
    assert len(answer["series"][0]["previous"]) == len(answer["starts"]) == 7


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"timeZone": "Nowhere/Land"}, "/questions/1/timeZone"),
        ({"timeZone": "Europe"}, "/questions/1/timeZone"),
        ({"timeZone": "../etc/passwd"}, "/questions/1/timeZone"),
        ({"since": "2024-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/questions/1/since"),
        (
            {"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "bucket": "HOUR"},
            "/questions/1/since",
        ),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/questions/1/since"),
        ({"until": "0001-01-01T00:00:00Z"}, "/questions/1/since"),
        ({"until": "9999-01-01T00:00:00Z"}, "/questions/1/until"),
        ({"since": "2026-01-02T00:00:00"}, "/questions/1/since"),
        ({"groupBy": ["QUEUE"]}, "/questions/1/groupBy/0"),
        ({"groupBy": ["RULE", "RULE"]}, "/questions/1/groupBy/1"),
        ({"groupBy": ["RULE", "ACTION", "POLICY"]}, "/questions/1/groupBy"),
        ({"filters": {"queueIds": ["q"]}}, "/questions/1/filters/queueIds"),
        ({"figure": "JOBS", "groupBy": ["QUEUE", "SOURCE"]}, "/questions/1/groupBy/1"),
        ({"figure": "NONE"}, "/questions/1/figure"),
        ({"top": 0}, "/questions/1/top"),
        ({"bucket": "WEEK"}, "/questions/1/bucket"),
    ],
)
async def test_what_cannot_be_asked_is_refused_where_it_is(
    world: World, wrong: dict[str, Any], at: str
) -> None:
    """Each fault says in which question, and where in it."""
    questions = [{"figure": "ACTIONS"}, {"figure": "ACTIONS", **wrong}]
    answer = await world.admin.call("POST", "/v1/analytics/query", {"questions": questions})
    assert answer.status_code == 422, answer.text
    assert at in [fault["pointer"] for fault in answer.json()["errors"]], answer.text


async def test_too_much_at_once_is_refused(world: World, context: Any) -> None:
    """More than twelve questions, none, or more numbers than an answer has."""
    for number in (0, 13):
        body = {"questions": [{"figure": "ACTIONS"}] * number}
        answer = await world.admin.call("POST", "/v1/analytics/query", body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/questions"
    context.parts[QueryLimits] = QueryLimits(numbers=10)
    body = {"questions": [{"figure": "ACTIONS"}, {"figure": "JOBS"}]}
    answer = await world.admin.call("POST", "/v1/analytics/query", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/questions/1"


async def test_who_may_know_what(
    world: World, place: Any, sign_in: Any, kit: Any, counter: DecisionCounter
) -> None:
    """Facts of a person are theirs and the lead's; an analyst of rules knows of actions, matches
    and evaluations; closed queues, child safety and other organisations are not counted."""
    guard = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    body = {"name": "Closed", "reviewerIds": [guard.user_id]}
    closed = (await world.admin.make("/v1/queues", body))["id"]
    await place(world.queue, world.post, csam=True)
    await world.decide(IGNORE, guard)
    await place(closed, world.post)
    await world.decide(IGNORE, guard, closed)
    await counter.count()
    assert await totals(guard, "DECISIONS") == {(): 2}
    assert await totals(world.admin, "DECISIONS") == {(): 2}
    assert await totals(world.moderator, "DECISIONS") == {}
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    for figure in ("ACTIONS", "DECISIONS", "JOBS", "OPEN_JOBS", "MATCHES", "EVALUATIONS"):
        assert await totals(stranger, figure) == {}, figure
    analyst = await sign_in(Role.ANALYST)

    async def status(person: Any, **asked: Any) -> int:
        answer = await person.call("POST", "/v1/analytics/query", {"questions": [asked]})
        return int(answer.status_code)

    me = {"filters": {"reviewerIds": [world.moderator.user_id]}}
    for figure in ("DECISIONS", "SKIPS"):
        assert await status(world.moderator, figure=figure, groupBy=["REVIEWER"]) == 403
        assert await status(world.moderator, figure=figure, groupBy=["REVIEWER"], **me) == 200
        assert await status(analyst, figure=figure) == 403
    for figure in ("ACTIONS", "MATCHES", "EVALUATIONS"):
        assert await status(analyst, figure=figure) == 200


async def test_what_became_grave_is_counted_as_such(
    world: World, place: Any, counter: DecisionCounter, engine: Any, clock: Any
) -> None:
    """A decision whose item turns out to be about child safety leaves the figures of those who may
    not see it."""
    await place(world.queue, world.post, "item-1")
    await world.decide(IGNORE)
    await counter.count()
    assert await totals(world.moderator, "DECISIONS") == {(): 1}
    await place(world.queue, world.post, "item-1", csam=True)
    clock.forward(minutes=2)
    await counter.count()
    assert await totals(world.moderator, "DECISIONS") == {}
    assert await totals(world.admin, "DECISIONS") == {(): 1}
