"""What tests build documents from, and what became of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ConfigChanged
from coop_review_api.http.context import Context
from coop_review_api.kernel.schema import outbox
from coop_review_api.organisation.creation import Created
from coop_runtime.database.engine import transaction

from .organisation import Organisations
from .password import PASSWORD


class Kit:
    """What tests build documents from."""

    password = PASSWORD
    callback = "https://platform.example/hook"

    def __init__(self, context: Context, organisations: Organisations) -> None:
        self._context = context
        self._organisations = organisations

    async def make_org(self) -> Created:
        """Another organisation."""
        return await self._organisations.make(self._context)

    @staticmethod
    def pointers(answer: httpx.Response) -> list[str]:
        """What a refused input was told to be wrong."""
        assert answer.status_code == 422, answer.text
        return [error["pointer"] for error in answer.json()["errors"]]

    def item_type(self, name: str = "Post", **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "kind": "CONTENT",
            "fields": [
                {"name": "text", "type": "STRING", "required": True},
                {"name": "author", "type": "RELATED_ITEM"},
            ],
            "fieldRoles": {"creatorId": "author"},
            **more,
        }

    def contains(self, **matching: Any) -> dict[str, Any]:
        """A condition set: all text contains one of `strings`, or of `textBankIds`."""
        leaf = {
            "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
            "signal": {
                "id": '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}',
                "type": "TEXT_MATCHING_CONTAINS_TEXT",
            },
            "matchingValues": matching,
            "comparator": "EQUALS",
            "threshold": "true",
        }
        return {"conjunction": "OR", "conditions": [leaf]}

    def rule(self, type_id: str, **more: Any) -> dict[str, Any]:
        return {
            "name": "Spam rule",
            "status": "DRAFT",
            "itemTypeIds": [type_id],
            "conditionSet": self.contains(strings=["spam"]),
            **more,
        }

    def action(self, type_id: str, **more: Any) -> dict[str, Any]:
        return {
            "name": "Remove",
            "itemTypeIds": [type_id],
            "callbackUrl": self.callback,
            **more,
        }


@pytest.fixture
def kit(context: Context, organisations: Organisations) -> Kit:
    return Kit(context, organisations)


Published = Callable[[str], Awaitable[list[ConfigChanged]]]


@pytest.fixture
def published(engine: AsyncEngine) -> Published:
    """What the outbox holds of an organisation's configuration, in order."""

    async def read(org_id: str) -> list[ConfigChanged]:
        async with transaction(engine) as connection:
            values = await connection.scalars(
                select(outbox.c.value)
                .where(outbox.c.topic == ConfigChanged.topic)
                .where(func.substr(outbox.c.key, 1, len(org_id)) == org_id.encode())
                .order_by(outbox.c.id)
            )
            events = [msgspec.json.decode(value, type=ConfigChanged) for value in values]
        return [event for event in events if event.org_id == org_id]

    return read
