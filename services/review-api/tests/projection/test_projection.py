"""The projector: what is kept of the log, whatever comes twice, late or wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from coop_contracts.event import (
    ActionDelivered,
    ConditionResult,
    ItemRef,
    ItemSubmitted,
    RequestedExecution,
    RuleOutcome,
    RuleRef,
    RulesEvaluated,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import (
    DAY,
    HOUR,
    KEPT,
    RECENT,
    Partitioned,
    Partitions,
)
from coop_review_api.projection.retention import RetentionKeeper
from coop_review_api.projection.table import (
    deliveries,
    evaluation_rules,
    evaluations,
    executions,
    recent_submissions,
    submissions,
)
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

pytestmark = pytest.mark.engines

RETENTION = timedelta(days=30)
WINDOW = timedelta(hours=6)
ITEM = ItemRef(id="item-1", type_id="post")


def received(event: Any) -> Received[Any]:
    return Received(event, b"", event.topic, 0, 0, {}, -1)


def evaluated(org_id: str, submission_id: str, time: datetime, **more: Any) -> RulesEvaluated:
    return RulesEvaluated(
        event_id=new_id(),
        org_id=org_id,
        time=time,
        correlation_id=submission_id,
        submission_id=submission_id,
        item=ITEM,
        config_revision=7,
        **more,
    )


def matched(org_id: str, submission_id: str, time: datetime, **more: Any) -> RulesEvaluated:
    return evaluated(
        org_id,
        submission_id,
        time,
        rules=(
            RuleOutcome(
                rule=RuleRef(id="r1", name="Spam", revision=5),
                status="LIVE",
                passed=True,
                conditions=(0,),
            ),
        ),
        conditions=(ConditionResult(condition="c", outcome="PASSED", matched_value="a\0b"),),
        executions=(RequestedExecution(execution_id="e-" + submission_id, action_id="a1"),),
        **more,
    )


def submitted(org_id: str, submission_id: str, time: datetime) -> ItemSubmitted:
    return ItemSubmitted(
        event_id=new_id(),
        org_id=org_id,
        time=time,
        correlation_id=submission_id,
        submission_id=submission_id,
        item=SubmittedItem(
            id="item-1", type_id="post", type_version="v", data=msgspec.Raw(b'{"text":"a\\u0000b"}')
        ),
        request_id="r",
        config_revision=7,
    )


def delivered(org_id: str, execution_id: str, time: datetime, **more: Any) -> ActionDelivered:
    return ActionDelivered(
        event_id=new_id(),
        org_id=org_id,
        time=time,
        correlation_id="c",
        execution_id=execution_id,
        action_id="a1",
        item=ITEM,
        attempts=1,
        **{"state": "DELIVERED", "status": 200, **more},
    )


@pytest.fixture
def partitions(engine: Any) -> Partitions:
    return Partitions(engine)


@pytest.fixture
def projection(engine: Any, partitions: Partitions, clock: Any) -> Projection:
    return Projection(engine, partitions, clock=clock, retention=RETENTION)


@pytest.fixture
def keeper(engine: Any, partitions: Partitions, clock: Any) -> RetentionKeeper:
    return RetentionKeeper(
        engine, partitions, clock=clock, window=WINDOW, retention=RETENTION, every=60
    )


@pytest.fixture
def org_id() -> str:
    return new_id()


async def count(engine: Any, table: Any, org_id: str) -> int:
    async with transaction(engine) as connection:
        found = await connection.scalar(
            select(func.count()).select_from(table).where(table.c.org_id == org_id)
        )
    return found or 0


async def test_a_batch_that_comes_twice_is_once(
    projection: Projection, engine: Any, clock: Any, org_id: str
) -> None:
    """Evaluations, submissions and deliveries of a repeated batch, in or out of order, are rows
    once, with U+0000 in values and all."""
    ids = [new_id() for _ in range(50)]
    results = [received(matched(org_id, one, clock())) for one in ids]
    items = [received(submitted(org_id, one, clock())) for one in ids]
    ends = [received(delivered(org_id, "e-" + one, clock(), error="a\0b")) for one in ids]
    for _ in range(2):
        await projection.evaluated([*results, *results[:3]])
        await projection.submitted(items)
        await projection.delivered(ends)
        results.reverse()
    for table in (evaluations, evaluation_rules, executions, recent_submissions, deliveries):
        assert await count(engine, table, org_id) == 50, table.name
    async with transaction(engine) as connection:
        text = await connection.scalar(
            select(evaluations.c.event).where(evaluations.c.submission_id == ids[0])
        )
    assert text is not None
    event = msgspec.json.decode(text, type=RulesEvaluated)
    assert event.conditions[0].matched_value == "a\0b"


async def test_a_submission_evaluated_again_has_its_first_evaluation(
    projection: Projection, engine: Any, clock: Any, org_id: str
) -> None:
    """An engine that was killed evaluates again, later: that is the same evaluation, not a second
    one, while another lane's is one more."""
    began = clock()
    for minutes, lane in ((1, "FAST"), (200, "FAST"), (200, "SLOW")):
        later = began + timedelta(minutes=minutes)
        event = matched(org_id, "s", later, submitted_at=began, lane=lane)
        clock.forward(hours=4)
        await projection.evaluated([received(event)])
    assert await count(engine, evaluations, org_id) == 2
    assert await count(engine, executions, org_id) == 1


async def test_what_says_nothing_is_not_kept(
    projection: Projection, engine: Any, clock: Any, org_id: str
) -> None:
    """An evaluation without a match leaves no row; a sampled one does, without rows of rules that
    failed; one that was only limited does."""
    failed = RuleOutcome(
        rule=RuleRef(id="r1", name="Spam", revision=5), status="LIVE", passed=False
    )
    await projection.evaluated(
        [
            received(evaluated(org_id, "nothing", clock())),
            received(evaluated(org_id, "sampled", clock(), sampled=True, rules=(failed,))),
            received(evaluated(org_id, "limited", clock(), limited=("r1",))),
        ]
    )
    assert await count(engine, evaluations, org_id) == 2
    assert await count(engine, evaluation_rules, org_id) == 0


async def test_events_from_the_future_and_from_before_the_retention(
    projection: Projection, engine: Any, clock: Any, org_id: str
) -> None:
    """An event that is to come is poison; one that would be dropped at once is not written."""
    with pytest.raises(Poison):
        await projection.evaluated([received(matched(org_id, "x", clock() + timedelta(days=3)))])
    await projection.evaluated([received(matched(org_id, "x", clock() - timedelta(days=40)))])
    assert await count(engine, evaluations, org_id) == 0


async def test_a_partition_dropped_behind_ones_back_is_made_again(
    projection: Projection, engine: Any, clock: Any, org_id: str
) -> None:
    """A process that knew a partition which another dropped writes after one retry."""
    from coop_runtime.process.error import Retryable

    old = clock() - timedelta(days=12, hours=3)
    await projection.evaluated([received(matched(org_id, "x", old))])
    for name in ("evaluations", "evaluation_rules", "executions"):
        await Partitions(engine).drop(KEPT[name], KEPT[name].start_of(old))
    with pytest.raises(Retryable):
        await projection.evaluated([received(matched(org_id, "x", old))])
    await projection.evaluated([received(matched(org_id, "x", old))])
    assert await count(engine, evaluations, org_id) == 1


async def test_only_submissions_with_a_record_stay(
    projection: Projection, keeper: RetentionKeeper, engine: Any, clock: Any, org_id: str
) -> None:
    """After the window a submission whose evaluation was recorded is kept, the others are gone."""
    began = clock()
    await projection.submitted(
        [received(submitted(org_id, f"s{number}", began)) for number in range(10)]
    )
    await projection.evaluated([received(matched(org_id, "s3", began + timedelta(minutes=5)))])
    await keeper.keep()
    assert await count(engine, recent_submissions, org_id) == 10
    clock.forward(hours=8)
    await keeper.keep()
    await keeper.keep()
    assert await count(engine, recent_submissions, org_id) == 0
    async with transaction(engine) as connection:
        kept = await connection.scalars(
            select(submissions.c.submission_id).where(submissions.c.org_id == org_id)
        )
        assert list(kept) == ["s3"]


async def test_what_was_written_late_stays_for_the_whole_window(
    projection: Projection, keeper: RetentionKeeper, engine: Any, clock: Any, org_id: str
) -> None:
    """A projector that was away for a day writes old submissions: their evaluations, which are
    read later, still find them."""
    old = clock() - timedelta(hours=30)
    await projection.submitted([received(submitted(org_id, "late", old))])
    await keeper.keep()
    await projection.evaluated([received(matched(org_id, "late", old))])
    clock.forward(hours=7)
    await keeper.keep()
    assert await count(engine, submissions, org_id) == 1


async def test_what_is_too_old_goes_with_its_partition(
    projection: Projection,
    keeper: RetentionKeeper,
    partitions: Partitions,
    engine: Any,
    clock: Any,
    org_id: str,
) -> None:
    """Past the retention nothing is left; a day before, everything is."""
    await projection.evaluated([received(matched(org_id, "x", clock()))])
    await projection.delivered([received(delivered(org_id, "e-x", clock()))])
    clock.forward(days=29)
    await keeper.keep()
    assert await count(engine, evaluations, org_id) == 1
    clock.forward(days=3)
    await keeper.keep()
    for table in (evaluations, evaluation_rules, executions, deliveries):
        assert await count(engine, table, org_id) == 0, table.name
    for of in KEPT.values():
        starts = await partitions.starts(of)
        assert all(start + of.step > clock() - RETENTION for start in starts), of.table.name


def test_partitions_are_named_after_their_start() -> None:
    """A partition's name gives its start back; other names are nobody's."""
    moment = datetime(2026, 3, 4, 5, 59, tzinfo=UTC)
    assert RECENT.name_of(RECENT.start_of(moment)) == "recent_submissions_p2026030405"
    for of in (RECENT, Partitioned(evaluations, DAY), Partitioned(evaluations, HOUR)):
        start = of.start_of(moment)
        assert start <= moment < start + of.step
        assert of.start_in(of.name_of(start)) == start
        assert of.start_in("evaluations_backup") is None
