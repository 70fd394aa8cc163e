"""One search over everything: by id, by the beginning of an id, by a part of a name.

Guarantees: nothing is found that its own page would not show to this person; at most five of each
kind; each look-up is by an index or over the organisation's own documents; what is about child
safety is not found without the permission, and with it leaves a row.
Must not: change anything.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration import finding
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.configuration.document_resource import (
    ACTION_RESOURCE,
    HASH_BANK_RESOURCE,
    ITEM_TYPE_RESOURCE,
    LOCATION_BANK_RESOURCE,
    POLICY_RESOURCE,
    ROUTING_RULE_RESOURCE,
    RULE_RESOURCE,
    TEXT_BANK_RESOURCE,
)
from coop_review_api.configuration.resource import Resource
from coop_review_api.history.known_item import name_of
from coop_review_api.history.port import FoundItem
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import directory
from coop_review_api.people.directory import DirectoryFilter
from coop_review_api.queue.resource import QUEUE_RESOURCE
from coop_review_api.review import child_safety, recorded
from coop_review_api.review import search as job_search
from coop_review_api.review.desk import Desk
from coop_review_api.review.search import JobFilter
from coop_review_api.search.hit import Hit, HitKind
from coop_runtime.database.engine import transaction

OF_EACH: Final = 5
_LOOKED_AT: Final = 20  # documents of a kind, of which some may not be seen
_SHORTEST_PREFIX: Final = 3

_RESOURCES: Final[Mapping[Kind, tuple[HitKind, Resource[Any]]]] = {
    resource.documents.kind: (kind, resource)
    for kind, resource in (
        (HitKind.QUEUE, QUEUE_RESOURCE),
        (HitKind.RULE, RULE_RESOURCE),
        (HitKind.ROUTING_RULE, ROUTING_RULE_RESOURCE),
        (HitKind.POLICY, POLICY_RESOURCE),
        (HitKind.ACTION, ACTION_RESOURCE),
        (HitKind.ITEM_TYPE, ITEM_TYPE_RESOURCE),
        (HitKind.TEXT_BANK, TEXT_BANK_RESOURCE),
        (HitKind.LOCATION_BANK, LOCATION_BANK_RESOURCE),
        (HitKind.HASH_BANK, HASH_BANK_RESOURCE),
    )
}


async def search(context: Context, principal: Principal, words: str) -> list[Hit]:
    """What there is, kind after kind. `words` have no blanks at their ends."""
    # Two connections at most: a page of results is not worth more of the pool.
    at_hand, items = await asyncio.gather(
        _at_hand(context, principal, words), _items(context, principal, words)
    )
    found = [*at_hand, *items]
    place = {kind: number for number, kind in enumerate(HitKind)}
    return sorted(found, key=lambda hit: place[hit.kind])


async def _at_hand(context: Context, principal: Principal, words: str) -> list[Hit]:
    hits = await _documents(context, principal, words)
    if principal.permissions & frozenset(directory.READERS):
        hits += await _people(context, principal, words)
    if principal.may(Permission.VIEW_MRT):
        hits += await _jobs(context, principal, words)
        hits += await _decision(context, principal, words)
    return hits


async def _documents(context: Context, principal: Principal, words: str) -> list[Hit]:
    readable = {
        kind
        for kind, (_, resource) in _RESOURCES.items()
        if resource.read.any_of & principal.permissions
    }
    async with transaction(context.engine) as connection:
        found = await finding.named(
            connection, principal.org_id, readable, words, of_each=_LOOKED_AT
        )
    hits: dict[HitKind, list[Hit]] = {}
    for one in found:
        kind, resource = _RESOURCES[one.kind]
        document = msgspec.json.decode(one.document, type=resource.documents.type)
        if resource.documents.may_be_seen(principal, document):
            hits.setdefault(kind, []).append(Hit(kind=kind, id=document.id, name=document.name))
    return [hit for some in hits.values() for hit in some[:OF_EACH]]


async def _people(context: Context, principal: Principal, words: str) -> list[Hit]:
    wanted = DirectoryFilter(search=words)
    async with transaction(context.engine) as connection:
        rows = await directory.page(connection, principal, wanted, after=None, limit=OF_EACH)
    return [Hit(kind=HitKind.PERSON, id=row.user_id, name=row.name) for row in rows]


async def _jobs(context: Context, principal: Principal, words: str) -> list[Hit]:
    """The job with the id, and those whose items' ids begin so, the newest first."""
    asked = [JobFilter(job_id=words)] if _is_uuid(words) else []
    if len(words) >= _SHORTEST_PREFIX:
        asked.append(JobFilter(item_id_prefix=words, newest_first=True))
    hits: dict[str, Hit] = {}
    for wanted in asked:
        found = await job_search.search(
            context.engine, principal, wanted, after=None, limit=OF_EACH, clock=context.clock
        )
        for job in (one.job for one in found[:OF_EACH]):
            hits[job.job_id] = Hit(
                kind=HitKind.JOB,
                id=job.job_id,
                name=job.item.id,
                type_id=job.item.type_id,
                item_id=job.item.id,
                queue_id=job.queue_id,
            )
    return list(hits.values())[:OF_EACH]


def _is_uuid(words: str) -> bool:
    try:
        return str(uuid.UUID(words)) == words
    except ValueError:
        return False


async def _decision(context: Context, principal: Principal, words: str) -> list[Hit]:
    try:
        made, _ = await recorded.find(context.part(Desk), principal, words)
    except NotFound:
        return []
    return [
        Hit(
            kind=HitKind.DECISION,
            id=made.decision_id,
            name=made.decision_id,
            queue_id=made.queue_id,
        )
    ]


async def _items(context: Context, principal: Principal, words: str) -> list[Hit]:
    """Items and users with the id; and, where the organisation has texts searched, those that say
    the words."""
    if not principal.may(Permission.VIEW_INVESTIGATION):
        return []
    reader = context.part(ItemReader)
    by_id = await reader.of_id(principal.org_id, words)
    said = await reader.by_text(principal.org_id, words)
    found = {(one.item.type_id, one.item.id): one for one in (*by_id, *said.items)}
    async with transaction(context.engine) as connection:
        shown = await child_safety.shown(
            connection,
            principal,
            "item",
            list(found.values()),
            item_of=lambda one: ItemRef(id=one.item.id, type_id=one.item.type_id),
            id_of=lambda one: one.item.id,
            now=context.clock(),
        )
        wanted = {(Kind.ITEM_TYPE, one.item.type_id) for one in shown}
        catalogue = await load_documents(connection, principal.org_id, sorted(wanted))
    types = catalogue.all(Kind.ITEM_TYPE, ItemType)
    hits = [_hit_of(one, types) for one in shown]
    return [*_first(hits, HitKind.USER), *_first(hits, HitKind.ITEM)]


def _hit_of(found: FoundItem, types: Mapping[str, ItemType]) -> Hit:
    item = found.item
    item_type = types.get(item.type_id)
    is_user = item_type is not None and item_type.kind == "USER"
    return Hit(
        kind=HitKind.USER if is_user else HitKind.ITEM,
        id=item.id,
        name=name_of(item, types) or item.id,
        type_id=item.type_id,
    )


def _first(hits: Iterable[Hit], kind: HitKind) -> list[Hit]:
    return [hit for hit in hits if hit.kind is kind][:OF_EACH]
