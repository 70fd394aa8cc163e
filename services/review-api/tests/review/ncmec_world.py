"""A child-safety job about a user, and what is decided of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import insert, select

from coop_contracts.config import Kind, NcmecSettings, OrgSettings
from coop_contracts.event import (
    ActionRequested,
    CybertipRequested,
    DecisionMade,
    ItemRef,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing
from coop_queues.reading import item_key
from coop_review_api.configuration.check import SETTINGS_ID, DocumentChecks
from coop_review_api.configuration.log import lock
from coop_review_api.kernel.schema import outbox
from coop_review_api.media.table import media_reveals
from coop_review_api.media_value.reference import digest_of
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

Published = TypeVar("Published", ActionRequested, CybertipRequested, DecisionMade)

URLS = ("https://cdn.example/1.png", "https://cdn.example/2.png")
WORDS = "words for the report alone"


@dataclass
class World:
    """A child-safety job about a user, with two pictures of theirs."""

    context: Any
    admin: Any
    org_id: str
    post: str
    user: str
    queue: str

    async def settle(self, *, window: int = 60, **ncmec: Any) -> None:
        """The organisation's settings; with an undo window of so many seconds."""
        whole: dict[str, Any] = {
            "enabled": True,
            "username": "esp",
            "password": "ciphertext",
            "company_report_name": "Example",
            "legal_url": "https://example.com/legal",
            "contact_email": "safety@example.com",
            "minimum_media": 1,
        }
        async with transaction(self.context.engine) as connection:
            log = await lock(
                connection,
                self.org_id,
                author="test",
                clock=self.context.clock,
                checks=self.context.part(DocumentChecks),
            )
            settings = OrgSettings(
                id=SETTINGS_ID, name="A", undo_window=window, ncmec_queue_id=self.queue
            )
            await log.save(Kind.SETTINGS, settings)
            document = NcmecSettings(id=SETTINGS_ID, **whole | ncmec)
            await log.save(Kind.NCMEC_SETTINGS, document)

    async def place(self, kind: JobKind = JobKind.NCMEC) -> dict[str, Any]:
        """The job, claimed."""
        posts = tuple(
            self.item(self.post, f"post-{n}", {"text": f"{n}", "picture": {"url": url}})
            for n, url in enumerate(URLS)
        )
        entry = JobEntry(
            entry_id=str(uuid.uuid4()),
            source="REPORT",
            csam=True,
            at=self.context.clock(),
            routing=Routing(how="DEFAULT", config_revision=1),
        )
        placement = Placement(
            org_id=self.org_id,
            item=self.item(self.user, "user-1", {}),
            queue_id=self.queue,
            entry=entry,
            additional_items=posts,
            kind=kind,
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        claim = await self.admin.call("POST", f"/v1/queues/{self.queue}/claims")
        found: dict[str, Any] = claim.json()
        return found

    def item(self, type_id: str, item_id: str, data: Any) -> SubmittedItem:
        return SubmittedItem(
            id=item_id,
            type_id=type_id,
            type_version="2026-01-01T00:00:00.000000Z",
            data=msgspec.Raw(json.dumps(data).encode()),
            creator=ItemRef("user-1", self.user),
            submission_id=new_id(),
        )

    async def look(self, claim: dict[str, Any], *numbers: int, stage: str = "clear") -> None:
        """The reviewer lifts the veil of these."""
        now = self.context.clock()
        async with transaction(self.context.engine) as connection:
            for number in numbers:
                await connection.execute(
                    insert(media_reveals).values(
                        reveal_id=uuid.uuid4().hex,
                        org_id=self.org_id,
                        user_id=self.admin.user_id,
                        session_id="s",
                        reference="r",
                        stage=stage,
                        job_id=claim["job"]["id"],
                        item_key=item_key(self.post, f"post-{number}"),
                        value_key=digest_of(URLS[number]),
                        is_graphic=True,
                        is_grave=True,
                        revealed_at=now,
                        expires_at=now + timedelta(seconds=60),
                        seconds=20,
                    )
                )

    def report(self, **more: Any) -> dict[str, Any]:
        medium = {
            "item": {"id": "post-0", "typeId": self.post},
            "pointer": "/picture",
            "classification": "B2",
            "annotations": ["VIRAL"],
        }
        return {
            "incident": "CHILD_PORNOGRAPHY",
            "environment": "TEST",
            "confirmedUserId": "user-1",
            "media": [medium],
            "victims": [{"user": {"id": "user-2", "typeId": self.user}, "age": 13}],
            "additionalInfo": WORDS,
        } | more

    async def decide(self, claim: dict[str, Any], report: dict[str, Any], *more: Any) -> Any:
        parts = [{"type": "SUBMIT_NCMEC_REPORT", "report": report}, *more]
        body = {"leaseToken": claim["lease"]["token"], "components": parts}
        return await self.admin.call("POST", f"/v1/jobs/{claim['job']['id']}/decisions", body)

    async def sent(self) -> list[CybertipRequested]:
        return await self.published(CybertipRequested)

    async def published(self, kind: type[Published]) -> list[Published]:
        """What is on its way to that event's topic."""
        query = select(outbox.c.value).where(outbox.c.topic == kind.topic).order_by(outbox.c.id)
        async with transaction(self.context.engine) as connection:
            rows = list(await connection.scalars(query))
        found = [msgspec.json.decode(row, type=kind) for row in rows]
        return [event for event in found if event.org_id == self.org_id]


async def world_of(admin: Any, org: Any, kit: Any, context: Any) -> World:
    """With settings that are complete."""
    fields = [
        {"name": "text", "type": "STRING"},
        {"name": "picture", "type": "IMAGE"},
        {"name": "author", "type": "RELATED_ITEM"},
    ]
    post = await admin.make("/v1/item-types", kit.item_type(fields=fields))
    queue = await admin.make("/v1/queues", {"name": "Child safety", "openToEveryone": True})
    made = World(context, admin, org.org_id, post["id"], org.default_user_type_id, queue["id"])
    await made.settle()
    return made
