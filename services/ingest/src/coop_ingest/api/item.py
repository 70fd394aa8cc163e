"""`GET /items/{typeId}/{id}`: what is known of an item of the platform's own.

Guarantees: the item of the key's organisation, or 404, whoever else has one of that id. The first
part of the path is the type, all the rest the id, each percent-decoded for itself: an id may have
slashes, encoded or not; a last slash that is not encoded is no part of it.
Must not: know where the answer comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import unquote_to_bytes

from coop_contracts.config import ApiScope
from coop_contracts.event import ItemRef
from coop_ingest.answer import Answer, json_answer
from coop_ingest.body import read_head
from coop_ingest.gate import RequestGate
from coop_ingest.lookup import Lookups
from coop_ingest.refusal import Refusal, invalid, not_found
from coop_runtime.process.asgi import Receive

_BEFORE: Final = 4
"""Slashes before the type: /api/v1/items/."""


class ItemRoute:
    """Wired once."""

    needs: ClassVar = ApiScope.ITEMS_READ

    def __init__(self, *, gate: RequestGate, lookups: Lookups) -> None:
        self._gate = gate
        self._lookups = lookups

    async def handle(self, scope: Mapping[str, Any], _receive: Receive, _request_id: str) -> Answer:
        """Raises Refusal."""
        org_id = await self._gate.admit(read_head(scope), needs=self.needs)
        return json_answer(200, await self._lookups.item(org_id, _item(scope["raw_path"])))


def _item(raw_path: bytes) -> ItemRef:
    parts = raw_path.split(b"/", _BEFORE + 1)[_BEFORE:]
    if len(parts) < 2:
        raise not_found("The path names no item: /items/{typeId}/{id}.")
    type_part, item_part = parts
    try:
        type_id = unquote_to_bytes(type_part).decode()
        item_id = unquote_to_bytes(item_part.removesuffix(b"/")).decode()
    except UnicodeDecodeError:
        raise Refusal("invalid", [invalid("The path is not UTF-8.")]) from None
    if not (type_id and item_id):
        raise not_found("The path names no item: /items/{typeId}/{id}.")
    return ItemRef(id=item_id, type_id=type_id)
