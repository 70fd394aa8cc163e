"""Queues as documents.

Guarantees: only people of the organisation are named on a queue; of the queues of a class one is
the default; a new one is open to nobody but those whom it names, and who edit queues; whoever may
not know of a queue does not.
"""

from __future__ import annotations

from typing import Final

import msgspec

from coop_contracts.config import Kind, Queue
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind, SentDocument
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel.access import may_know
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.people import user
from coop_review_api.queue import removal


async def _queue(sent: SentDocument[Queue]) -> Queue:
    configuration, fields = sent.configuration, sent.fields
    reviewer_ids = fields["reviewerIds"]
    unknown = await user.unknown_ids(configuration.connection, configuration.org_id, reviewer_ids)
    if unknown:
        raise Invalid(
            [
                Fault(f"/reviewerIds/{position}", "no such user")
                for position, user_id in enumerate(reviewer_ids)
                if user_id in unknown
            ]
        )
    is_default = fields["isDefaultQueue"]
    if is_default is None and sent.previous is not None:
        is_default = sent.previous.is_default_queue
    elif is_default is None:
        is_default = not await _of_class(configuration, appeals=fields["isAppealsQueue"])
    return sent.to(Queue, isDefaultQueue=is_default, openToEveryone=_is_open(sent))


def _is_open(sent: SentDocument[Queue]) -> bool:
    """As it was said; where it was not, a queue that names somebody is closed to others, another
    stays as it was, and a new one is open to nobody."""
    fields, previous = sent.fields, sent.previous
    if fields["openToEveryone"] is not None:
        return bool(fields["openToEveryone"])
    if fields["reviewerIds"] or fields["reviewerRoles"] or previous is None:
        return False
    return bool(previous.open_to_everyone)


async def _saved(change: DocumentChange[Queue]) -> None:
    """The default queue before this one is one no longer; one that is there again keeps what it
    has."""
    configuration, after = change.configuration, change.after
    if change.before is None and after is not None:
        await removal.restored(configuration, after.id)
    if after is None or not after.is_default_queue:
        return
    for queue in await _of_class(configuration, appeals=after.is_appeals_queue):
        if queue.is_default_queue and queue.id != after.id:
            other = msgspec.structs.replace(queue, is_default_queue=False)
            await configuration.save(Kind.QUEUE, other)


async def _of_class(configuration: LockedConfiguration, *, appeals: bool) -> list[Queue]:
    catalogue = await configuration.catalogue(Kind.QUEUE)
    queues = catalogue.all(Kind.QUEUE, Queue).values()
    return [queue for queue in queues if queue.is_appeals_queue == appeals]


QUEUES: Final = DocumentKind(
    kind=Kind.QUEUE, type=Queue, noun="Queue", build=_queue, saved=_saved, visible=may_know
)
