"""Figures for dashboards: what is counted, how time is cut, who may know what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from coop_contracts.event import ActionRequested, ItemRef, RuleRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.analytics import figure
from coop_review_api.analytics.figure import FigureLimits
from coop_review_api.analytics.question import Question
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_review_api.review.table import decisions
from coop_review_api.review.visibility import ReaderScope
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

from .figure_world import World

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]


async def test_decisions_are_counted_by_whatever_they_have(world: World, place: Any) -> None:
    """In all, by type, action, policy, queue, reviewer and item type, and narrowed down by each;
    one with two policies counts under both, and an undone one nowhere."""
    for queue, components, person in (
        (world.queue, IGNORE, world.moderator),
        (world.queue, world.act, world.moderator),
        (world.other, IGNORE, world.admin),
        (world.other, IGNORE, world.admin),
    ):
        await place(queue, world.post)
        last = await world.decide(components, person, queue)
    async with transaction(world.engine) as connection:
        undone = update(decisions).where(decisions.c.decision_id == last)
        await connection.execute(undone.values(undone_at=datetime.now(UTC)))
    first, second = world.policies
    assert await world.counts("decisions") == {None: 3}
    assert await world.counts("decisions", groupBy="TYPE") == {"IGNORE": 2, "CUSTOM_ACTION": 1}
    assert await world.counts("decisions", groupBy="ACTION") == {world.remove: 1}
    assert await world.counts("decisions", groupBy="POLICY") == {first: 1, second: 1}
    assert await world.counts("decisions", groupBy="QUEUE") == {world.queue: 2, world.other: 1}
    assert await world.counts("decisions", groupBy="REVIEWER") == {
        world.moderator.user_id: 2,
        world.admin.user_id: 1,
    }
    assert await world.counts("decisions", groupBy="ITEM_TYPE") == {world.post: 3}
    for narrowed, count in (
        ({"queueId": world.queue}, 2),
        ({"queueId": [world.queue, world.other]}, 3),
        ({"reviewerId": world.admin.user_id}, 1),
        ({"policyId": second}, 1),
        ({"actionId": world.remove}, 1),
        ({"itemTypeId": world.post}, 3),
        ({"decisionType": "IGNORE"}, 2),
    ):
        assert await world.counts("decisions", **narrowed) == {None: count}, narrowed
    assert await world.counts("decisions", itemTypeId="none") == {}
    table = await world.ask("decision-table", rows="REVIEWER")
    assert sorted(
        (cell["key"], cell["type"], cell["actionId"] or "", cell["count"])
        for cell in table["cells"]
    ) == sorted(
        [
            (world.moderator.user_id, "IGNORE", "", 1),
            (world.moderator.user_id, "CUSTOM_ACTION", world.remove, 1),
            (world.admin.user_id, "IGNORE", "", 1),
        ]
    )


async def test_time_is_cut_as_the_asker_sees_it(world: World, place: Any) -> None:
    """Days begin at midnight of the time zone that is named, hours in it too; the start is in a
    figure and its end is not."""
    times = [datetime(2026, 5, 9, 18, 15, tzinfo=UTC), datetime(2026, 5, 9, 18, 45, tzinfo=UTC)]
    for time in times:
        await place(world.queue, world.post)
        decision = await world.decide(IGNORE)
        async with transaction(world.engine) as connection:
            moved = update(decisions).where(decisions.c.decision_id == decision)
            await connection.execute(moved.values(decided_at=time))
    span = {"since": "2026-05-09T00:00:00Z", "until": "2026-05-10T00:00:00Z"}

    async def starts(**asked: Any) -> list[tuple[datetime, int]]:
        found = await world.ask("decisions", **{**span, **asked})
        return [(datetime.fromisoformat(one["start"]), one["count"]) for one in found["points"]]

    assert await starts() == [(datetime(2026, 5, 9, tzinfo=UTC), 2)]
    assert await starts(division="DAY") == [(datetime(2026, 5, 9, tzinfo=UTC), 2)]
    # In Kolkata, at +05:30, midnight lies between the two.
    kolkata = {"timeZone": "Asia/Kolkata"}
    midnight = datetime(2026, 5, 9, 18, 30, tzinfo=UTC)
    assert await starts(division="DAY", **kolkata) == [
        (midnight - timedelta(days=1), 1),
        (midnight, 1),
    ]
    assert await starts(division="HOUR", **kolkata) == [
        (midnight - timedelta(hours=1), 1),
        (midnight, 1),
    ]
    assert await starts(until=times[1].isoformat()) == [(datetime(2026, 5, 9, tzinfo=UTC), 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeZone": "Nowhere/Land"},
        {"timeZone": "UTC'; --"},
        {"division": "WEEK"},
        {"groupBy": "RULE"},
        {"since": "2026-05-02T00:00:00Z", "until": "2026-05-01T00:00:00Z"},
        {"since": "2024-05-02T00:00:00Z", "until": "2026-05-01T00:00:00Z"},
        {"since": "2026-03-01T00:00:00Z", "until": "2026-05-01T00:00:00Z", "division": "HOUR"},
        {"until": "0001-01-01T00:00:00Z"},
    ],
)
async def test_what_cannot_be_asked_is_refused(world: World, wrong: dict[str, str]) -> None:
    """Unknown zones and divisions, time that runs backwards, and more time than is counted at
    once."""
    wrong = {"division": "DAY"} | wrong
    answer = await world.admin.call("GET", "/v1/analytics/decisions", params=wrong)
    assert answer.status_code == 422, answer.text


async def test_jobs_and_skips_are_counted(world: World, place: Any) -> None:
    """Jobs by queue, source and policy, where a moved one counts once, in its first queue; skips by
    queue and person, releases not among them."""
    for item in ("item-1", "item-2", "item-3"):
        await place(world.queue, world.post, item, policy_ids=tuple(world.policies[:1]))
    await world.decide([{"type": "MOVE", "queueId": world.other}])
    assert await world.counts("jobs") == {None: 3}
    assert await world.counts("jobs", groupBy="QUEUE") == {world.queue: 3}
    assert await world.counts("jobs", groupBy="SOURCE") == {"REPORT": 3}
    assert await world.counts("jobs", groupBy="POLICY") == {world.policies[0]: 3}
    assert await world.counts("jobs", groupBy="ITEM_TYPE", source="REPORT") == {world.post: 3}
    assert await world.counts("jobs", policyId=world.policies[1]) == {}
    for way in ("skip", "lease"):
        claim = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
        job, token = claim["job"]["id"], claim["lease"]["token"]
        if way == "skip":
            left = await world.moderator.call("POST", f"/v1/jobs/{job}/skip", {"leaseToken": token})
        else:
            headers = {"X-Lease-Token": token}
            left = await world.moderator.call("DELETE", f"/v1/jobs/{job}/lease", headers=headers)
        assert left.status_code == 204, left.text
    assert await world.counts("skips", groupBy="QUEUE") == {world.queue: 1}
    assert await world.counts("skips", groupBy="REVIEWER") == {world.moderator.user_id: 1}
    mine = await world.ask("mine", world.moderator)
    assert (mine["decided"], mine["skipped"]) == (1, 1)
    mine = await world.ask("mine", world.admin)
    assert (mine["decided"], mine["skipped"]) == (0, 0)


async def test_times_are_from_the_first_cause_and_from_the_claim(world: World, place: Any) -> None:
    """Waiting ends, as handling does, with the decision; mean, median and 90th percentile are of
    the decisions that ended a job."""
    now = datetime(2026, 5, 9, 12, tzinfo=UTC)
    handling = [10, 20, 30, 40, 500]
    for seconds in handling:
        await place(world.queue, world.post)
        decision = await world.decide(IGNORE)
        async with transaction(world.engine) as connection:
            moved = update(decisions).where(decisions.c.decision_id == decision)
            at = {"claimed_at": now - timedelta(seconds=seconds), "decided_at": now}
            await connection.execute(moved.values(at))
            await connection.execute(
                text(
                    "UPDATE queues.jobs SET created_at = :at WHERE job_id ="
                    " (SELECT CAST(job_id AS uuid) FROM review.decisions WHERE decision_id = :id)"
                ),
                {"at": now - timedelta(seconds=seconds * 2), "id": decision},
            )
    await place(world.queue, world.post)
    await world.decide([{"type": "MOVE", "queueId": world.other}])
    day = {"since": "2026-05-09T00:00:00Z", "until": "2026-05-10T00:00:00Z"}
    found = (await world.ask("times", **day, groupBy="QUEUE"))["points"]
    assert [(one["key"], one["decisions"]) for one in found] == [(world.queue, 5)]
    # Between the fourth and the fifth, at 0.9 of four steps.
    p90 = 40 + 0.6 * 460
    assert found[0]["handling"] == {"mean": 120, "median": 30, "p90": pytest.approx(p90)}
    assert found[0]["waiting"] == {"mean": 240, "median": 60, "p90": pytest.approx(2 * p90)}
    assert (await world.ask("times", groupBy="POLICY"))["points"] == []


async def test_actions_of_rules_people_and_reversals(world: World, clock: Any) -> None:
    """Everything that was asked for counts, by source, rule, action and policy; what takes back
    only when it is asked for."""
    projection = Projection(
        world.engine, Partitions(world.engine), clock=clock, retention=timedelta(days=30)
    )
    rules = tuple(RuleRef(id=one, name=one, revision=1) for one in ("rule-1", "rule-2"))
    for source, more in (
        ("RULE_EXECUTION", {"rules": rules, "policy_ids": (world.policies[0],)}),
        ("RULE_EXECUTION", {"rules": rules[:1]}),
        ("MRT_JOB", {"actor_id": world.admin.user_id}),
        ("REVERSAL", {"reverses": new_id()}),
    ):
        event = ActionRequested(
            event_id=new_id(),
            org_id=world.org_id,
            time=clock() - timedelta(seconds=5),
            correlation_id="c",
            execution_id=new_id(),
            action_id=world.remove,
            item=ItemRef(id="item-1", type_id=world.post),
            config_revision=1,
            source=source,  # type: ignore[arg-type]
            **more,
        )
        received: Any = Received(event, b"", event.topic, 0, 0, {}, -1)
        await projection.requested([received])
    assert await world.counts("actions") == {None: 3}
    assert await world.counts("actions", groupBy="SOURCE") == {"RULE_EXECUTION": 2, "MRT_JOB": 1}
    assert await world.counts("actions", groupBy="RULE") == {"rule-1": 2, "rule-2": 1}
    assert await world.counts("actions", groupBy="POLICY") == {world.policies[0]: 1}
    assert await world.counts("actions", ruleId="rule-2") == {None: 1}
    assert await world.counts("actions", source="REVERSAL") == {None: 1}
    assert await world.counts("actions", actionId="none") == {}


async def test_facts_of_a_person_are_theirs_and_the_leads(
    world: World, place: Any, sign_in: Any
) -> None:
    """By reviewer only who edits queues may ask, or who asks for themselves; an analyst of rules
    knows of actions and of nothing else."""
    await place(world.queue, world.post)
    await world.decide(IGNORE)
    me, analyst = world.moderator, await sign_in(Role.ANALYST)

    async def status(person: Any, path: str, **asked: Any) -> int:
        answer = await person.call("GET", f"/v1/analytics/{path}", params=asked)
        return int(answer.status_code)

    for path in ("decisions", "skips", "times"):
        assert await status(me, path, groupBy="REVIEWER") == 403
        assert await status(me, path, reviewerId=world.admin.user_id) == 403
        assert await status(me, path, groupBy="REVIEWER", reviewerId=me.user_id) == 200
        assert await status(analyst, path) == 403
    assert await status(me, "decision-table", rows="REVIEWER") == 403
    assert await status(analyst, "actions") == 200
    assert await world.counts("decisions", me, reviewerId=me.user_id) == {None: 1}


async def test_what_one_may_not_see_is_not_counted(
    world: World, place: Any, sign_in: Any, kit: Any
) -> None:
    """Child safety without its permission, queues that are closed to the reader (their own
    decisions apart), other organisations."""
    guard = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    body = {"name": "Closed", "reviewerIds": [guard.user_id]}
    closed = (await world.admin.make("/v1/queues", body))["id"]
    await place(world.queue, world.post, csam=True)
    await world.decide(IGNORE, guard)
    await place(closed, world.post)
    await world.decide(IGNORE, guard, closed)
    for path, seen in (("decisions", 2), ("jobs", 2)):
        assert await world.counts(path, guard) == {None: seen}, path
        assert await world.counts(path, world.admin) == {None: seen}, path
        assert await world.counts(path, world.moderator) == {}, path
    assert (await world.ask("times", world.moderator))["points"] == []
    assert (await world.ask("decision-table", world.moderator))["cells"] == []
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    for path in ("decisions", "jobs", "skips", "actions"):
        assert await world.counts(path, stranger) == {}, path


async def test_figures_are_read_through_the_index_of_time(world: World, owner_engine: Any) -> None:
    """Of 40,000 rows, an hour's figure reads those of the hour."""
    scope = ReaderScope(org_id=world.org_id, user_id="u", queue_ids=None, child_safety=True)
    end = datetime.now(UTC)
    hour = Question(start=end - timedelta(hours=1), end=end, division="HOUR")
    async with transaction(owner_engine, within=120) as connection:
        await connection.execute(text("SET LOCAL statement_timeout = '120s'"))
        await connection.execute(
            text(
                """
                INSERT INTO review.decisions (decision_id, org_id, job_id, queue_id, item_type_id,
                    item_id, reviewer_id, components, executions, request_hash, config_revision,
                    decided_at)
                SELECT gen_random_uuid()::text, :org, gen_random_uuid()::text, 'queue', 'post',
                    n::text, :me, '[{"type": "IGNORE"}]', '[]', '', 1,
                    now() - n * interval '1 minute'
                  FROM generate_series(1, 40000) n
                """
            ),
            {"org": world.org_id, "me": world.admin.user_id},
        )
        await connection.execute(text("ANALYZE review.decisions"))
        read = await rows_read(connection, "decisions", scope, hour)
        await connection.rollback()
    assert 0 < read <= 200


async def test_too_many_points_are_refused(world: World, context: Any, place: Any) -> None:
    """More points than an answer has are a conflict that says what to do, not half an answer."""
    for _ in range(2):
        await place(world.queue, world.post)
        await world.decide(IGNORE)
        await place(world.other, world.post)
        await world.decide(IGNORE, queue=world.other)
    context.parts[FigureLimits] = FigureLimits(points=1)
    answer = await world.admin.call("GET", "/v1/analytics/decisions?groupBy=QUEUE")
    assert answer.status_code == 409, answer.text
    assert "shorter time" in answer.json()["detail"]


async def rows_read(connection: Any, name: Any, scope: ReaderScope, question: Question) -> int:
    """Rows that the scans of a figure's plan went through."""
    found: list[dict[str, Any]] = []

    class Explaining:
        async def execute(self, statement: Any, values: Any) -> Any:
            explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}")
            found.append((await connection.scalar(explain, values))[0]["Plan"])
            return await connection.execute(statement, values)

    explaining: Any = Explaining()
    await figure.counts(explaining, scope, name, "NONE", question, limits=FigureLimits())

    def of(plan: dict[str, Any]) -> int:
        own = 0
        if plan.get("Relation Name") == "decisions":
            own = int(
                (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
            )
        return own + sum(of(child) for child in plan.get("Plans", ()))

    return of(found[-1])
