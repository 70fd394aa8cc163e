"""Placing: an entry becomes a job, or joins the job that is pending for its item and queue.

    entry known ──────────────────────────────▶ repeated   nothing changes
    entry new, slot's job pending ────────────▶ merged     entry and items added, revision + 1
    entry new, none pending ──────────────────▶ created    under the slot's generation

Guarantees: an entry id is placed once for ever; two entries of one item and queue are one pending
job, whoever places them at the same time; a merge only adds, so no field is lost; all of a batch or
nothing of it, with the caller's transaction.
Must not: commit, or talk to Redis: the caller does, with the answer's `changes`, after the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import SubmittedItem
from coop_queues import slot as slots
from coop_queues.job import Entry, OrderChange, Placed, Placement
from coop_queues.slot import Slot

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_encoder = msgspec.json.Encoder()


def rank_of(at: datetime) -> int:
    """A job's turn, lowest first: microseconds since 1970. A double (Redis) holds it exactly."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


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


async def place(connection: AsyncConnection, placement: Placement) -> Placed:
    """Places one entry; see `place_many`."""
    return (await place_many(connection, [placement]))[0]


async def place_many(connection: AsyncConnection, placements: Sequence[Placement]) -> list[Placed]:
    """Places a batch in the caller's transaction; answers in the batch's order.

    Any mix of organisations, queues and items; an entry that is twice in the batch is placed once.
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
        done = await _place_fresh(connection, fresh)
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
    rows = await connection.execute(
        _KNOWN,
        {
            "orgs": [p.org_id for p in placements],
            "entries": [p.entry.entry_id for p in placements],
        },
    )
    found = {}
    for org_id, entry_id, job_id, queue_id, rank, state in rows:
        changes: tuple[OrderChange, ...] = ()
        if state == "PENDING":
            changes = (_add(org_id, queue_id, job_id, rank),)
        found[org_id, entry_id] = Placed(job_id=job_id, repeated=True, changes=changes)
    return found


def _add(org_id: str, queue_id: str, job_id: str, rank: int) -> OrderChange:
    return OrderChange(op="ADD", org_id=org_id, queue_id=queue_id, job_id=job_id, rank=rank)


async def _place_fresh(
    connection: AsyncConnection, fresh: dict[tuple[str, str], tuple[Placement, Slot]]
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
    filled = [group for group in groups.values() if group.placements]
    if not filled:
        return {}
    ranks = await _upsert_jobs(connection, filled)
    await _insert_items(connection, filled)
    return _answers(filled, ranks)


def _answers(
    groups: Sequence[_Group], ranks: dict[str, tuple[int, int]]
) -> dict[tuple[str, str], Placed]:
    answers = {}
    for group in groups:
        rank, revision = ranks[group.job_id]
        change = _add(group.slot.org_id, group.slot.queue_id, group.job_id, rank)
        for number, placement in enumerate(group.placements):
            created = number == 0 and revision == 1
            answers[placement.org_id, placement.entry.entry_id] = Placed(
                job_id=group.job_id, created=created, merged=not created, changes=(change,)
            )
    return answers


_ENTRIES = text(
    """
    INSERT INTO queues.entries (org_id, entry_id, job_id, reporter_key, body)
    SELECT p.* FROM unnest(
        CAST(:org_id AS text[]), CAST(:entry_id AS text[]), CAST(:job_id AS uuid[]),
        CAST(:reporter_key AS uuid[]), CAST(:body AS bytea[])) AS p (org_id, entry_id)
     ORDER BY 1, 2
    ON CONFLICT (org_id, entry_id) DO NOTHING
    RETURNING org_id, entry_id
    """
)


async def _insert_entries(
    connection: AsyncConnection, groups: Sequence[_Group]
) -> set[tuple[str, str]]:
    rows = [
        {
            "org_id": p.org_id,
            "entry_id": p.entry.entry_id,
            "job_id": group.job_id,
            "reporter_key": _reporter(p.entry),
            "body": _encoder.encode(p.entry),
        }
        for group in groups
        for p in group.placements
    ]
    return {(row[0], row[1]) for row in await _columns(connection, _ENTRIES, rows)}


def _reporter(entry: Entry) -> str | None:
    if entry.report is None or entry.report.reporter is None:
        return None
    return slots.reporter_key(entry.report.reporter.type_id, entry.report.reporter.id)


_JOBS = text(
    """
    INSERT INTO queues.jobs AS j (job_id, org_id, queue_id, kind, item_key, item_type_id, item_id,
                                  generation, source, csam, entry_count, report_count, rank,
                                  created_at, policy_ids)
    SELECT p.job_id, p.org_id, p.queue_id, p.kind, p.item_key, p.item_type_id, p.item_id,
           p.generation, p.source, p.csam, p.entry_count, p.report_count, p.rank, p.created_at,
           ARRAY(SELECT jsonb_array_elements_text(CAST(p.policy_ids AS jsonb)))
      FROM unnest(
        CAST(:job_id AS uuid[]), CAST(:org_id AS text[]), CAST(:queue_id AS text[]),
        CAST(:kind AS text[]), CAST(:item_key AS uuid[]), CAST(:item_type_id AS text[]),
        CAST(:item_id AS text[]), CAST(:generation AS int[]), CAST(:source AS text[]),
        CAST(:csam AS bool[]), CAST(:entry_count AS int[]), CAST(:report_count AS int[]),
        CAST(:rank AS bigint[]), CAST(:created_at AS timestamptz[]), CAST(:policy_ids AS text[]))
        AS p (job_id, org_id, queue_id, kind, item_key, item_type_id, item_id, generation, source,
              csam, entry_count, report_count, rank, created_at, policy_ids)
     ORDER BY p.job_id
    ON CONFLICT (job_id) DO UPDATE
       SET revision = j.revision + 1,
           entry_count = j.entry_count + excluded.entry_count,
           report_count = j.report_count + excluded.report_count,
           csam = j.csam OR excluded.csam,
           policy_ids = ARRAY(
               SELECT DISTINCT unnest(j.policy_ids || excluded.policy_ids) ORDER BY 1)
     WHERE j.state = 'PENDING'
    RETURNING CAST(j.job_id AS text), j.rank, j.revision
    """
)


async def _upsert_jobs(
    connection: AsyncConnection, groups: Sequence[_Group]
) -> dict[str, tuple[int, int]]:
    """Rank and revision by job id; revision 1 is a job that was created now."""
    rows = await _columns(connection, _JOBS, [_job_row(group) for group in groups])
    if len(rows) != len(groups):
        raise RuntimeError("a slot's generation is that of a closed job: the rows contradict")
    return {job_id: (rank, revision) for job_id, rank, revision in rows}


def _job_row(group: _Group) -> dict[str, Any]:
    first = min(group.placements, key=lambda p: p.entry.at)
    entries = [p.entry for p in group.placements]
    policies = {policy for entry in entries for policy in entry.policy_ids}
    return {
        "job_id": group.job_id,
        **group.slot._asdict(),
        "item_type_id": first.item.type_id,
        "item_id": first.item.id,
        "generation": group.generation,
        "source": first.entry.source,
        "csam": any(entry.csam for entry in entries),
        "entry_count": len(entries),
        "report_count": sum(entry.report is not None for entry in entries),
        "rank": rank_of(first.entry.at),
        "created_at": first.entry.at,
        # U+0000 would be refused; the entry itself keeps the id as it came.
        "policy_ids": _encoder.encode(
            sorted(policy.replace("\x00", "\ufffd") for policy in policies)
        ).decode(),
    }


_ITEMS = text(
    """
    INSERT INTO queues.job_items (job_id, digest, role, body)
    SELECT p.job_id, p.digest, p.role, p.body
      FROM unnest(CAST(:job_id AS uuid[]), CAST(:digest AS bytea[]), CAST(:role AS text[]),
                  CAST(:body AS bytea[])) WITH ORDINALITY AS p (job_id, digest, role, body, number)
     ORDER BY p.number
    ON CONFLICT (job_id, digest) DO UPDATE SET position = excluded.position, body = excluded.body
    RETURNING 1
    """
)


async def _insert_items(connection: AsyncConnection, groups: Sequence[_Group]) -> None:
    # A row may be hit once in a statement, so later copies replace earlier ones here already.
    rows: dict[tuple[str, bytes], dict[str, Any]] = {}
    for group in groups:
        for placement in group.placements:
            for role, item in _items(placement):
                key = (group.job_id, digest_of(role, item))
                rows.pop(key, None)
                rows[key] = {
                    "job_id": group.job_id,
                    "digest": key[1],
                    "role": role,
                    "body": _encoder.encode(item),
                }
    await _columns(connection, _ITEMS, list(rows.values()))


def _items(placement: Placement) -> list[tuple[str, SubmittedItem]]:
    return [
        *(("THREAD", item) for item in placement.thread_items),
        *(("ADDITIONAL", item) for item in placement.additional_items),
        ("ITEM", placement.item),
    ]


async def _columns(
    connection: AsyncConnection, statement: TextClause, rows: Sequence[dict[str, Any]]
) -> Sequence[Any]:
    """Sends rows as one array a column: one statement, prepared once, for a batch of any size."""
    names = rows[0].keys()
    parameters = {name: [row[name] for row in rows] for name in names}
    return (await connection.execute(statement, parameters)).all()
