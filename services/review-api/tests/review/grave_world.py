"""Grave material, come in each of the six ways, with everything that the system keeps beside it.

What is grave was plain before: its items were submitted, evaluated and acted on, its jobs were
claimed, decided, commented on, sampled, exported, as those of any item. Then it comes to the
child-safety queue, as the events say it and as routing places them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import httpx
import msgspec
from msgspec import to_builtins
from sqlalchemy import insert, select

from coop_contracts.event import (
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    ReportEntry,
    RequestedExecution,
    ReviewRequested,
    Source,
    StrikesChanged,
    SubmittedItem,
)
from coop_contracts.export import api_examples
from coop_contracts.ids import cybertip_id, new_id
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing, requested_entry_id
from coop_review_api.backtest.table import backtest_labels, backtest_samples, backtests
from coop_review_api.export.store import ExportLimits
from coop_review_api.export.worker import Exporter
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_review_api.kernel.schema import outbox
from coop_review_api.notification.strike import StrikeHistory
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.message import Received

from ..world.evaluation import Evaluated

Way = Literal["REVIEWER", "REPORT", "REPORT_OF_ITEM", "RULE", "POST_ACTIONS", "STRIKE_THRESHOLD"]
"""REPORT_OF_ITEM: nobody knows whose it is."""
WAYS: Final = get_args(Way)

WORDS = "words only a few may read"
TEXT = f"cave {WORDS}"
ESCALATE = {"type": "ESCALATE_TO_NCMEC"}
SPAN = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}


def has_words(text: str) -> bool:
    """Whether something of the material is in it: its words, or the id of one of its items."""
    return WORDS in text or "grave-" in text


@dataclass(frozen=True)
class Kept:
    """What there is of one grave item: ids."""

    item: ItemRef
    submission: str
    execution: str
    decided: str
    decision: str
    pending: str
    backtest: str
    retroaction: str
    reversal: str
    golden: str
    medium: str


@dataclass
class GraveWorld:
    """An organisation in which nothing but grave material was ever submitted. `clerk` did what is
    done to it; `viewer` may see it, `other` may do everything else. `picture` is the address of
    what the items show."""

    clerk: Any
    viewer: Any
    other: Any
    kit: Any
    context: Any
    org_id: str
    dispatcher: Any
    picture: str
    ids: dict[str, str] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)

    @property
    def cybertip(self) -> str:
        """The id of the author's report."""
        return cybertip_id(decision_id=self.kept[0].decision)

    @property
    def author(self) -> ItemRef:
        return ItemRef(id="grave-user", type_id=self.ids["user"])

    def item(self, item_id: str) -> SubmittedItem:
        """An item as it is submitted: a post of the author's, or the author."""
        is_user = item_id == self.author.id
        data = {"text": TEXT, "picture": {"url": self.picture}}
        return SubmittedItem(
            id=item_id,
            type_id=self.ids["user" if is_user else "post"],
            type_version="2026-01-01T00:00:00.000000Z",
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=None if is_user else self.author,
        )

    async def begin(self) -> None:
        """The organisation's configuration."""
        make = self.clerk.make
        fields = [{"name": "text", "type": "STRING", "required": True}]
        fields.append({"name": "picture", "type": "IMAGE", "required": False})
        author = [*fields, {"name": "author", "type": "RELATED_ITEM"}]
        post = self.kit.item_type(fields=author)
        user = self.kit.item_type("Person", kind="USER", fields=fields, fieldRoles={})
        self.ids["post"] = (await make("/v1/item-types", post))["id"]
        self.ids["user"] = (await make("/v1/item-types", user))["id"]
        types = [self.ids["post"], self.ids["user"]]
        action = self.kit.action(self.ids["post"], itemTypeIds=types)
        self.ids["action"] = (await make("/v1/actions", action))["id"]
        plain = {"name": "Plain", "openToEveryone": True, "secondReviewShare": 1.0}
        self.ids["plain"] = (await make("/v1/queues", plain))["id"]
        ncmec = {"name": "Child safety", "openToEveryone": True}
        self.ids["ncmec"] = (await make("/v1/queues", ncmec))["id"]
        settings = {"name": "Acme", "undoWindow": 0, "ncmecQueueId": self.ids["ncmec"]}
        answer = await self.clerk.call("PUT", "/v1/settings", settings)
        assert answer.status_code == 200, answer.text
        self.ids["bank"] = (await make("/v1/hash-banks", {"name": "Known", "enabledRatio": 1}))[
            "id"
        ]
        for name in ("post", "user"):
            condition = self.kit.contains(strings=["cave"])
            live = {"name": f"Caves {name}", "status": "LIVE", "conditionSet": condition}
            rule = self.kit.rule(self.ids[name], **live, actionIds=[self.ids["action"]])
            self.ids[f"rule {name}"] = (await make("/v1/rules", rule))["id"]

    async def keep(self, item_id: str) -> Kept:
        """An item as plain as any, with everything that comes to be of one."""
        item = self.item(item_id)
        ref = ItemRef(id=item.id, type_id=item.type_id)
        submission, execution = await self._evaluated(item)
        await self._remembered(item, submission)
        decided, decision = await self._decided(item)
        golden = await self.clerk.make("/v1/quality/golden-items", {"decisionId": decision})
        reversal = await self.clerk.make("/v1/reversals", {"decisionId": decision})
        pending = await self._held_by_other(item)
        tried = [await self._tried(path, ref) for path in ("backtests", "retroactions")]
        kept = Kept(
            item=ref,
            submission=submission,
            execution=execution,
            decided=decided,
            decision=decision,
            pending=pending,
            backtest=tried[0],
            retroaction=tried[1],
            reversal=reversal["id"],
            golden=golden["id"],
            medium=await self._medium(decided),
        )
        self.kept.append(kept)
        return kept

    async def _remembered(self, item: SubmittedItem, submission: str) -> None:
        """The item in the history."""
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.context.clock(),
            correlation_id=submission,
            submission_id=submission,
            item=item,
            request_id="r",
            config_revision=1,
        )
        versions = versions_of(event, lambda _org, _item: Indexing(ItemShape(), searched=False))
        await ItemStore(self.context.engine, Partitions(self.context.engine)).add(versions)

    async def _evaluated(self, item: SubmittedItem) -> tuple[str, str]:
        world = Evaluated(self.clerk, self.context, self.org_id, self.kit)
        data = msgspec.json.decode(item.data)
        creator = item.creator or ItemRef(id=item.id, type_id=item.type_id)
        submission = await world.submit(item.type_id, data, item_id=item.id, creator=creator)
        execution = RequestedExecution(execution_id=new_id(), action_id=self.ids["action"])
        await world.evaluate(submission, executions=(execution,))
        asked = ActionRequested(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.context.clock(),
            correlation_id=submission,
            execution_id=execution.execution_id,
            action_id=self.ids["action"],
            item=ItemRef(id=item.id, type_id=item.type_id),
            source="RULE_EXECUTION",
            config_revision=1,
            creator=item.creator,
            cause_id=submission,
        )
        await world.request(asked)
        return submission, execution.execution_id

    async def _decided(self, item: SubmittedItem) -> tuple[str, str]:
        job = await self.place("plain", item)
        claimed = await self._claim(self.clerk, job)
        path = f"/v1/jobs/{job}"
        comment = {"body": WORDS, "mentions": [self.other.user_id]}
        await self.clerk.make(f"{path}/comments", comment)
        acted = {"type": "CUSTOM_ACTION", "actionIds": [self.ids["action"]]}
        body = {"leaseToken": claimed, "components": [acted], "reason": WORDS, "note": WORDS}
        return job, (await self.clerk.make(f"{path}/decisions", body))["id"]

    async def _medium(self, job: str) -> str:
        """What the job's picture is asked for by."""
        shown = (await self.clerk.call("GET", f"/v1/jobs/{job}")).json()
        (ref,) = {one["ref"] for one in shown["payload"]["media"]}
        return str(ref)

    async def _held_by_other(self, item: SubmittedItem) -> str:
        job = await self.place("plain", item)
        self.tokens[job] = await self._claim(self.other, job)
        draft = {"content": {"reason": f"grave-draft {WORDS}"}}
        answer = await self.other.call("PUT", f"/v1/jobs/{job}/draft", draft)
        assert answer.status_code == 200, answer.text
        return job

    async def _claim(self, person: Any, job: str) -> str:
        claimed = await person.call("POST", f"/v1/queues/{self.ids['plain']}/claims")
        assert claimed.status_code == 200, claimed.text
        assert claimed.json()["job"]["id"] == job
        return str(claimed.json()["lease"]["token"])

    async def _tried(self, path: str, item: ItemRef) -> str:
        name = "post" if item.type_id == self.ids["post"] else "user"
        condition = self.kit.contains(strings=["cave"])
        rule = self.kit.rule(
            item.type_id,
            name=f"Tried {new_id()}",
            conditionSet=condition,
            actionIds=[self.ids["action"]],
        )
        made = await self.clerk.call("POST", f"/v1/{path}", {"rule": rule, **SPAN})
        if made.status_code == 409:  # as many as may run
            return self.kept[0].backtest if path == "backtests" else self.kept[0].retroaction
        assert made.status_code == 202, (name, made.text)
        made_id = str(made.json()["id"])
        async with transaction(self.context.engine) as connection:
            backtest_id = await connection.scalar(
                select(backtests.c.backtest_id).where(
                    (backtests.c.backtest_id == made_id) | (backtests.c.retroaction_id == made_id)
                )
            )
            await connection.execute(
                insert(backtest_samples).values(
                    backtest_id=backtest_id,
                    rank=uuid.uuid4().hex,
                    submission_id=new_id(),
                    item_type_id=item.type_id,
                    item_id=item.id,
                    time=datetime.now(UTC),
                    passed=True,
                    conditions="[]",
                )
            )
            # Of an item that became grave after it was taken for a label.
            await connection.execute(
                insert(backtest_labels).values(
                    backtest_id=backtest_id,
                    position=100_000,
                    item_type_id=item.type_id,
                    item_id=item.id,
                    job_id=str(uuid.uuid4()),
                    acted=True,
                    decided_at=datetime.now(UTC),
                )
            )
        return made_id

    async def export(self) -> None:
        """A file of the log as it is now, of each of the two."""
        for name, person in (("viewer", self.viewer), ("other", self.other)):
            made = await person.call("POST", "/v1/decision-log/exports", {"format": "JSONL"})
            assert made.status_code == 202, made.text
            self.exports[name] = made.json()["id"]
        exporter = Exporter(self.context.engine, clock=self.context.clock, limits=ExportLimits())
        while await exporter.step():
            pass

    async def place(self, queue: str, item: SubmittedItem, **more: Any) -> str:
        """A report's job."""
        report_id = str(uuid.uuid4())
        entry: dict[str, Any] = {
            "entry_id": report_id,
            "source": "REPORT",
            "at": self.context.clock(),
            "routing": Routing(how="DEFAULT", config_revision=1),
            "report": ReportEntry(
                report_id=report_id,
                reported_at=self.context.clock(),
                reporter=ItemRef(id="grave-reporter", type_id=self.ids["user"]),
                reason=WORDS,
            ),
            "csam": more.pop("csam", False),
        }
        placement = Placement(
            org_id=self.org_id,
            queue_id=self.ids[queue],
            item=item,
            entry=JobEntry(**entry),
            **more,
        )
        return await self._place(placement)

    async def _place(self, placement: Placement) -> str:
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def route(self, event: ReviewRequested) -> None:
        """Place what was asked for, as routing does (`coop_routing.placement`)."""
        assert event.job_kind == "NCMEC"
        entry = JobEntry(
            entry_id=requested_entry_id(event.entry_id),
            source=event.source,
            at=event.time,
            routing=Routing(how="SETTING", config_revision=event.config_revision),
            rules=event.rules,
            csam=True,
            from_job_id=event.from_job_id,
            correlation_id=event.correlation_id,
        )
        placement = Placement(
            org_id=self.org_id,
            queue_id=self.ids["ncmec"],
            kind=JobKind.NCMEC,
            item=event.item,
            entry=entry,
            additional_items=event.related_items,
        )
        self.jobs.append(await self._place(placement))

    def _request(self, source: Source, item: SubmittedItem, **more: Any) -> ReviewRequested:
        return ReviewRequested(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.context.clock(),
            correlation_id=self.kept[0].submission,
            entry_id=new_id(),
            item=item,
            source=source,
            config_revision=1,
            job_kind="NCMEC",
            **more,
        )

    async def come(self, way: Way) -> None:
        """What was kept becomes grave, in this way."""
        match way:
            case "REVIEWER":
                await self._escalate()
            case "REPORT" | "REPORT_OF_ITEM":
                await self._reported_as_csam(way)
            case "RULE" | "POST_ACTIONS":
                source: Source = "RULE_EXECUTION" if way == "RULE" else way
                related = (self.item("grave-item"),)
                user = self.item(self.author.id)
                await self.route(self._request(source, user, related_items=related))
            case "STRIKE_THRESHOLD":
                await self.route(self._request(way, self.item(self.author.id)))
        self._answers()

    async def _reported_as_csam(self, way: Way) -> None:
        beside, thread = (self.item("grave-media"),), (self.item("grave-thread"),)
        more: dict[str, Any] = {"thread_items": thread, "csam": True}
        item = self.item("grave-item")
        if way == "REPORT":
            more |= {"kind": JobKind.NCMEC, "additional_items": (item, *beside)}
            item = self.item(self.author.id)
        else:
            more |= {"additional_items": beside}
        self.jobs.append(await self.place("ncmec", item, **more))

    async def _escalate(self) -> None:
        """A reviewer without the permission escalates the job of the item that they hold."""
        job = self.kept[0].pending
        body = {"leaseToken": self.tokens[job], "components": [ESCALATE]}
        answer = await self.other.call("POST", f"/v1/jobs/{job}/decisions", body)
        assert answer.status_code == 201, answer.text
        query = select(outbox.c.value).where(outbox.c.topic == ReviewRequested.topic)
        async with transaction(self.context.engine) as connection:
            values = (await connection.scalars(query)).all()
        events = [msgspec.json.decode(value, type=ReviewRequested) for value in values]
        await self.route(next(one for one in events if one.org_id == self.org_id))

    def _answers(self) -> None:
        """What the dispatcher says of the material."""
        root = f"/internal/v1/orgs/{self.org_id}"
        now = "2026-03-01T12:00:00Z"
        for one in self.kept:
            delivery = {
                "executionId": one.execution,
                "kind": "ACTION",
                "actionId": self.ids["action"],
                "item": {"id": one.item.id, "typeId": one.item.type_id},
                "state": "DEAD",
                "attempts": 1,
                "createdAt": now,
                "finishedAt": now,
                "nextAttemptAt": None,
                "waitsFor": None,
                "lastStatus": 500,
                "lastError": None,
                "endpointId": "7",
                "endpoint": "https://platform.example",
            }
            detail: dict[str, Any] = {
                "source": "RULE_EXECUTION",
                "rules": [],
                "policyIds": [],
                "actorId": None,
                "causeId": one.submission,
                "reverses": None,
                "body": WORDS,
                "log": [],
            }
            answers = self.dispatcher.answers
            found = answers.get(f"{root}/deliveries")
            before = found.json()["items"] if found else []
            page = {"items": [*before, delivery], "nextCursor": None}
            answers[f"{root}/deliveries"] = httpx.Response(200, json=page)
            at = f"{root}/deliveries/{one.execution}"
            answers[at] = httpx.Response(200, json=delivery | detail)
        strike = {
            "strikeId": "grave-strike",
            "causeId": self.kept[0].submission,
            "policyId": "p-1",
            "weight": 3,
            "state": "LIVE",
            "struckAt": now,
            "expiresAt": now,
            "executions": [],
        }
        strikes = {"total": 3, "nextExpiryAt": now, "items": [strike], "nextCursor": None}
        answers[f"{root}/strikes"] = httpx.Response(200, json=strikes)
        crossing = {
            "crossingId": "grave-crossing",
            "user": {"id": self.author.id, "typeId": self.author.type_id},
            "threshold": 3,
            "total": 4,
            "causeId": self.kept[0].submission,
            "executions": [],
            "crossedAt": now,
            "fellAt": None,
        }
        page = {"items": [crossing], "nextCursor": None}
        answers[f"{root}/strikes/threshold-actions"] = httpx.Response(200, json=page)
        added = {"added": 1, "known": 0, "pdq": None, "md5": "0" * 32, "quality": None}
        answers[f"{root}/hash-banks/{self.ids['bank']}/files"] = httpx.Response(200, json=added)
        self._reported(root)

    def _reported(self, root: str) -> None:
        """What the reporter says: the author was reported to NCMEC."""
        examples = api_examples("cybertip")
        tip = examples["getCybertip"]["answers"]["cybertip"]
        tip |= {"id": self.cybertip, "user": to_builtins(self.author), "warnings": [WORDS]}
        details = {"cybertip": tip, "attempts": []}
        document = {"text": f"<report>{WORDS}</report>"}
        for path, said in {
            "cybertips": {"cybertips": [tip], "nextCursor": None},
            f"cybertips/{self.cybertip}": details,
            f"cybertips/{self.cybertip}/retry": details,
            f"cybertips/{self.cybertip}/hold": details,
            f"cybertips/{self.cybertip}/hold/lift": details,
            f"cybertips/{self.cybertip}/destruction": details,
            f"cybertips/{self.cybertip}/destruction/confirm": details,
            f"cybertips/{self.cybertip}/destruction/refuse": details,
            f"cybertips/{self.cybertip}/documents/document": document,
        }.items():
            self.dispatcher.answers[f"{root}/{path}"] = httpx.Response(200, json=said)

    async def strike(self) -> None:
        """What the log says of the author's strikes."""
        changed = StrikesChanged(
            event_id=f"grave-change-{new_id()}",
            org_id=self.org_id,
            time=datetime.now(UTC),
            correlation_id="c",
            user=self.author,
            cause_id=self.kept[0].submission,
            delta=1,
            total=1,
        )
        received = Received(changed, b"key", changed.topic, 0, 0, {}, -1)
        await StrikeHistory(self.context.engine, clock=self.context.clock)([received])

    async def hold(self) -> None:
        """The viewer takes a job from the child-safety queue, and leaves words in a draft."""
        claimed = await self.viewer.call("POST", f"/v1/queues/{self.ids['ncmec']}/claims")
        assert claimed.status_code == 200, claimed.text
        assert has_words(claimed.text)
        draft = {"content": {"reason": f"grave-draft {WORDS}"}}
        path = f"/v1/jobs/{claimed.json()['job']['id']}/draft"
        assert (await self.viewer.call("PUT", path, draft)).status_code == 200


def permissions_but(*left_out: Permission) -> list[str]:
    """All of them but these."""
    return sorted(str(one) for one in Permission if one not in left_out)
