"""Items of an organisation, put into the history as the role does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Field as ItemField
from coop_contracts.config import FieldRoles, ItemType
from coop_contracts.event import ItemRef, ItemSubmitted, SubmittedItem
from coop_contracts.ids import new_id
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions

Send = Callable[..., Awaitable[None]]


@pytest.fixture
async def types(admin: Any, kit: Any) -> dict[str, str]:
    """A message of threads, and its author."""
    fields = [
        {"name": "text", "type": "STRING"},
        {"name": "author", "type": "RELATED_ITEM"},
        {"name": "thread", "type": "RELATED_ITEM"},
        {"name": "said", "type": "DATETIME"},
        {"name": "picture", "type": "IMAGE"},
        {"name": "parent", "type": "RELATED_ITEM"},
        {"name": "from", "type": "IP_ADDRESS"},
    ]
    roles = {
        "creatorId": "author",
        "threadId": "thread",
        "parentId": "parent",
        "createdAt": "said",
    }
    message = kit.item_type("Message", fields=fields, fieldRoles=roles)
    made = await admin.make("/v1/item-types", message)
    member = kit.item_type(
        "Member", kind="USER", fields=fields[:1], fieldRoles={"displayName": "text"}
    )
    return {"message": made["id"], "member": (await admin.make("/v1/item-types", member))["id"]}


@pytest.fixture
async def store(context: Any) -> AsyncIterator[ItemStore]:
    """That of the role."""
    url = context.engine.url.render_as_string(hide_password=False)
    engine = engine_of(url, application_name="test")
    yield ItemStore(engine, Partitions(engine))
    await engine.dispose()


@pytest.fixture
def send(context: Any, org: Any, types: dict[str, str], store: ItemStore) -> Send:
    """Puts an item into the history, as the role does."""
    shape = ItemShape.of(
        ItemType(
            id="message",
            name="Message",
            kind="CONTENT",
            version="v",
            fields=(
                ItemField(name="text", type="STRING"),
                ItemField(name="picture", type="IMAGE"),
                ItemField(name="from", type="IP_ADDRESS"),
            ),
            field_roles=FieldRoles(
                creator_id="author", thread_id="thread", parent_id="parent", created_at="said"
            ),
        )
    )

    async def put(item_id: str, *, ago: timedelta = timedelta(minutes=1), **data: Any) -> None:
        type_id = data.pop("type_id", types["message"])
        author = ItemRef(id="ann", type_id=types["member"])
        searched = data.pop("searched", False)
        submission_id = new_id()
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=org.org_id,
            time=context.clock() - ago,
            correlation_id=submission_id,
            submission_id=submission_id,
            item=SubmittedItem(
                id=item_id,
                type_id=type_id,
                type_version="v",
                data=msgspec.Raw(msgspec.json.encode(data)),
                creator=None if type_id == types["member"] else author,
            ),
            request_id="r",
            config_revision=1,
        )
        versions = versions_of(event, lambda _org, _item: Indexing(shape, searched=searched))
        await store.add(versions)

    return put
