"""The passages of a job that somebody wants to read in another language.

    /item/data/text, /entries/0/report/reason        of the job's payload, as it is shown
    /text of an item                                 of its data, as it was sent last

Guarantees: only what the person may see is found, and nothing of a job or an item that is about
child safety, whoever asks: it does not leave.
Must not: translate; `translator` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import Job
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import Fault, Forbidden, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety, desk
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_view import job_view
from coop_runtime.database.engine import transaction

MAX_PASSAGES: Final = 50
MAX_CHARACTERS: Final = 50_000
"""Of all passages of one request."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text by its pointer (RFC 6901): within the job's payload, or within the data of `item`."""

    pointer: str
    item: ItemRef | None = None


async def texts_of(
    context: Context, principal: Principal, job_id: str, passages: Sequence[Passage]
) -> list[str]:
    """The texts, in the order of the passages. Raises `Invalid`, `Forbidden`, `JobNotFound`."""
    job = await _job(context, principal, job_id, passages)
    payload = job_view(job).payload.model_dump(mode="json", by_alias=True)
    items = await _items(context, principal, job, passages)
    faults: list[Fault] = []
    texts: list[str] = []
    for place, passage in enumerate(passages):
        whole = payload if passage.item is None else items.get(passage.item)
        found = _at(whole, passage.pointer)
        if isinstance(found, str):
            texts.append(found)
        else:
            faults.append(Fault(f"/passages/{place}/pointer", "no text is there"))
    if sum(map(len, texts)) > MAX_CHARACTERS:
        faults.append(Fault("/passages", f"together more than {MAX_CHARACTERS} characters"))
    if faults:
        raise Invalid(faults)
    return texts


async def _job(
    context: Context, principal: Principal, job_id: str, passages: Sequence[Passage]
) -> Job:
    async with transaction(context.engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        await desk.require_readable(connection, principal, summary)
        job = await store.get_job(connection, principal.org_id, job_id)
        named = {passage.item for passage in passages if passage.item is not None}
        beside = (*job.thread_items, *job.additional_items, *job.earlier_items)
        items = {ItemRef(id=one.id, type_id=one.type_id) for one in (job.item, *beside)}
        grave = await child_safety.grave_among(connection, principal.org_id, items | named)
    if summary.csam or grave:
        raise Forbidden("what is about child safety is sent to nobody, not to be translated either")
    return await desk.look(context.part(Desk), principal, job_id)


async def _items(
    context: Context, principal: Principal, job: Job, passages: Sequence[Passage]
) -> Mapping[ItemRef, Any]:
    """The data of the items that are named: those of the job, and, for who investigates, others."""
    named = {passage.item for passage in passages if passage.item is not None}
    carried = (*job.additional_items, *job.thread_items, job.item)
    found = {
        ItemRef(id=one.id, type_id=one.type_id): msgspec.json.decode(one.data) for one in carried
    }
    if principal.may(Permission.VIEW_INVESTIGATION):
        reader = context.part(ItemReader)
        for item in named - found.keys():
            latest = await reader.latest(principal.org_id, item)
            if latest is not None:
                found[item] = msgspec.json.decode(latest.item.data)
    return found


def _at(whole: Any, pointer: str) -> Any:
    """What is there; None where nothing is."""
    found = whole
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isascii() and name.isdecimal():
            place = int(name)
            found = found[place] if place < len(found) else None
        else:
            return None
    return found
