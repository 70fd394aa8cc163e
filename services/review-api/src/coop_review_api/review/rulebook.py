"""What a decision is judged by, read in the transaction that makes it.

Guarantees: configuration of one revision; for an escalation also what the log knows of the user
(for a report what the history does: `user_media`);
of items that are acted on, whose they are.
Must not: judge.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, NcmecSettings, OrgSettings, Queue
from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.job import Job
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue, load_documents
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.projection import history
from coop_review_api.review import escalation
from coop_review_api.review.decision import Draft, Origin, Rulebook, creator_in

_ALL = (
    Kind.SETTINGS,
    Kind.NCMEC_SETTINGS,
    Kind.QUEUE,
    Kind.ITEM_TYPE,
    Kind.ACTION,
    Kind.POLICY,
)


async def load(
    connection: AsyncConnection, job: Job, draft: Draft, *, origins: tuple[Origin, ...]
) -> Rulebook:
    """The rulebook for that draft on that job; `origins` are what its appeals are against."""
    escalates = draft.has("ESCALATE_TO_NCMEC")
    whole = escalates or draft.has("SUBMIT_NCMEC_REPORT")
    catalogue = await _catalogue(connection, job, draft, whole=whole)
    author: ItemRef | None = None
    submissions: tuple[SubmittedItem, ...] = ()
    org_id = job.summary.org_id
    if escalates:
        if escalation.author_of(job) is None:
            author = await history.creator_of(connection, org_id, job.summary.item)
        user = escalation.author_of(job) or author or job.summary.item
        submissions = await history.of_user(connection, org_id, user)
    settings = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    queue = catalogue.get(Kind.QUEUE, Queue, job.summary.queue_id)
    return Rulebook(
        settings=settings or OrgSettings(id=SETTINGS_ID, name=""),
        catalogue=catalogue,
        queue=queue,
        revision=catalogue.revision,
        origins=origins,
        author=author,
        submissions=submissions,
        creators=await _creators(connection, job, draft),
        ncmec=catalogue.get(Kind.NCMEC_SETTINGS, NcmecSettings, SETTINGS_ID),
    )


async def _creators(connection: AsyncConnection, job: Job, draft: Draft) -> dict[ItemRef, ItemRef]:
    """Whose the items are that actions are taken on, where the job does not say it."""
    acted_on = {
        item
        for component in draft.components
        if component.action_ids
        for item in component.items or (job.summary.item,)
    }
    unknown = {item for item in acted_on if creator_in(job, item) is None}
    found = await history.latest_items(connection, job.summary.org_id, unknown)
    return {item: one.creator for item, one in found.items() if one.creator is not None}


async def _catalogue(
    connection: AsyncConnection, job: Job, draft: Draft, *, whole: bool
) -> Catalogue:
    org_id = job.summary.org_id
    if whole or any(component.reverse_actions for component in draft.components):
        # Which item types and reverse actions matter is known only once others are read.
        return await load_catalogue(connection, org_id, _ALL)
    wanted = {
        (Kind.SETTINGS, SETTINGS_ID),
        (Kind.QUEUE, job.summary.queue_id),
        (Kind.ITEM_TYPE, job.item.type_id),
    }
    for component in draft.components:
        wanted |= {(Kind.ACTION, action_id) for action_id in component.action_ids}
        wanted |= {(Kind.POLICY, policy_id) for policy_id in component.policy_ids}
        wanted |= {(Kind.ITEM_TYPE, item.type_id) for item in component.items}
        if component.queue_id is not None:
            wanted.add((Kind.QUEUE, component.queue_id))
    return await load_documents(connection, org_id, wanted)
