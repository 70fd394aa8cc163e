"""What is known of a platform's items, asked of review-api.

Guarantees: an answer, or a refusal within the client's deadline; look-ups under way are bounded and
shared by organisation (`places`).
Must not: keep what it was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from coop_contracts.event import ItemRef
from coop_contracts.lookup import GET_ITEM, ItemQuestion, ItemRecord
from coop_ingest import metric
from coop_ingest.places import Places
from coop_ingest.refusal import Refusal, not_found, too_many_lookups, unavailable
from coop_runtime.internal.client import CallFailed, CallRefused, InternalApi
from coop_runtime.process.log import logger

_NO_ITEM = "You have no item with this type and id, or none that is still kept."
_RETRY_AFTER = 2

_log = logger(__name__)


class Lookups:
    """One for a process; `aclose` it at the end. `limit`: under way at once."""

    def __init__(
        self,
        api: InternalApi,
        *,
        limit: int,
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._api = api
        self._places = Places(limit, too_many_lookups, weights=weights)

    async def aclose(self) -> None:
        await self._api.aclose()

    async def item(self, org_id: str, item: ItemRef) -> ItemRecord:
        """The organisation's item. Raises Refusal: 404, 429, 503."""
        try:
            question = msgspec.convert(
                {"typeId": item.type_id, "itemId": item.id}, type=ItemQuestion
            )
        except msgspec.ValidationError:
            raise not_found(_NO_ITEM) from None  # nothing has such an id
        with self._places.take(org_id):
            try:
                return await self._api.ask(org_id, GET_ITEM, question)
            except CallRefused as refused:
                if refused.status == 404:
                    raise not_found(_NO_ITEM) from None
                raise _away(str(refused)) from refused
            except CallFailed as failed:
                raise _away(str(failed)) from failed


def _away(reason: str) -> Refusal:
    _log.warning("look-ups do not answer", reason=reason)
    metric.UNAVAILABLE.labels("lookup").inc()
    return unavailable("What is known of items cannot be asked now.", retry_after=_RETRY_AFTER)
