"""Queues as a configuration resource."""

from __future__ import annotations

from typing import Final

from coop_contracts.permission import Permission
from coop_review_api.configuration.resource import Resource
from coop_review_api.http.authentication import requires
from coop_review_api.queue.document import QueueBody, QueueView
from coop_review_api.queue.queue import QUEUES

QUEUE_RESOURCE: Final = Resource(
    documents=QUEUES,
    path="queues",
    plural="Queues",
    body=QueueBody,
    view=QueueView,
    read=requires(Permission.VIEW_MRT, Permission.VIEW_INSIGHTS),
    write=requires(Permission.EDIT_MRT_QUEUES),
    deletes=False,  # `queue.route`: what is in it goes on elsewhere
)
