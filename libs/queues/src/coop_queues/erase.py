"""The erasure of an end user from the queue store.

    made_by     what the user made, as far as jobs know: the caller goes through it, batch by batch
    entomb      from now on what comes late comes emptied (`erased`)
    close_about pending jobs about these items are closed: nothing is left to be judged
    empty_about jobs about these items: items, reasons and notes are gone; the user's name with them
    empty_by    what the user said in other people's jobs; their reports and appeals

Guarantees: jobs of child-abuse material, and items that are grave, stay as they are; a job stays as
the bare fact it is: what became of it, when, by whom. Twice is once; everything is in batches, each
in the caller's transaction, after which the caller tells Redis of `changes`.
Must not: commit, or be undone.

Keys of items are made of their ids. A user's key goes where their id goes, but for `generations`:
a later job of theirs must not have an earlier one's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.erasure import ErasedUser, emptied
from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues import slot as slots
from coop_queues.child_safety import GRAVE
from coop_queues.close import close_free_job, slot_of_job
from coop_queues.erased import author_key, entry_without
from coop_queues.job import JobEntry, OrderChange
from coop_queues.lookup import SUMMARY_SQL, summary_of
from coop_queues.slot import item_key, reporter_key

ERASED: Final = "ERASED"
"""The `close_reason` of a job whose item's maker was erased."""

BATCH: Final = 200

_item = msgspec.json.Decoder(SubmittedItem)
_entry = msgspec.json.Decoder(JobEntry)
_encoder = msgspec.json.Encoder()

# Rows of before items had the key of who made them.
_UNKEYED = text(
    """
    SELECT job_id, digest, body FROM queues.job_items WHERE author_key IS NULL
     LIMIT :batch FOR UPDATE SKIP LOCKED
    """
)
_KEY = text(
    """
    UPDATE queues.job_items i SET author_key = k.author_key
      FROM unnest(CAST(:jobs AS uuid[]), CAST(:digests AS bytea[]), CAST(:keys AS uuid[]))
           AS k (job_id, digest, author_key)
     WHERE i.job_id = k.job_id AND i.digest = k.digest
    """
)
_ENTOMB = text(
    """
    INSERT INTO queues.erased_users AS e (org_id, user_key, stand_in, until)
    VALUES (:org, :user, :stand_in, :until)
    ON CONFLICT (org_id, user_key) DO UPDATE
       SET stand_in = excluded.stand_in, until = greatest(e.until, excluded.until)
    """
)
_ABOUT_THEM = text(
    """
    SELECT DISTINCT item_type_id, item_id FROM queues.jobs
     WHERE org_id = :org AND (subject_key = :user OR item_key = :user)
       AND (item_type_id, item_id) > (:after_type, :after_id)
     ORDER BY item_type_id, item_id LIMIT :batch
    """
)
_PENDING = text(
    f"""
    SELECT {SUMMARY_SQL} FROM queues.jobs j
     WHERE j.org_id = :org AND j.item_key = ANY(CAST(:keys AS uuid[])) AND j.state = 'PENDING'
       AND j.created_at <= :until AND NOT {GRAVE}
    """  # noqa: S608 - constants only; values are bound
)
_END_LEASES = text(
    """
    UPDATE queues.jobs
       SET lease_expires_at = CASE WHEN lease_expires_at > clock_timestamp()
                                   THEN clock_timestamp() ELSE lease_expires_at END,
           kept_until = CASE WHEN kept_until > clock_timestamp()
                             THEN clock_timestamp() ELSE kept_until END
     WHERE org_id = :org AND job_id = ANY(CAST(:jobs AS uuid[])) AND state = 'PENDING'
    """
)
_JOBS_ABOUT = text(
    f"""
    SELECT CAST(j.job_id AS text) AS job_id FROM queues.jobs j
     WHERE j.org_id = :org AND j.item_key = ANY(CAST(:keys AS uuid[])) AND j.created_at <= :until
       AND j.job_id > CAST(:after AS uuid) AND NOT {GRAVE}
     ORDER BY j.job_id LIMIT :batch
    """  # noqa: S608
)
_RENAME = text(
    """
    UPDATE queues.jobs
       SET subject_key = CASE WHEN subject_key = :user THEN CAST(:stand_in_key AS uuid)
                              ELSE subject_key END,
           item_id = CASE WHEN item_key = :user THEN :stand_in ELSE item_id END,
           item_key = CASE WHEN item_key = :user THEN CAST(:stand_in_key AS uuid) ELSE item_key END
     WHERE org_id = :org AND job_id = ANY(CAST(:jobs AS uuid[])) AND state = 'CLOSED'
    """
)
_FORGET_WHY = text(
    """
    UPDATE queues.keepings SET reason = NULL
     WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND reason IS NOT NULL
    """
)
_ITEMS_OF_JOBS = text(
    """
    SELECT job_id, digest, body FROM queues.job_items
     WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND author_key = ANY(CAST(:authors AS uuid[]))
    """
)
_ENTRIES_OF_JOBS = text(
    """
    SELECT org_id, entry_id, body FROM queues.entries WHERE job_id = ANY(CAST(:jobs AS uuid[]))
    """
)
# Others' jobs, and items that are not grave in themselves are told apart by who reads them.
_ITEMS_BY = text(
    f"""
    SELECT i.job_id, i.digest, i.body FROM queues.job_items i JOIN queues.jobs j USING (job_id)
     WHERE i.author_key = :user AND j.org_id = :org
       AND (i.placed_at IS NULL OR i.placed_at <= :until)
       AND (i.job_id, i.digest) > (CAST(:after_job AS uuid), :after_digest) AND NOT {GRAVE}
     ORDER BY i.job_id, i.digest LIMIT :batch
    """  # noqa: S608
)
_SAVE_ITEMS = text(
    """
    UPDATE queues.job_items i SET body = s.body, author_key = :stand_in_key
      FROM unnest(CAST(:jobs AS uuid[]), CAST(:digests AS bytea[]), CAST(:bodies AS bytea[]))
           AS s (job_id, digest, body)
     WHERE i.job_id = s.job_id AND i.digest = s.digest
    """
)
_ENTRIES_BY = text(
    f"""
    SELECT e.org_id, e.entry_id, e.body FROM queues.entries e JOIN queues.jobs j USING (job_id)
     WHERE e.org_id = :org AND (e.reporter_key = :reporter OR e.appellant_key = :user)
       AND e.placed_at <= :until AND e.entry_id > :after AND NOT {GRAVE}
     ORDER BY e.entry_id LIMIT :batch
    """  # noqa: S608
)
_SAVE_ENTRIES = text(
    """
    UPDATE queues.entries e
       SET body = s.body,
           reporter_key = CASE WHEN e.reporter_key = :reporter THEN CAST(:stand_in AS uuid)
                               ELSE e.reporter_key END,
           appellant_key = CASE WHEN e.appellant_key = :user THEN CAST(:stand_in_key AS uuid)
                                ELSE e.appellant_key END
      FROM unnest(CAST(:ids AS text[]), CAST(:bodies AS bytea[])) AS s (entry_id, body)
     WHERE e.org_id = :org AND e.entry_id = s.entry_id
    """
)
_GRAVE_AMONG = text(
    """
    SELECT CAST(item_key AS text) FROM queues.grave_items
     WHERE org_id = :org AND item_key = ANY(CAST(:keys AS uuid[]))
    """
)

_NO_JOB = "00000000-0000-0000-0000-000000000000"


async def key_authors(connection: AsyncConnection) -> bool:
    """Keys some items of before; True when there may be more."""
    rows = (await connection.execute(_UNKEYED, {"batch": BATCH})).all()
    if rows:
        await connection.execute(
            _KEY,
            {
                "jobs": [str(row.job_id) for row in rows],
                "digests": [row.digest for row in rows],
                "keys": [author_key(_item.decode(row.body)) for row in rows],
            },
        )
    return len(rows) == BATCH


async def entomb(connection: AsyncConnection, org_id: str, erased: ErasedUser) -> None:
    """From the end of the transaction on, what comes late of the user comes emptied."""
    await connection.execute(
        _ENTOMB,
        {
            "org": org_id,
            "user": item_key(erased.user.type_id, erased.user.id),
            "stand_in": erased.stand_in.id,
            "until": erased.until,
        },
    )


async def made_by(
    connection: AsyncConnection, org_id: str, user: ItemRef, after: ItemRef | None
) -> list[ItemRef]:
    """`BATCH` of the items that there are jobs of and that are the user's, or the user, in the
    order of type and id."""
    rows = await connection.execute(
        _ABOUT_THEM,
        {
            "org": org_id,
            "user": item_key(user.type_id, user.id),
            "after_type": "" if after is None else after.type_id,
            "after_id": "" if after is None else after.id,
            "batch": BATCH,
        },
    )
    return [ItemRef(id=row.item_id, type_id=row.item_type_id) for row in rows]


async def grave_among(
    connection: AsyncConnection, org_id: str, items: Iterable[ItemRef]
) -> set[ItemRef]:
    """Those of the items that are about child safety: they stay."""
    keys = {item_key(item.type_id, item.id): item for item in items}
    found = await connection.scalars(_GRAVE_AMONG, {"org": org_id, "keys": list(keys)})
    return {keys[key] for key in found}


async def close_about(
    connection: AsyncConnection, org_id: str, erased: ErasedUser, items: Iterable[ItemRef]
) -> list[OrderChange]:
    """Closes the pending jobs about these items, those that somebody holds or that are kept for
    somebody, too."""
    keys = [item_key(item.type_id, item.id) for item in items]
    asked = {"org": org_id, "keys": keys, "until": erased.until}
    rows = (await connection.execute(_PENDING, asked)).mappings().all()
    found = [summary_of(dict(row)) for row in rows]
    if not found:
        return []
    await slots.lock(connection, [slot_of_job(summary) for summary in found])
    jobs = {"org": org_id, "jobs": [summary.job_id for summary in found]}
    await connection.execute(_END_LEASES, jobs)
    changes: list[OrderChange] = []
    for summary in found:
        closed = await close_free_job(connection, summary, by="system", reason=ERASED)
        if closed is not None:
            changes += closed.changes
    return changes


async def empty_about(
    connection: AsyncConnection,
    org_id: str,
    erased: ErasedUser,
    items: Iterable[ItemRef],
    after: str | None,
) -> tuple[int, str | None]:
    """Empties `BATCH` jobs about these items behind the job `after`; how many, and where to go on
    (None: that was all)."""
    names = _names(erased)
    keys = [item_key(item.type_id, item.id) for item in items]
    rows = (
        await connection.execute(
            _JOBS_ABOUT,
            {
                "org": org_id,
                "keys": keys,
                "until": erased.until,
                "after": after or _NO_JOB,
                "batch": BATCH,
            },
        )
    ).all()
    if not rows:
        return 0, None
    jobs = {"jobs": [row.job_id for row in rows]}
    await connection.execute(_FORGET_WHY, jobs)
    # One that came without its maker is its own.
    theirs = await connection.execute(_ITEMS_OF_JOBS, {**jobs, "authors": [names["user"], *keys]})
    await _empty_items(connection, erased, theirs.all())
    entries = (await connection.execute(_ENTRIES_OF_JOBS, jobs)).all()
    await _save_entries(connection, org_id, erased, entries, _entry_about)
    await connection.execute(
        _RENAME,
        {
            **jobs,
            "org": org_id,
            "user": names["user"],
            "stand_in": erased.stand_in.id,
            "stand_in_key": names["stand_in_key"],
        },
    )
    return len(rows), rows[-1].job_id if len(rows) == BATCH else None


async def empty_by(connection: AsyncConnection, org_id: str, erased: ErasedUser) -> int:
    """Empties a batch of what the user said in any job; how many. 0: there is nothing left."""
    names = _names(erased)
    asked = {"org": org_id, "until": erased.until, "batch": BATCH}
    entries = (
        await connection.execute(
            _ENTRIES_BY,
            {**asked, "user": names["user"], "reporter": names["reporter"], "after": ""},
        )
    ).all()
    await _save_entries(connection, org_id, erased, entries, entry_without)
    start = {"user": names["user"], "after_job": _NO_JOB, "after_digest": b""}
    items = (await connection.execute(_ITEMS_BY, {**asked, **start})).all()
    await _empty_items(connection, erased, items)
    return len(entries) + len(items)


def _names(erased: ErasedUser) -> dict[str, str]:
    user, stand_in = erased.user, erased.stand_in
    return {
        "user": item_key(user.type_id, user.id),
        "stand_in_key": item_key(stand_in.type_id, stand_in.id),
        "reporter": reporter_key(user.type_id, user.id),
        "stand_in": reporter_key(stand_in.type_id, stand_in.id),
    }


def _entry_about(entry: JobEntry, erased: ErasedUser) -> JobEntry:
    """An entry of a job about the user's item: what anybody said of it goes, too."""
    entry = entry_without(entry, erased)
    report, appeal = entry.report, entry.appeal
    return msgspec.structs.replace(
        entry,
        report=None if report is None else msgspec.structs.replace(report, reason=None),
        appeal=None if appeal is None else msgspec.structs.replace(appeal, reason=None),
        note=None,
        routing=msgspec.structs.replace(entry.routing, signals=()),
    )


async def _empty_items(
    connection: AsyncConnection, erased: ErasedUser, rows: Sequence[Row[Any]]
) -> None:
    if not rows:
        return
    await connection.execute(
        _SAVE_ITEMS,
        {
            "jobs": [str(row.job_id) for row in rows],
            "digests": [row.digest for row in rows],
            "bodies": [_encoder.encode(emptied(_item.decode(row.body), erased)) for row in rows],
            "stand_in_key": _names(erased)["stand_in_key"],
        },
    )


async def _save_entries(
    connection: AsyncConnection,
    org_id: str,
    erased: ErasedUser,
    rows: Sequence[Row[Any]],
    change: Callable[[JobEntry, ErasedUser], JobEntry],
) -> None:
    if not rows:
        return
    await connection.execute(
        _SAVE_ENTRIES,
        {
            **_names(erased),
            "org": org_id,
            "ids": [row.entry_id for row in rows],
            "bodies": [_encoder.encode(change(_entry.decode(row.body), erased)) for row in rows],
        },
    )
