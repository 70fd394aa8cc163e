"""Queues as a configuration resource.

Guarantees: only people of the organisation are named on a queue; of the queues of a class one is
the default.
"""

from __future__ import annotations

import msgspec

from coop_contracts.config import Kind, Queue
from coop_contracts.permission import Permission
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import Command, Resource
from coop_review_api.http.authentication import requires
from coop_review_api.kernel.access import may_work
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import user
from coop_review_api.queue import removal
from coop_review_api.queue.document import QueueBody, QueueView

_P = Permission


class Queues(Resource[QueueBody, Queue]):
    kind, path, noun, plural = Kind.QUEUE, "queues", "Queue", "Queues"
    document, body, view = Queue, QueueBody, QueueView
    read, write = requires(_P.VIEW_MRT), requires(_P.EDIT_MRT_QUEUES)
    deletes = False  # `queue.route`: what is in it goes on elsewhere

    async def build(self, command: Command[QueueBody, Queue]) -> Queue:
        body, previous = command.body, command.previous
        unknown = await user.unknown_ids(
            command.configuration.connection, command.principal.org_id, body.reviewer_ids
        )
        if unknown:
            raise Invalid(
                [
                    Fault(f"/reviewerIds/{position}", "no such user")
                    for position, document_id in enumerate(body.reviewer_ids)
                    if document_id in unknown
                ]
            )
        fields = body.model_dump(by_alias=True, mode="json")
        if body.is_default_queue is None:
            fields["isDefaultQueue"] = (
                previous.is_default_queue
                if previous is not None
                else not await self._same_class(command.configuration, body.is_appeals_queue)
            )
        return msgspec.convert({**fields, "id": command.document_id}, Queue)

    async def _same_class(self, configuration: LockedConfiguration, appeals: bool) -> list[Queue]:
        catalogue = await configuration.catalogue(self.kind)
        queues = catalogue.all(self.kind, Queue).values()
        return [queue for queue in queues if queue.is_appeals_queue == appeals]

    async def saved(
        self,
        configuration: LockedConfiguration,
        *,
        before: Queue | None,
        after: Queue | None,
    ) -> None:
        """The default queue before this one is one no longer; one that is there again keeps what
        it has."""
        if before is None and after is not None:
            await removal.restored(configuration, after.id)
        if after is None or not after.is_default_queue:
            return
        for queue in await self._same_class(configuration, after.is_appeals_queue):
            if queue.is_default_queue and queue.id != after.id:
                other = msgspec.structs.replace(queue, is_default_queue=False)
                await configuration.save(self.kind, other)

    def visible(self, principal: Principal, document: Queue) -> bool:
        return may_work(principal, document)
