"""How a queue orders its jobs, from the configuration as it is now.

Guarantees: queue, policies and revision are of one snapshot.
Must not: rank anything; `coop_queues` does.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Policy, Queue
from coop_queues.ranking import Ranking
from coop_review_api.configuration.catalogue import load_catalogue


async def load_ranking(connection: AsyncConnection, org_id: str, queue_id: str) -> Ranking:
    """The ranking of a queue, for whatever puts a job into it; of one that is gone a plain one.

    Reads all queues and policies of the organisation: not for each job of many.
    """
    catalogue = await load_catalogue(connection, org_id, [Kind.QUEUE, Kind.POLICY])
    return Ranking.of(
        catalogue.get(Kind.QUEUE, Queue, queue_id),
        catalogue.all(Kind.POLICY, Policy).values(),
        revision=catalogue.revision,
    )
