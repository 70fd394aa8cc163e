"""What comes late of an end user who was erased: placed without what it said.

    a placement, its cause not after the moment of erasure
        an item of theirs        ──▶ its ids, its maker the stand-in, no data
        their report, or appeal  ──▶ the stand-in's, without reason
        jobs of child-abuse material stay as they are: the law

Guarantees: a topic that is read again brings nothing back; what the user sends later is new, and is
kept; an entry that was placed before is not placed again, so its job stays as the erasure left it.
Must not: change what is there; `erase` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.erasure import ErasedUser, emptied, named_instead
from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement
from coop_queues.slot import item_key
from coop_runtime.database.array import typed

Late = Mapping[tuple[str, str], tuple[str, datetime]]
"""By organisation and key of a user: who stands in, and until when."""

_LATE = text(
    """
    SELECT e.org_id, CAST(e.user_key AS text) AS user_key, e.stand_in, e.until
      FROM queues.erased_users e
      JOIN unnest(CAST(:orgs AS text[]), CAST(:keys AS uuid[])) AS p (org_id, user_key)
        ON p.org_id = e.org_id AND p.user_key = e.user_key
    """
)


def author_key(item: SubmittedItem) -> str:
    """The key of who made an item; of a user, who is made by nobody, the user's."""
    author = item.creator or item
    return item_key(author.type_id, author.id)


async def late(connection: AsyncConnection, placements: Sequence[Placement]) -> Late:
    """Those whom the placements name and who were erased."""
    named = {
        (placement.org_id, item_key(user.type_id, user.id))
        for placement in placements
        for user in _users(placement)
    }
    asked = {"orgs": [org_id for org_id, _ in named], "keys": [key for _, key in named]}
    rows = await connection.execute(_LATE, typed(_LATE, asked))
    return {(row.org_id, row.user_key): (row.stand_in, row.until) for row in rows}


def without(placement: Placement, known: Late) -> Placement:
    """The placement without what users said who were erased after its cause."""
    if placement.kind is JobKind.NCMEC or placement.entry.csam:
        return placement
    for user in _users(placement):
        found = known.get((placement.org_id, item_key(user.type_id, user.id)))
        if found is not None and placement.entry.at <= found[1]:
            stand_in = ItemRef(id=found[0], type_id=user.type_id)
            erased = ErasedUser(user=user, stand_in=stand_in, until=found[1])
            placement = _without(placement, erased)
    return placement


def entry_without(entry: JobEntry, erased: ErasedUser) -> JobEntry:
    """The entry with the stand-in as its maker, where the user is; without what they said."""
    report, appeal = entry.report, entry.appeal
    if report is not None and report.reporter == erased.user:
        report = msgspec.structs.replace(report, reporter=erased.stand_in, reason=None)
    if appeal is not None and appeal.appealed_by == erased.user:
        appeal = _appeal_without(appeal, erased)
    named = tuple(named_instead(one, erased) for one in entry.reported_in_thread)
    return msgspec.structs.replace(entry, report=report, appeal=appeal, reported_in_thread=named)


def _appeal_without(appeal: AppealEntry, erased: ErasedUser) -> AppealEntry:
    return msgspec.structs.replace(appeal, appealed_by=erased.stand_in, reason=None)


def _without(placement: Placement, erased: ErasedUser) -> Placement:
    def kept(item: SubmittedItem) -> SubmittedItem:
        made_by = item.creator or ItemRef(item.id, item.type_id)
        return emptied(item, erased) if made_by == erased.user else item

    return msgspec.structs.replace(
        placement,
        item=kept(placement.item),
        thread_items=tuple(map(kept, placement.thread_items)),
        additional_items=tuple(map(kept, placement.additional_items)),
        entry=entry_without(placement.entry, erased),
    )


def _users(placement: Placement) -> set[ItemRef]:
    """Whom a placement names: who made its items, who reported, who appeals."""
    items = (placement.item, *placement.thread_items, *placement.additional_items)
    found = {item.creator or ItemRef(item.id, item.type_id) for item in items}
    entry = placement.entry
    if entry.report is not None and entry.report.reporter is not None:
        found.add(entry.report.reporter)
    if entry.appeal is not None:
        found.add(entry.appeal.appealed_by)
    return found
