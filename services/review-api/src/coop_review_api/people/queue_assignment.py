"""Which queues name a person.

Guarantees: naming somebody opens a queue to them alone; a queue that names nobody any more is
closed, and one that is open to everyone stays so.
Must not: be called without the organisation's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coop_contracts.config import Kind, Queue
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel.error import Fault, Invalid


async def assign(
    configuration: LockedConfiguration, user_id: str, queue_ids: Sequence[str]
) -> None:
    """Name this person in these queues, and in no other. Raises `Invalid`."""
    queues = (await configuration.catalogue(Kind.QUEUE)).all(Kind.QUEUE, Queue)
    faults = [
        Fault(f"/queueIds/{position}", "no such queue")
        for position, queue_id in enumerate(queue_ids)
        if queue_id not in queues
    ]
    if faults:
        raise Invalid(faults)
    for queue in queues.values():
        wanted = queue.id in queue_ids
        if wanted == (user_id in queue.reviewer_ids):
            continue
        others = tuple(one for one in queue.reviewer_ids if one != user_id)
        reviewer_ids = (*others, user_id) if wanted else others
        changed = msgspec.structs.replace(queue, reviewer_ids=reviewer_ids)
        await configuration.save(Kind.QUEUE, changed)
