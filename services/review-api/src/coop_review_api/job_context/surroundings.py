"""What the history knows around a job: its item, its user, its thread, and who is named there.

Guarantees: at most seven questions, whatever is found, all over one connection.
Must not: decide what may be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coop_contracts.event import ItemRef
from coop_review_api.history import known_item
from coop_review_api.history.known_item import KnownItem, creators_of
from coop_review_api.history.port import FoundItem, ItemFinder, Span
from coop_review_api.job_context import thread
from coop_review_api.job_context.material import FromHistory, Ground
from coop_review_api.job_context.thread import Carried, Direction, Spot, ThreadPart, spot_of


async def of(
    finder: ItemFinder, ground: Ground, named: Sequence[ItemRef], each_way: int
) -> FromHistory:
    """Raises `Retryable`. `named` are users whose names are wanted."""
    org_id, ref, user = ground.job.summary.org_id, ground.job.summary.item, ground.user
    wanted = [ref, *(() if user is None else (user,)), *named]
    async with finder.together(org_id) as asked:
        known = await asked.latest_of(org_id, wanted)
        seen = Span() if user is None else await asked.seen(org_id, user)
        item, carried = _around(ground, known)
        around = await _both_ways(asked, carried, ground, each_way)
        others = [one for one in creators_of(around.items) if one not in known]
        known |= await asked.latest_of(org_id, others)
    return FromHistory(item=item, thread=around, seen=seen, known=known)


async def _both_ways(
    finder: ItemFinder, carried: Carried, ground: Ground, each_way: int
) -> ThreadPart:
    types, spot = ground.types, spot_of(carried.around)
    before = await thread.part(finder, carried, types, direction="BEFORE", at=spot, limit=each_way)
    after = await thread.part(finder, carried, types, direction="AFTER", at=spot, limit=each_way)
    return ThreadPart(
        items=(*before.items, carried.around, *after.items),
        before=before.before,
        after=after.after,
    )


def of_job(ground: Ground, each_way: int) -> FromHistory:
    """The same by what the job carries alone."""
    item, carried = _around(ground, {})
    return FromHistory(item=item, thread=thread.alone(carried, each_way=each_way))


async def of_page(
    finder: ItemFinder,
    ground: Ground,
    *,
    direction: Direction,
    at: Spot | None,
    limit: int,
) -> FromHistory:
    """The part of the thread on that side of a spot, or of the item, with who speaks there. Raises
    `Retryable`."""
    org_id, ref = ground.job.summary.org_id, ground.job.summary.item
    async with finder.together(org_id) as asked:
        known = await asked.latest_of(org_id, [ref])
        item, carried = _around(ground, known)
        start = at or spot_of(carried.around)
        found = await thread.part(
            asked, carried, ground.types, direction=direction, at=start, limit=limit
        )
        known |= await asked.latest_of(org_id, creators_of(found.items))
    return FromHistory(item=item, thread=found, known=known)


def page_of_job(
    ground: Ground, *, direction: Direction, at: Spot | None, limit: int
) -> FromHistory:
    """The same by what the job carries alone."""
    item, carried = _around(ground, {})
    start = at or spot_of(carried.around)
    found = thread.carried_part(carried, direction=direction, at=start, limit=limit)
    return FromHistory(item=item, thread=found)


def _around(ground: Ground, known: Mapping[ItemRef, FoundItem]) -> tuple[KnownItem, Carried]:
    """The job's item as it is known best, and what the job has of its thread."""
    latest = known.get(ground.job.summary.item)
    item = (
        known_item.of_job(ground.job.item, ground.types)
        if latest is None
        else known_item.of_history(latest)
    )
    return item, thread.carried_by(ground.job, item, ground.types)
