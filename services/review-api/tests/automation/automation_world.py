"""An organisation with jobs of a user, for the tests of what is carried out by itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import (
    DecisionMade,
    ItemRef,
    ReportEntry,
    SubmittedItem,
)
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing
from coop_queues.table import jobs
from coop_review_api.automation.table import automations
from coop_review_api.automation.worker import AutomationLimits, AutomationWorker
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.kernel.schema import outbox
from coop_review_api.review.desk import Desk
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction


class Killed(BaseException):
    """The process died here."""


@dataclass
class World:
    """An organisation whose queue clears a user's other jobs when they are banned."""

    context: Any
    org_id: str
    admin: Any
    moderator: Any
    queue: str
    other: str
    appeals: str
    post: str
    user: str
    ban: str
    warn: str

    async def place(self, item_id: str, author: str | None = "bad", **more: Any) -> str:
        """A report about a post of `author`, or about a user; the job's id."""
        type_id = more.pop("type_id", self.post)
        report_id = str(uuid.uuid4())
        reporter = more.pop("reporter", "reporter-1")
        at = self.context.clock() - timedelta(minutes=1)
        placement = Placement(
            org_id=more.pop("org_id", self.org_id),
            queue_id=more.pop("queue", self.queue),
            kind=more.pop("kind", JobKind.DEFAULT),
            item=SubmittedItem(
                id=item_id,
                type_id=type_id,
                type_version="2026-01-01T00:00:00.000000Z",
                data=msgspec.Raw(more.pop("data", b'{"text": "buy now"}')),
                creator=None if author is None else ItemRef(id=author, type_id=self.user),
            ),
            entry=JobEntry(
                entry_id=report_id,
                source=more.pop("source", "REPORT"),
                at=at,
                routing=Routing(how="DEFAULT", config_revision=1),
                report=ReportEntry(
                    report_id=report_id,
                    reported_at=at,
                    reporter=ItemRef(id=reporter, type_id=self.user) if reporter else None,
                )
                if reporter != "nobody"
                else None,
                **more,
            ),
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def decide(self, job_id: str, components: Any) -> Any:
        """Claims until it is that job, and decides it."""
        for _ in range(50):
            answer = await self.moderator.call("POST", f"/v1/queues/{self.queue}/claims")
            assert answer.status_code == 200, answer.text
            claim = answer.json()
            if claim["job"]["id"] == job_id:
                break
            token = {"X-Lease-Token": claim["lease"]["token"]}
            skip = {"leaseToken": claim["lease"]["token"]}
            path = f"/v1/jobs/{claim['job']['id']}/skip"
            await self.moderator.call("POST", path, skip, headers=token)
        body = {"leaseToken": claim["lease"]["token"], "components": components}
        answer = await self.moderator.call("POST", f"/v1/jobs/{job_id}/decisions", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def states(self) -> dict[str, str]:
        """Pending or closed, by job."""
        query = select(jobs.c.job_id, jobs.c.state).where(jobs.c.org_id == self.org_id)
        async with transaction(self.context.engine) as connection:
            return {str(job): state for job, state in await connection.execute(query)}

    async def sent(self, type_: Any) -> list[Any]:
        query = select(outbox.c.value).where(outbox.c.topic == type_.topic).order_by(outbox.c.id)
        async with transaction(self.context.engine) as connection:
            found = [msgspec.json.decode(v, type=type_) for v in await connection.scalars(query)]
        return [event for event in found if event.org_id == self.org_id]

    async def automatic(self) -> list[DecisionMade]:
        return [made for made in await self.sent(DecisionMade) if made.automatic]

    async def rows(self) -> list[Any]:
        query = select(automations).where(automations.c.org_id == self.org_id)
        async with transaction(self.context.engine) as connection:
            return list((await connection.execute(query)).all())

    def worker(self, **more: Any) -> AutomationWorker:
        return AutomationWorker(
            self.context.engine,
            self.context.part(Desk).order,
            clock=self.context.clock,
            limits=self.context.part(AutomationLimits),
            **more,
        )

    def batches_of(self, jobs: int) -> None:
        """Automations take so many jobs at a time from now on."""
        self.context.parts[AutomationLimits] = AutomationLimits(jobs=jobs)

    async def settle(self) -> None:
        """Carries this organisation's automations out until nothing is due."""
        worker = self.worker()
        for row in await self.rows():
            while await worker.advance(row.automation_id):
                pass

    async def configure(self, **settings: Any) -> None:
        async with transaction(self.context.engine) as connection:
            configuration = await lock(
                connection, self.org_id, author="test", clock=self.context.clock
            )
            document = OrgSettings(id=SETTINGS_ID, name="Acme", **settings)
            await configuration.save(Kind.SETTINGS, document)

    async def set_queue(self, **fields: Any) -> None:
        clearing = {
            "clearReportsDisposition": "AUTOMATIC_CLOSE",
            "clearReportsTriggerActionIds": [self.ban],
        }
        body = {"name": "Default", "isDefaultQueue": True, **clearing, **fields}
        answer = await self.admin.call("PUT", f"/v1/queues/{self.queue}", body)
        assert answer.status_code == 200, answer.text

    async def count(self, *conditions: Any) -> int:
        query = select(func.count()).select_from(decisions).where(*conditions)
        async with transaction(self.context.engine) as connection:
            return int(await connection.scalar(query) or 0)

    @classmethod
    async def make(cls, context: Any, admin: Any, sign_in: Any, org: Any, kit: Any) -> World:
        """The queue closes a user's other jobs when they are banned."""
        post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
        ban = {"name": "Ban", "callbackUrl": kit.callback, "appliesToAllItemsOfKind": ["USER"]}
        made = cls(
            context=context,
            org_id=org.org_id,
            admin=admin,
            moderator=await sign_in(Role.MODERATOR),
            queue=org.default_queue_id,
            other=(await admin.make("/v1/queues", {"name": "Spam", "openToEveryone": True}))["id"],
            appeals=org.appeals_queue_id,
            post=post,
            user=org.default_user_type_id,
            ban=(await admin.make("/v1/actions", ban))["id"],
            warn=(await admin.make("/v1/actions", kit.action(post, name="Warn")))["id"],
        )
        await made.set_queue()
        return made


def banned(world: World, *, user: str = "bad") -> list[dict[str, Any]]:
    """The author of the job's item is banned."""
    items = [{"id": user, "typeId": world.user}]
    return [
        {"type": "RELATED_ACTION", "items": items, "actionIds": [world.ban]},
        {"type": "CUSTOM_ACTION", "actionIds": [world.warn]},
    ]
