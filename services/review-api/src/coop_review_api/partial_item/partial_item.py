"""What a platform says of an item now: the organisation's partial-items endpoint.

    POST {"items": [{"id", "typeId"}]}  ──▶  {"items": [Item]}

Guarantees: the address passes the egress guard, a question takes `DEADLINE` seconds at most, an
answer has `MAX_BODY` bytes at most and is checked like any item sent in (whole or not); what was
not asked for is dropped; whatever is wrong with an answer is said by name.
Must not: be asked in a transaction: the platform may take its time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import ItemType, Kind, OrgSettings, WebhookKey
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_items import InvalidItemType, compile_item_type
from coop_review_api.configuration import header
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.kernel import metric
from coop_review_api.kernel.error import Conflict, UpstreamFailed
from coop_review_api.partial_item.signature import CannotSign, Signing, signing_of
from coop_runtime.database.engine import transaction
from coop_runtime.egress.answer import UnreadableAnswer, read_answer
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge
from coop_runtime.secret.vault import Vault

DEADLINE = 2.0  # seconds
MAX_BODY = 2_000_000  # bytes
_KINDS = (Kind.SETTINGS, Kind.ITEM_TYPE, Kind.WEBHOOK_KEY)
_MAX_REASONS = 5


@dataclass(frozen=True, kw_only=True)
class PartialItem:
    """An item as the platform says it is now. `data` is checked and coerced."""

    item: ItemRef
    type_version: str
    data: dict[str, Any]
    creator: ItemRef | None

    def is_deleted(self, item_type: ItemType | None) -> bool:
        """Whether its type's field with the role isDeleted says so."""
        return says_deleted(self.data, item_type)


def says_deleted(data: Mapping[str, Any], item_type: ItemType | None) -> bool:
    """Whether the field with the role isDeleted is true."""
    field = item_type.field_roles.is_deleted if item_type is not None else None
    return field is not None and data.get(field) is True


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where an organisation is asked, with which headers and keys, and its item types."""

    url: str
    headers: Mapping[str, str]
    signing: Signing
    item_types: Mapping[str, ItemType]


class PartialItems:
    """Asks platforms. One for each process; close it with `aclose`."""

    def __init__(
        self,
        engine: AsyncEngine,
        guard: EgressGuard,
        vault: Vault,
        *,
        deadline: float = DEADLINE,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._seconds = seconds
        self._client = guard.client(timeout=deadline, max_body=MAX_BODY)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, org_id: str, items: Sequence[ItemRef]) -> dict[ItemRef, PartialItem]:
        """What the platform knows of these items; those it does not know are not in the answer.

        Raises `Conflict` where the organisation has no endpoint, `UpstreamFailed` when it cannot be
        asked or answers wrongly; both say what is the matter. Retryable without a database.
        """
        async with transaction(self._engine) as connection:
            catalogue = await load_catalogue(connection, org_id, _KINDS)
        endpoint = self._endpoint(org_id, catalogue)
        if endpoint is None:
            raise Conflict("this organisation has no partial-items endpoint")
        try:
            found = _read(await self._post(endpoint, items), items, endpoint.item_types)
        except UpstreamFailed:
            metric.PARTIAL_ITEMS.labels("failed").inc()
            raise
        metric.PARTIAL_ITEMS.labels("known").inc(len(found))
        metric.PARTIAL_ITEMS.labels("unknown").inc(len(items) - len(found))
        return found

    def _endpoint(self, org_id: str, catalogue: Catalogue) -> Endpoint | None:
        settings = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
        if settings is None or settings.partial_items_endpoint is None:
            return None
        secret = bound_to(org_id, Kind.SETTINGS, SETTINGS_ID)
        keys = catalogue.all(Kind.WEBHOOK_KEY, WebhookKey).values()
        try:
            signing = signing_of(self._vault, org_id, keys)
        except CannotSign as error:
            raise UpstreamFailed(f"the platform was not asked: {error}") from None
        return Endpoint(
            url=settings.partial_items_endpoint,
            headers=header.clear(self._vault, settings.partial_items_headers, context=secret),
            signing=signing,
            item_types=catalogue.all(Kind.ITEM_TYPE, ItemType),
        )

    async def _post(self, endpoint: Endpoint, items: Sequence[ItemRef]) -> bytes:
        body = msgspec.json.encode({"items": [{"id": i.id, "typeId": i.type_id} for i in items]})
        try:
            signed = await endpoint.signing.headers(
                message_id=new_id(), timestamp=int(self._seconds()), body=body
            )
            answer = await self._client.post(
                endpoint.url,
                content=body,
                headers={**endpoint.headers, "content-type": "application/json", **signed},
            )
        except CannotSign as error:
            raise UpstreamFailed(f"the platform was not asked: {error}") from None
        except EgressRefused as error:
            raise UpstreamFailed(f"the partial-items endpoint may not be asked: {error}") from None
        except ResponseTooLarge:
            raise UpstreamFailed(f"the answer has more than {MAX_BODY} bytes") from None
        except httpx.TimeoutException:
            raise UpstreamFailed("the platform did not answer in time") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            reason = type(error).__name__
            raise UpstreamFailed(f"the platform cannot be reached ({reason})") from None
        if not 200 <= answer.status_code < 300:
            raise UpstreamFailed(f"the platform answered {answer.status_code}, not 200")
        return answer.content


def _read(
    content: bytes, asked: Sequence[ItemRef], item_types: Mapping[str, ItemType]
) -> dict[ItemRef, PartialItem]:
    """The items in an answer. Raises `UpstreamFailed` with what is wrong, and where."""
    try:
        answer = read_answer(content, mended=True)
    except UnreadableAnswer as error:
        raise UpstreamFailed(f"the answer {error}") from None
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise UpstreamFailed("the answer: /items must be a list")
    found: dict[ItemRef, PartialItem] = {}
    for position, item in enumerate(items):
        at = pointer("items", position)
        reference = _reference(item, at)
        if reference in asked:
            found[reference] = _item(item, reference, at, item_types)
    return found


def _reference(item: Any, at: str) -> ItemRef:
    if not isinstance(item, dict):
        raise UpstreamFailed(f"the answer: {at} must be an object")
    type_id, where = item.get("typeId"), f"{at}/typeId"
    if type_id is None and isinstance(item.get("type"), dict):
        type_id, where = item["type"].get("id"), f"{at}/type/id"
    for value, name in ((item.get("id"), f"{at}/id"), (type_id, where)):
        if not isinstance(value, str) or not value:
            raise UpstreamFailed(f"the answer: {name} must be a string")
    return ItemRef(id=item["id"], type_id=str(type_id))


def _item(
    item: dict[str, Any], reference: ItemRef, at: str, item_types: Mapping[str, ItemType]
) -> PartialItem:
    item_type = item_types.get(reference.type_id)
    if item_type is None:
        raise UpstreamFailed(f"the answer: {at} is of a type that is not known")
    try:
        compiled = compile_item_type(item_type, is_known_type=item_types.__contains__)
    except InvalidItemType as error:
        raise UpstreamFailed(f"the item type {item_type.name} cannot be read: {error}") from None
    checked = compiled.check(item.get("data"), f"{at}/data", "partial")
    if checked.errors:
        reasons = [f"{e.pointer} {e.detail or e.title}" for e in checked.errors[:_MAX_REASONS]]
        raise UpstreamFailed("the answer: " + "; ".join(reasons))
    return PartialItem(
        item=reference,
        type_version=item_type.version,
        data=checked.data,
        creator=checked.creator,
    )
