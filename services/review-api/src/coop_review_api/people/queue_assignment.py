"""Which queues name a person.

Guarantees: a queue is not left without a reviewer: that would open it to everybody.
Must not: be called without the organisation's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coop_contracts.config import Kind, Queue
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel.error import Conflict, Fault, Invalid


async def assign(
    configuration: LockedConfiguration, user_id: str, queue_ids: Sequence[str]
) -> None:
    """Name this person in these queues, and in no other. Raises `Invalid`, `Conflict`."""
    queues = (await configuration.catalogue(Kind.QUEUE)).all(Kind.QUEUE, Queue)
    faults = [
        Fault(f"/queueIds/{position}", "no such queue")
        for position, queue_id in enumerate(queue_ids)
        if queue_id not in queues
    ]
    if faults:
        raise Invalid(faults)
    for queue in queues.values():
        others = tuple(one for one in queue.reviewer_ids if one != user_id)
        wanted = queue.id in queue_ids
        if wanted == (user_id in queue.reviewer_ids):
            continue
        if not wanted and not others:
            raise Conflict("a queue would be open to everybody", used_by=[f"queue {queue.name}"])
        reviewer_ids = (*others, user_id) if wanted else others
        changed = msgspec.structs.replace(queue, reviewer_ids=reviewer_ids)
        await configuration.save(Kind.QUEUE, changed)
