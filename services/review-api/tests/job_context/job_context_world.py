"""A conversation in the history, and a job about one of its messages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from coop_contracts.config import Field as ItemField
from coop_contracts.config import FieldRoles, ItemType
from coop_contracts.event import ItemRef, ItemSubmitted, ReportEntry, SubmittedItem
from coop_contracts.ids import new_id
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions

FIELDS = [
    {"name": "text", "type": "STRING"},
    {"name": "author", "type": "RELATED_ITEM"},
    {"name": "thread", "type": "RELATED_ITEM"},
    {"name": "said", "type": "DATETIME"},
    {"name": "picture", "type": "IMAGE"},
]
ROLES = {"creatorId": "author", "threadId": "thread", "createdAt": "said"}
MEMBER_FIELDS = [
    {"name": "name", "type": "STRING"},
    {"name": "face", "type": "IMAGE"},
    {"name": "joined", "type": "DATETIME"},
]
MEMBER_ROLES = {"displayName": "name", "profileIcon": "face", "createdAt": "joined"}
_SHAPE = ItemShape.of(
    ItemType(
        id="message",
        name="Message",
        kind="CONTENT",
        version="v",
        fields=(ItemField(name="picture", type="IMAGE"),),
        field_roles=FieldRoles(creator_id="author", thread_id="thread", created_at="said"),
    )
)


def _indexed(_org_id: str, _item: SubmittedItem) -> Indexing:
    return Indexing(_SHAPE, searched=False)


class Conversation:
    """Types, queue, people of the platform; what is sent goes to the history, or beside a job."""

    def __init__(self, admin: Any, context: Any, org_id: str, kit: Any) -> None:
        self.admin = admin
        self.context = context
        self.org_id = org_id
        self.kit = kit
        self.message = self.member = self.queue = self.version = ""
        self.start: datetime = context.clock() - timedelta(hours=3)

    async def prepare(self) -> None:
        message = self.kit.item_type(
            "Message", fields=FIELDS, fieldRoles=ROLES, hiddenFields=["picture"]
        )
        made = await self.admin.make("/v1/item-types", message)
        self.message, self.version = made["id"], made["version"]
        member = self.kit.item_type(
            "Member", kind="USER", fields=MEMBER_FIELDS, fieldRoles=MEMBER_ROLES
        )
        self.member = (await self.admin.make("/v1/item-types", member))["id"]
        queue = {"name": "Talk", "openToEveryone": True}
        self.queue = (await self.admin.make("/v1/queues", queue))["id"]

    def user(self, name: str) -> ItemRef:
        return ItemRef(id=name, type_id=self.member)

    def said(self, number: int, *, author: str = "ann") -> SubmittedItem:
        """The message of this number."""
        creator = self.user(author)
        data = {
            "text": f"word {number}",
            "author": {"id": creator.id, "typeId": creator.type_id},
            "thread": {"id": "room", "typeId": "topic"},
            "said": (self.start + timedelta(seconds=number)).isoformat(),
        }
        return self.item(f"m/{number:04}", self.message, data, creator)

    def profile(self, name: str, **data: Any) -> SubmittedItem:
        whole = {"name": name.title(), "face": {"url": f"https://p.example/{name}.png"}} | data
        return self.item(name, self.member, whole, None)

    def item(
        self, item_id: str, type_id: str, data: dict[str, Any], creator: ItemRef | None
    ) -> SubmittedItem:
        return SubmittedItem(
            id=item_id,
            type_id=type_id,
            type_version=self.version,
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=creator,
        )

    async def send(
        self, *items: SubmittedItem, ago: timedelta = timedelta(hours=2), org_id: str | None = None
    ) -> None:
        """Into the history, as its role does."""
        versions = []
        for item in items:
            submission_id = new_id()
            event = ItemSubmitted(
                event_id=new_id(),
                org_id=org_id or self.org_id,
                time=self.context.clock() - ago,
                correlation_id=submission_id,
                submission_id=submission_id,
                item=item,
                request_id="r",
                config_revision=1,
            )
            versions += versions_of(event, _indexed)
        await ItemStore(self.context.engine, Partitions(self.context.engine)).add(versions)

    async def report(
        self,
        item: SubmittedItem,
        *,
        reporters: Sequence[str] = ("bob",),
        thread: Sequence[SubmittedItem] = (),
        queue: str | None = None,
        **entry: Any,
    ) -> str:
        """Reports of the item; the job's id."""
        job_id = ""
        for name in reporters:
            report_id = str(uuid.uuid4())
            placement = Placement(
                org_id=self.org_id,
                queue_id=queue or self.queue,
                item=item,
                thread_items=tuple(thread),
                entry=JobEntry(
                    entry_id=report_id,
                    source="REPORT",
                    at=self.context.clock(),
                    routing=Routing(how="DEFAULT", config_revision=1),
                    report=ReportEntry(
                        report_id=report_id,
                        reported_at=self.context.clock(),
                        reporter=self.user(name),
                        reason="rude",
                    ),
                    **entry,
                ),
            )
            job_id = await self.place(placement)
        return job_id

    async def place(self, placement: Placement) -> str:
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id


async def context_of(person: Any, job_id: str) -> Any:
    """The answer, which has to be one."""
    answer = await person.call("GET", f"/v1/jobs/{job_id}/context")
    assert answer.status_code == 200, answer.text
    return answer.json()
