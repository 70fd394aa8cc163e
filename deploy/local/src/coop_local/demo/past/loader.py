"""Puts the month before the story where it belongs, with the times that it had: items into the
history, jobs into the queue store, decisions, actions and what came of them into the log's rows.

Nothing of it goes over a topic: no rule runs and no webhook leaves for what is long over. What the
product counts, it counts itself: the tallies are those of its own writers.

Guarantees: what was loaded is not loaded twice, also after a kill in the middle; only the
organisation that is named is touched; the audit log has a row that says how much was made up, and
every decision says so in its note.
Must not: be part of a service. No image has `coop_local`, and only `after_ready` of the local stack
starts this, with the organisation of its own `demo.json`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import (
    ActionRequested,
    Event,
    ItemRef,
    ItemSubmitted,
    ReportSubmitted,
    RuleRef,
)
from coop_local.demo.document import COLLEAGUES
from coop_local.demo.past.item import PastItems
from coop_local.demo.past.plan import DAYS, Month, PastReview
from coop_local.demo.past.review import ReviewWriter
from coop_local.demo.past.ruled import delivered, events_of
from coop_local.demo.state import DemoState
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.history.port import Mark, Reason
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_review_api.kernel import audit
from coop_review_api.projection.handler import Projection
from coop_review_api.review.decision import Reviewer
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Retryable

E = TypeVar("E", bound=Event)
T = TypeVar("T")

_BATCH: Final = 200
_REVIEWS: Final = 20  # in a transaction
_PATIENCE_S: Final = 60.0
_TRIES: Final = 20
_PAUSE_S: Final = 0.2
_QUARTER: Final = timedelta(minutes=15)
_ACTION: Final = "demo-past.loaded"
_TOLD: Final = text("SELECT 1 FROM review.audit_log WHERE org_id = :org AND action = :action")
_RETENTION: Final = timedelta(days=31)
_RULE_REVISION: Final = text(
    """
    SELECT id, document ->> 'name' AS name, revision FROM review.config_current
     WHERE org_id = :org AND kind = 'rule' AND document ->> 'name' = ANY(CAST(:names AS text[]))
    """
)
_PEOPLE: Final = text("SELECT user_id, email FROM review.users WHERE org_id = :org")
# Of this organisation alone, where nobody has looked: what is known of others is not ours to say.
# A queue without a job has a nought: it was looked at.
LOOKED: Final = text(
    """
    INSERT INTO review.open_jobs (org_id, time, queue_id, grave, units)
    SELECT :org, looked.time, queue.id, false,
           (SELECT count(*)
              FROM unnest(CAST(:queues AS text[]), CAST(:came AS timestamptz[]),
                          CAST(:decided AS timestamptz[])) AS was (queue_id, came, decided)
             WHERE was.queue_id = queue.id AND was.came <= looked.time
               AND was.decided > looked.time)
      FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz),
                           interval '15 minutes') AS looked (time)
     CROSS JOIN (SELECT DISTINCT unnest(CAST(:queues AS text[])) AS id) AS queue
     WHERE NOT EXISTS (SELECT 1 FROM review.open_job_times t WHERE t.time = looked.time)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """How much there was."""

    decisions: int
    actions: int
    items: int


class PastLoader:
    """Of the organisation of `state`, whose month ends at `end`; media lie at `media_url`."""

    def __init__(
        self, engine: AsyncEngine, state: DemoState, *, end: datetime, media_url: str
    ) -> None:
        self._engine = engine
        self._state = state
        self._end = end
        self._media_url = media_url
        self._partitions = Partitions(engine)
        self._projection = Projection(
            engine, self._partitions, clock=lambda: datetime.now(UTC), retention=_RETENTION
        )

    async def load(self, month: Month) -> Loaded:
        """All of it. Raises `Retryable` where the database is away; then it can be done again."""
        async with transaction(self._engine) as connection:
            catalogue = await load_catalogue(connection, self._state.org_id, [Kind.ITEM_TYPE])
            people = await self._people(connection)
            rules = await self._rules(connection, {one.rule for one in month.catches})
        types = {one.name: one for one in catalogue.all(Kind.ITEM_TYPE, ItemType).values()}
        items = PastItems(
            org_id=self._state.org_id,
            types=types,
            revision=catalogue.revision,
            media_url=self._media_url,
        )
        writer = ReviewWriter(self._state, items, people=people, revision=catalogue.revision)
        kept = await self._keep_items(month, items, writer, types)
        requested: list[ActionRequested] = []
        for reviews in _batches(month.reviews, _REVIEWS):
            async with transaction(self._engine, within=_PATIENCE_S) as connection:
                for past in reviews:
                    requested += await writer.write(connection, past)
        ruled = [
            events_of(
                one, items.submitted(one.item), rule=rules[one.rule], documents=self._state.ids
            )
            for one in month.catches
        ]
        requested += [request for _, request in ruled]
        for evaluations in _batches([evaluated for evaluated, _ in ruled]):
            await _patiently(self._projection.evaluated, evaluations)
        for actions in _batches(sorted(requested, key=lambda one: one.time)):
            await _patiently(self._projection.requested, actions)
            await _patiently(self._projection.delivered, [delivered(one) for one in actions])
        loaded = Loaded(decisions=len(month.reviews), actions=len(requested), items=kept)
        await self._finish(month.reviews, loaded)
        return loaded

    async def _people(self, connection: AsyncConnection) -> dict[str, Reviewer]:
        """By role; colleagues by the name before the @. An older state, which has none, has its
        moderator in their place."""
        rows = await connection.execute(_PEOPLE, {"org": self._state.org_id})
        ids = {row.email: row.user_id for row in rows}
        found = {
            user.role: Reviewer(user_id=ids[user.email], email=user.email)
            for user in self._state.users
        }
        for name in COLLEAGUES:
            found[name] = found[COLLEAGUES[name][1]]
        for user in self._state.colleagues:
            name = user.email.partition("@")[0]
            found[name] = Reviewer(user_id=ids[user.email], email=user.email)
        return found

    async def _rules(self, connection: AsyncConnection, names: set[str]) -> dict[str, RuleRef]:
        asked = {"org": self._state.org_id, "names": sorted(names)}
        rows = await connection.execute(_RULE_REVISION, asked)
        return {row.name: RuleRef(row.id, row.name, row.revision) for row in rows}

    async def _keep_items(
        self,
        month: Month,
        items: PastItems,
        writer: ReviewWriter,
        types: Mapping[str, ItemType],
    ) -> int:
        shapes = {one.id: Indexing(ItemShape.of(one), searched=True) for one in types.values()}
        published = [one.item for one in month.reviews]
        published += [one.item for one in month.catches]
        told: list[ItemSubmitted | ReportSubmitted] = [
            *(items.profile(one, self._end) for one in month.people),
            *map(items.submitted, published),
            *(report for one in month.reviews for report in writer.reports(one)),
        ]
        versions = [
            version
            for event in told
            for version in versions_of(event, lambda _, item: shapes[item.type_id])
        ]
        marks = [
            Mark(self._state.org_id, item.id, item.type_id, reason)
            for item, reason in _marked(month, items)
        ]
        store = ItemStore(self._engine, self._partitions)
        for batch in _batches(versions):
            await store.add(batch)
        await store.add([], marks)
        return len(versions)

    async def _finish(self, reviews: Sequence[PastReview], loaded: Loaded) -> None:
        """How many jobs were open when, and that all of this was made up."""
        until = self._end - (self._end - datetime.min.replace(tzinfo=UTC)) % _QUARTER
        async with transaction(self._engine) as connection:
            await connection.execute(
                LOOKED,
                {
                    "org": self._state.org_id,
                    "since": until - timedelta(days=DAYS),
                    "until": until - _QUARTER,
                    "queues": [self._state.ids["queues"][one.queue] for one in reviews],
                    "came": [one.reports[0].at for one in reviews],
                    "decided": [one.decided for one in reviews],
                },
            )
            if await connection.scalar(_TOLD, {"org": self._state.org_id, "action": _ACTION}):
                return
            await audit.record(
                connection,
                org_id=self._state.org_id,
                actor="demo",
                action=_ACTION,
                time=datetime.now(UTC),
                detail={"decisions": loaded.decisions, "actions": loaded.actions},
            )


def _marked(month: Month, items: PastItems) -> Iterator[tuple[ItemRef, Reason]]:
    for review in month.reviews:
        item = items.submitted(review.item).item
        yield ItemRef(item.id, item.type_id), "REPORTED"
    for catch in month.catches:
        item = items.submitted(catch.item).item
        yield ItemRef(item.id, item.type_id), "ACTIONED"


async def _patiently(
    handle: Callable[[Sequence[Received[E]]], Awaitable[None]], events: Sequence[E]
) -> None:
    """A keeper that drops old partitions may be quicker than the first row of one."""
    for _ in range(_TRIES):
        try:
            return await handle([_received(one) for one in events])
        except Retryable:
            await asyncio.sleep(_PAUSE_S)
    return await handle([_received(one) for one in events])


def _received(event: E) -> Received[E]:
    return Received(
        event=event,
        key=None,
        topic="",
        partition=0,
        offset=0,
        headers={},
        timestamp_ms=-1,
    )


def _batches(found: Sequence[T], size: int = _BATCH) -> Iterator[Sequence[T]]:
    for first in range(0, len(found), size):
        yield found[first : first + size]
