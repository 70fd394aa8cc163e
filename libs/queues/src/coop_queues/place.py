"""Placing: an entry becomes a job, or joins the job that is pending for its item and queue.

    entry known ──────────────────────────────▶ repeated   nothing changes
    entry new, slot's job pending ────────────▶ merged     entry and items added, revision + 1
    entry new, none pending ──────────────────▶ created    under the slot's generation

Guarantees: an entry id is placed once for ever; two entries of one item and queue are one pending
job, whoever places them at the same time; a merge only adds, so no field is lost, and may raise the
job's turn (`ranking.py`); all of a batch or nothing of it, with the caller's transaction; what a
job of child-abuse material holds is grave with it (`child_safety.py`); what comes late of a user
who was erased comes without what it said (`erased.py`).
Must not: commit, or talk to Redis: the caller does, with the answer's `changes`, after the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import SubmittedItem
from coop_queues import erased
from coop_queues import slot as slots
from coop_queues.child_safety import add_grave
from coop_queues.growth import Grown, Growth, added, columns, grow
from coop_queues.job import JobEntry, OrderChange, Placed, Placement
from coop_queues.slot import Slot
from coop_runtime.database.array import typed

_encoder = msgspec.json.Encoder()


def digest_of(role: str, item: SubmittedItem) -> bytes:
    """Equal for equal content: two reports of an unchanged item keep one copy of it."""
    content = msgspec.structs.replace(item, submission_id=None)
    return hashlib.blake2b(_encoder.encode((role, content)), digest_size=16).digest()


@dataclass(slots=True)
class _Group:
    """The new placements of one slot in this batch, and the job they go to."""

    slot: Slot
    job_id: str
    generation: int
    placements: list[Placement] = field(default_factory=list)
    new_reporters: set[str] = field(default_factory=set)


async def place(
    connection: AsyncConnection, placement: Placement, *, now: datetime | None = None
) -> Placed:
    """Places one entry; see `place_many`."""
    return (await place_many(connection, [placement], now=now))[0]


async def place_many(
    connection: AsyncConnection, placements: Sequence[Placement], *, now: datetime | None = None
) -> list[Placed]:
    """Places a batch in the caller's transaction; answers in the batch's order.

    Any mix of organisations, queues and items; an entry that is twice in the batch is placed once.
    `now` (absent: this process's clock) decides what is overdue, nothing else.
    Raises UnstorableId before anything is written.
    """
    if not placements:
        return []
    keyed = [(p, _slot(p)) for p in placements]
    known = await _known(connection, placements)
    fresh: dict[tuple[str, str], tuple[Placement, Slot]] = {}
    for placement, slot in keyed:
        entry = (placement.org_id, placement.entry.entry_id)
        if entry not in known:
            fresh.setdefault(entry, (placement, slot))
    done: dict[tuple[str, str], Placed] = {}
    if fresh:
        fresh = await _without_erased(connection, fresh)
        done = await _place_fresh(connection, fresh, now or datetime.now(UTC))
        lost = [p for key, (p, _) in fresh.items() if key not in done]
        if lost:  # another transaction placed them between the look and the insert
            known |= await _known(connection, lost)
    answers = []
    for placement in placements:
        key = (placement.org_id, placement.entry.entry_id)
        first = done.pop(key, None)
        if first is not None:
            # A second occurrence in this batch is a repeat of the first.
            known[key] = Placed(job_id=first.job_id, repeated=True, changes=first.changes)
        answers.append(first or known[key])
    return answers


async def _without_erased(
    connection: AsyncConnection, fresh: dict[tuple[str, str], tuple[Placement, Slot]]
) -> dict[tuple[str, str], tuple[Placement, Slot]]:
    """What comes late of users who were erased comes without what it said."""
    late = await erased.late(connection, [placement for placement, _ in fresh.values()])
    if not late:
        return fresh
    found = {}
    for key, (placement, _) in fresh.items():
        without = erased.without(placement, late)
        found[key] = (without, _slot(without))
    return found


def _slot(placement: Placement) -> Slot:
    item, entry = placement.item, placement.entry
    slots.storable(entry.entry_id)
    return slots.slot_of(
        placement.org_id, placement.queue_id, placement.kind, item.type_id, item.id
    )


_KNOWN = text(
    """
    SELECT e.org_id, e.entry_id, CAST(e.job_id AS text), j.queue_id, j.rank, j.state
      FROM unnest(CAST(:orgs AS text[]), CAST(:entries AS text[])) AS p (org_id, entry_id)
      JOIN queues.entries e USING (org_id, entry_id)
      LEFT JOIN queues.jobs j ON j.job_id = e.job_id
    """
)


async def _known(
    connection: AsyncConnection, placements: Sequence[Placement]
) -> dict[tuple[str, str], Placed]:
    """The entries among these that were placed before.

    Their answer still tells Redis of a job that is pending: after a crash between commit and Redis
    the event comes again, and this is where its job gets its turn.
    """
    asked = {
        "orgs": [p.org_id for p in placements],
        "entries": [p.entry.entry_id for p in placements],
    }
    rows = await connection.execute(_KNOWN, typed(_KNOWN, asked))
    found = {}
    for org_id, entry_id, job_id, queue_id, rank, state in rows:
        changes: tuple[OrderChange, ...] = ()
        if state == "PENDING":
            changes = (added(org_id, queue_id, job_id, rank),)
        found[org_id, entry_id] = Placed(job_id=job_id, repeated=True, changes=changes)
    return found


async def _place_fresh(
    connection: AsyncConnection,
    fresh: dict[tuple[str, str], tuple[Placement, Slot]],
    now: datetime,
) -> dict[tuple[str, str], Placed]:
    """Places what looked new; leaves out what another transaction placed meanwhile."""
    # The order of locks, here and everywhere: slots, then entries, then jobs.
    generations = await slots.lock(connection, [slot for _, slot in fresh.values()])
    groups: dict[Slot, _Group] = {}
    for placement, slot in fresh.values():
        if slot not in groups:
            item, generation = placement.item, generations[slot]
            job_id = slots.job_id(
                slot, item_type_id=item.type_id, item_id=item.id, generation=generation
            )
            groups[slot] = _Group(slot, job_id, generation)
        groups[slot].placements.append(placement)
    won = await _insert_entries(connection, list(groups.values()))
    for group in groups.values():
        group.placements = [p for p in group.placements if (p.org_id, p.entry.entry_id) in won]
        reporters = (won[p.org_id, p.entry.entry_id] for p in group.placements)
        group.new_reporters = {reporter for reporter in reporters if reporter is not None}
    filled = [group for group in groups.values() if group.placements]
    if not filled:
        return {}
    grown = await grow(connection, [_growth(group) for group in filled], now=now)
    await insert_items(connection, [(g.job_id, p) for g in filled for p in g.placements])
    grave = [job_id for job_id, after in grown.items() if after.csam]
    if grave:
        await add_grave(connection, grave)
    return _answers(filled, grown)


def _answers(groups: Sequence[_Group], grown: dict[str, Grown]) -> dict[tuple[str, str], Placed]:
    answers = {}
    for group in groups:
        rank, revision, _ = grown[group.job_id]
        change = added(group.slot.org_id, group.slot.queue_id, group.job_id, rank)
        for number, placement in enumerate(group.placements):
            created = number == 0 and revision == 1
            answers[placement.org_id, placement.entry.entry_id] = Placed(
                job_id=group.job_id, created=created, merged=not created, changes=(change,)
            )
    return answers


# The look for a reporter's other entries does not see those of this statement; and the slots are
# locked, so that nobody else adds to these jobs.
_ENTRIES = text(
    """
    WITH fresh AS (
        INSERT INTO queues.entries (org_id, entry_id, job_id, reporter_key, appellant_key, body)
        SELECT p.* FROM unnest(
            CAST(:org_id AS text[]), CAST(:entry_id AS text[]), CAST(:job_id AS uuid[]),
            CAST(:reporter_key AS uuid[]), CAST(:appellant_key AS uuid[]),
            CAST(:body AS bytea[])) AS p (org_id, entry_id)
         ORDER BY 1, 2
        ON CONFLICT (org_id, entry_id) DO NOTHING
        RETURNING org_id, entry_id, job_id, reporter_key)
    SELECT f.org_id, f.entry_id, CASE WHEN NOT EXISTS (
               SELECT 1 FROM queues.entries e
                WHERE e.org_id = f.org_id AND e.reporter_key = f.reporter_key
                  AND e.invalidated_at IS NULL
                  AND (e.job_id = f.job_id OR e.job_id = ANY(ARRAY(
                      SELECT unnest(j.moved_from) FROM queues.jobs j WHERE j.job_id = f.job_id))))
           THEN CAST(f.reporter_key AS text) END
      FROM fresh f
    """
)


async def _insert_entries(
    connection: AsyncConnection, groups: Sequence[_Group]
) -> dict[tuple[str, str], str | None]:
    """What was inserted, and the reporter where the job did not have them before."""
    rows = [
        {
            "org_id": p.org_id,
            "entry_id": p.entry.entry_id,
            "job_id": group.job_id,
            "reporter_key": reporter_of(p.entry),
            "appellant_key": appellant_of(p.entry),
            "body": _encoder.encode(p.entry),
        }
        for group in groups
        for p in group.placements
    ]
    found = await columns(connection, _ENTRIES, rows)
    return {(org_id, entry_id): reporter for org_id, entry_id, reporter in found}


def reporter_of(entry: JobEntry) -> str | None:
    """The key of who reported."""
    if entry.report is None or entry.report.reporter is None:
        return None
    return slots.reporter_key(entry.report.reporter.type_id, entry.report.reporter.id)


def appellant_of(entry: JobEntry) -> str | None:
    """The key of who appeals."""
    if entry.appeal is None:
        return None
    return slots.item_key(entry.appeal.appealed_by.type_id, entry.appeal.appealed_by.id)


def _growth(group: _Group) -> Growth:
    # The newest configuration that spoke of this batch; all are of one queue.
    ranking = max((p.ranking for p in group.placements), key=lambda ranking: ranking.revision)
    first = min(group.placements, key=lambda p: p.entry.at)
    entries = [p.entry for p in group.placements]
    return Growth(
        slot=group.slot,
        job_id=group.job_id,
        generation=group.generation,
        ranking=ranking,
        item_type_id=first.item.type_id,
        item_id=first.item.id,
        source=first.entry.source,
        first_cause=first.entry.at,
        entries=len(entries),
        reports=sum(entry.report is not None for entry in entries),
        new_reporters=len(group.new_reporters),
        policy_ids=sorted({policy for entry in entries for policy in entry.policy_ids}),
        csam=any(entry.csam for entry in entries),
        subject=_subject(group),
    )


def _subject(group: _Group) -> str | None:
    """The key of the user whom the job is about: the newest known creator."""
    for placement in reversed(group.placements):
        creator = placement.item.creator
        if creator is not None:
            return slots.item_key(creator.type_id, creator.id)
    return None


_ITEMS = text(
    """
    INSERT INTO queues.job_items (job_id, digest, role, body, author_key, placed_at)
    SELECT p.job_id, p.digest, p.role, p.body, p.author_key, clock_timestamp()
      FROM unnest(CAST(:job_id AS uuid[]), CAST(:digest AS bytea[]), CAST(:role AS text[]),
                  CAST(:body AS bytea[]), CAST(:author_key AS uuid[]))
           WITH ORDINALITY AS p (job_id, digest, role, body, author_key, number)
     ORDER BY p.number
    ON CONFLICT (job_id, digest) DO UPDATE
       SET position = excluded.position, body = excluded.body, author_key = excluded.author_key,
           placed_at = excluded.placed_at
    RETURNING 1
    """
)


async def insert_items(
    connection: AsyncConnection, placements: Sequence[tuple[str, Placement]]
) -> None:
    """What came with the placements, each with the id of its job; one at least."""
    # A row may be hit once in a statement, so later copies replace earlier ones here already.
    rows: dict[tuple[str, bytes], dict[str, Any]] = {}
    for job_id, placement in placements:
        for role, item in _items(placement):
            key = (job_id, digest_of(role, item))
            rows.pop(key, None)
            rows[key] = {
                "job_id": job_id,
                "digest": key[1],
                "role": role,
                "body": _encoder.encode(item),
                "author_key": erased.author_key(item),
            }
    await columns(connection, _ITEMS, list(rows.values()))


def _items(placement: Placement) -> list[tuple[str, SubmittedItem]]:
    return [
        *(("THREAD", item) for item in placement.thread_items),
        *(("ADDITIONAL", item) for item in placement.additional_items),
        ("ITEM", placement.item),
    ]
