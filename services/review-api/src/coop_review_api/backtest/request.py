"""Asking for a backtest, and taking it back.

Guarantees: the row and the event that starts the work are one transaction; an unsaved rule passes
the very checks of saving it, with the same faults; an organisation has at most `MAX_OPEN`
backtests under way, and `KEPT` rows of finished ones.
Must not: evaluate anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import Text, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import DOCUMENT_TYPES, Kind, LocationBank, Rule, TextBank
from coop_contracts.event import BacktestRequested, PastDocument
from coop_contracts.ids import new_id
from coop_review_api.backtest import label_store
from coop_review_api.backtest.draft import BacktestDraft
from coop_review_api.backtest.label import Label, labels_of
from coop_review_api.backtest.table import backtests
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.past import chunks_of
from coop_review_api.configuration.reference import references_of
from coop_review_api.configuration.relation import LOG
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import message_of

OPEN = ("REQUESTED", "RUNNING")
_MAX_RULE_BYTES = 500_000
_MAX_STATES = 1_000  # of one bank
_SKEW = timedelta(minutes=1)
_PAST_KINDS = (Kind.TEXT_BANK, Kind.LOCATION_BANK)


@dataclass(frozen=True, kw_only=True)
class BacktestLimits:
    """How many of an organisation are under way at once, and how many finished ones are kept; bytes
    of earlier states of banks in one request: where they are more, conditions on them are undecided
    and the result says so."""

    under_way: int = 20
    kept: int = 500
    past_bytes: int = 400_000


async def start(
    configuration: LockedConfiguration,
    draft: BacktestDraft,
    *,
    author: str,
    limits: BacktestLimits,
) -> str:
    """Record the backtest and have it started; its id. Raises `Conflict`, `Invalid`."""
    connection, org_id, now = configuration.connection, configuration.org_id, configuration.now
    await _make_room(connection, org_id, limits)
    encoded = msgspec.json.encode(draft.rule)
    if len(encoded) > _MAX_RULE_BYTES:
        raise Invalid([Fault("/rule", f"{len(encoded)} bytes are more than {_MAX_RULE_BYTES}")])
    backtest_id = draft.backtest_id
    row = _row_of(draft, org_id, encoded.decode(), author=author, now=now)
    await connection.execute(insert(backtests).values(row))
    past: tuple[PastDocument, ...] = ()
    if draft.values == "RECORDED":
        past = await past_of(
            connection, org_id, draft.rule, draft.start, most_bytes=limits.past_bytes
        )
    labels: list[Label] = []
    if draft.retroaction_id is None:
        labels = await labels_of(
            connection, org_id, type_ids=draft.rule.item_type_ids, since=draft.start, now=now
        )
        await label_store.keep(connection, backtest_id, labels)
    event = BacktestRequested(
        event_id=new_id(),
        org_id=org_id,
        time=now,
        correlation_id=backtest_id,
        backtest_id=backtest_id,
        rule=Raw(encoded),
        start=draft.start,
        end=draft.end,
        values=draft.values,
        acts=draft.acts,
        rate=draft.rate,
        actor_id=author,
        past=past,
        config_revision=configuration.head,
        labelled=tuple(label.item for label in labels),
    )
    await append(connection, outbox, [message_of(event, key=f"{org_id}/{backtest_id}")])
    await audit.record(
        connection,
        org_id=org_id,
        actor=author,
        action="backtest.requested",
        target=("backtest", backtest_id),
        detail={"rule": draft.rule.id, "acts": draft.acts},
        time=now,
    )
    return backtest_id


def _row_of(
    draft: BacktestDraft, org_id: str, rule: str, *, author: str, now: datetime
) -> dict[str, Any]:
    return {
        "backtest_id": draft.backtest_id,
        "org_id": org_id,
        "retroaction_id": draft.retroaction_id,
        "rule_id": draft.rule.id,
        "rule_revision": draft.revision,
        "rule": rule,
        "start_time": draft.start,
        "end_time": draft.end,
        "values_of": draft.values,
        "acts": draft.acts,
        "rate": draft.rate,
        "state": "REQUESTED",
        "created_by": author,
        "created_at": now,
        "updated_at": now,
    }


async def cancel(
    connection: AsyncConnection, org_id: str, backtest_id: str, *, author: str, now: datetime
) -> None:
    """Ask for its end, if it has none yet; asking again is no more than once."""
    row = (
        await connection.execute(
            select(backtests)
            .where(backtests.c.org_id == org_id, backtests.c.backtest_id == backtest_id)
            .with_for_update()
        )
    ).one()
    if row.state not in OPEN or row.cancel_requested_at is not None:
        return
    await connection.execute(
        update(backtests)
        .where(backtests.c.backtest_id == backtest_id)
        .values(cancel_requested_at=now, updated_at=now)
    )
    event = BacktestRequested(
        event_id=new_id(),
        org_id=org_id,
        time=now,
        correlation_id=backtest_id,
        backtest_id=backtest_id,
        rule=Raw(row.rule.encode()),
        start=row.start_time,
        end=row.end_time,
        values=row.values_of,
        acts=row.acts,
        rate=row.rate,
        cancelled=True,
        actor_id=author,
    )
    await append(connection, outbox, [message_of(event, key=f"{org_id}/{backtest_id}")])
    await audit.record(
        connection,
        org_id=org_id,
        actor=author,
        action="backtest.cancelled",
        target=("backtest", backtest_id),
        time=now,
    )


async def _make_room(connection: AsyncConnection, org_id: str, limits: BacktestLimits) -> None:
    """Under the organisation's lock: refuse too many at once, forget the oldest finished ones."""
    of_org = backtests.c.org_id == org_id
    under_way = await connection.scalar(
        select(func.count()).where(of_org, backtests.c.state.in_(OPEN))
    )
    if (under_way or 0) >= limits.under_way:
        raise Conflict(f"{under_way} backtests are under way: wait for one, or cancel one")
    old = (
        select(backtests.c.backtest_id)
        .where(of_org, backtests.c.state.not_in(OPEN), backtests.c.retroaction_id.is_(None))
        .order_by(backtests.c.backtest_id.desc())
        .offset(limits.kept)
    )
    await connection.execute(delete(backtests).where(backtests.c.backtest_id.in_(old)))


async def past_of(
    connection: AsyncConnection, org_id: str, rule: Rule, start: datetime, *, most_bytes: int
) -> tuple[PastDocument, ...]:
    """The states that the rule's banks had since `start` and have no longer, with their chunks;
    of each bank as many, from the newest on, as fit."""
    wanted = {(ref.kind, ref.id) for ref in references_of(rule) if ref.kind in _PAST_KINDS}
    found: list[PastDocument] = []
    room = most_bytes
    for kind, bank_id in sorted(wanted):
        for revision, text in await _states(connection, org_id, kind, bank_id, start - _SKEW):
            state = PastDocument(
                kind=kind, id=bank_id, revision=revision, document=Raw((text or "null").encode())
            )
            entries = [state, *await _chunks(connection, org_id, state)]
            room -= sum(len(bytes(entry.document)) + len(entry.id) + 100 for entry in entries)
            if room < 0:
                # Whoever lacks this state must not take an older one for it.
                break
            found += entries
    return tuple(found)


async def _states(
    connection: AsyncConnection, org_id: str, kind: Kind, bank_id: str, since: datetime
) -> list[tuple[int, str | None]]:
    """Newest first, without the present one."""
    until = func.lead(LOG.of.c.time).over(order_by=LOG.of.c.revision).label("until")
    states = (
        select(LOG.of.c.revision, cast(LOG.of.c.document, Text).label("document"), until)
        .where(LOG.of.c.org_id == org_id, LOG.of.c.kind == kind, LOG.of.c.id == bank_id)
        .subquery()
    )
    rows = await connection.execute(
        select(states.c.revision, states.c.document)
        .where(states.c.until >= since)
        .order_by(states.c.revision.desc())
        .limit(_MAX_STATES)
    )
    return [(row.revision, row.document) for row in rows]


async def _chunks(
    connection: AsyncConnection, org_id: str, state: PastDocument
) -> list[PastDocument]:
    bank = msgspec.json.decode(state.document, type=DOCUMENT_TYPES[Kind(state.kind)] | None)
    if not isinstance(bank, TextBank | LocationBank):
        return []
    chunks = await chunks_of(connection, org_id, [bank])
    return [
        PastDocument(
            kind=Kind.BANK_CHUNK,
            id=chunk.id,
            revision=state.revision,
            document=Raw(msgspec.json.encode(chunk)),
        )
        for chunk in chunks.values()
    ]
