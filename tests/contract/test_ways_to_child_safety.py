"""Every way into the queue of child safety, each by the code that asks for it, placed by routing.

reviewer, report that says csam, rule, POST /actions/, strike threshold, copies of a hash
    ─▶ one job of kind NCMEC about the user, with what they made beside it
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.strike import User
from coop_action_dispatcher.threshold import Account
from coop_action_dispatcher.threshold import Cause as StrikeCause
from coop_action_dispatcher.threshold import Rulebook as StrikeRulebook
from coop_contracts.config import (
    Action,
    ActionType,
    Document,
    Field,
    ItemType,
    Kind,
    OrgSettings,
    Queue,
    Rule,
    RuleStatus,
    ScalarType,
    StrikeThreshold,
)
from coop_contracts.event import (
    ActionOrdered,
    DecisionMade,
    ItemRef,
    ItemSubmitted,
    ReportReason,
    ReportSubmitted,
    ReviewRequested,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_local.testing import Databases, password_of
from coop_queues.job import Job, JobKind
from coop_queues.migrations import run
from coop_queues.store import OrderIndex, get_job, jobs_of_item
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.enforcement.platform_order import Knowledge, effect_of
from coop_review_api.hash_bank.seen_copy import CopyOrder, request_of
from coop_review_api.kernel.error import Invalid
from coop_review_api.review import escalation, user_media
from coop_review_api.review.decision import Component, Draft, Rulebook
from coop_review_api.review.decision_check import check
from coop_routing.entry_router import EntryRouter
from coop_routing.handler import Placer
from coop_routing.placement import Cause
from coop_routing.route_table import RouteTables
from coop_rules.program.program import EnabledRule
from coop_rules_engine.evaluation import LaneResult
from coop_rules_engine.result_message import effects_of
from coop_rules_engine.rules.plan import plan_of
from coop_rules_engine.submission import Submission
from coop_runtime.database.engine import bootstrap, engine_of, service_url, transaction
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.message import Received
from coop_signals.media_value import MediaValues

pytestmark = pytest.mark.engines

PASSWORDS: Final = {
    role: password_of(role)
    for role in ("coop_review", "coop_review_owner", "coop_queues", "coop_queues_owner")
}
VERSION: Final = "2026-01-01T00:00:00.000000Z"
URL: Final = "https://cdn.example/1.png"
AUTHOR: Final = ItemRef("author", "user")


class Nobody:
    """Nothing is asked of models or strikes: the settings name the queue."""

    def gives(self, signal: str) -> bool:
        raise AssertionError(signal)

    async def values(self, *_: Any, **__: Any) -> Any:
        raise AssertionError


@dataclass
class World:
    """An organisation that reports to NCMEC, and what routing places of it."""

    org_id: str
    documents: dict[Kind, dict[str, Document]]
    table: ConfigTable
    engine: AsyncEngine
    order: OrderIndex
    placer: Placer

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.documents, revision=1)

    def post(self, *, creator: ItemRef | None = AUTHOR, item_id: str = "post") -> SubmittedItem:
        return SubmittedItem(
            id=item_id,
            type_id="post",
            type_version=VERSION,
            data=msgspec.Raw(msgspec.json.encode({"text": "t", "picture": {"url": URL}})),
            creator=creator,
        )

    def report(self, item: SubmittedItem, *, csam: bool = True, **more: Any) -> ReportSubmitted:
        return ReportSubmitted(
            **self._envelope(),
            report_id=new_id(),
            reporter=ItemRef(f"reporter-{new_id()}", "user"),
            reported_at=datetime.now(UTC),
            item=item,
            reason=ReportReason(csam=csam),
            **more,
        )

    def _envelope(self) -> dict[str, Any]:
        return {
            "event_id": new_id(),
            "org_id": self.org_id,
            "time": datetime.now(UTC),
            "correlation_id": "c",
            "config_revision": 1,
        }

    async def by_reviewer(self, item: SubmittedItem) -> Cause:
        """A person has the post's plain job before them, and escalates it."""
        await self.place(self.report(item, csam=False))
        (job,) = await self.jobs(ItemRef(item.id, item.type_id))
        return self.escalated(job, self.rulebook())

    def escalated(self, job: Job, rulebook: Rulebook) -> Cause:
        made = DecisionMade(
            **self._envelope(),
            decision_id=new_id(),
            job_id=job.summary.job_id,
            queue_id=job.summary.queue_id,
            item=job.summary.item,
            reviewer_id="r",
            components=(),
        )
        return escalation.of(made, job, rulebook, actor_id="r", note=None).request

    def rulebook(self, *, author: ItemRef | None = None) -> Rulebook:
        return Rulebook(
            settings=OrgSettings(id="settings", name="A"),
            catalogue=self.catalogue,
            queue=None,
            revision=1,
            author=author,
        )

    async def by_report(self, item: SubmittedItem) -> Cause:
        return self.report(item)

    async def by_rule(self, item: SubmittedItem) -> Cause:
        event = ItemSubmitted(**self._envelope(), submission_id=new_id(), item=item, request_id="r")
        rule = Rule(
            id="r",
            name="R",
            status=RuleStatus.LIVE,
            item_type_ids=("post",),
            condition_set={},
            action_ids=("ncmec",),
        )
        enabled = EnabledRule.of(rule, 1)
        assert enabled is not None
        catalogue = self.catalogue
        item_type = catalogue.all(Kind.ITEM_TYPE, ItemType)[item.type_id]
        actions = catalogue.all(Kind.ACTION, Action)
        plan = plan_of(enabled, rule, item_type, actions, frozenset(), None)
        submission = Submission.of_event(event)
        result = LaneResult(submission=submission, lane="FAST", revision=1, acting=(plan,))
        ((_, effect),) = effects_of(result, event.time)
        assert isinstance(effect, ReviewRequested)
        return effect

    async def by_platform(self, item: SubmittedItem) -> Cause:
        ref = ItemRef(item.id, item.type_id)
        order = ActionOrdered(
            **self._envelope(), execution_id=new_id(), action_id="ncmec", item=ref
        )
        known = Knowledge(catalogue=self.catalogue, items={ref: item}, addresses={})
        effect = effect_of(order, known)
        assert isinstance(effect, ReviewRequested)
        return effect

    async def by_threshold(self, item: SubmittedItem) -> Cause:
        assert item.creator is not None
        account = Account(User(self.org_id, item.creator), 0)
        cause = StrikeCause(cause_id=new_id(), policy_id=None, correlation_id="c")
        rulebook = StrikeRulebook(self.org_id, self.table)
        account.change(1, cause, rulebook=rulebook, now=datetime.now(UTC))
        message = account.messages[-1]
        assert message.topic == ReviewRequested.topic
        return msgspec.json.decode(message.value, type=ReviewRequested)

    async def by_copy(self, item: SubmittedItem) -> Cause:
        author = None
        if item.creator is not None:
            author = SubmittedItem(
                id=item.creator.id,
                type_id=item.creator.type_id,
                type_version=VERSION,
                data=msgspec.Raw(b"{}"),
            )
        order = CopyOrder(
            org_id=self.org_id,
            bank_id="b",
            digits="0" * 32,
            queue_id="grave",
            to_ncmec=True,
            policy_ids=(),
            note=None,
            noticed_at=None,
            actor_id="r",
        )
        return request_of(order, item, author=author, revision=1, now=datetime.now(UTC))

    async def place(self, *events: Cause) -> None:
        """As routing does, twice: what comes again changes nothing."""
        batch = [
            Received(
                event=event,
                key=None,
                topic="t",
                partition=0,
                offset=offset,
                headers={},
                timestamp_ms=-1,
            )
            for offset, event in enumerate(events)
        ]
        for _ in range(2):
            assert await self.placer(batch) is None

    async def jobs(self, item: ItemRef) -> list[Job]:
        async with transaction(self.engine) as connection:
            found = await jobs_of_item(connection, self.org_id, item)
            return [await get_job(connection, self.org_id, one.job_id) for one in found]

    async def all_jobs(self) -> list[Job]:
        async with transaction(self.engine) as connection:
            rows = await connection.execute(
                text("SELECT CAST(job_id AS text) FROM queues.jobs WHERE org_id = :org"),
                {"org": self.org_id},
            )
            return [await get_job(connection, self.org_id, job_id) for (job_id,) in rows]

    async def is_grave(self, item: ItemRef) -> bool:
        (job,) = await self.jobs(item)
        return job.summary.csam


Way = Callable[[World, SubmittedItem], Awaitable[Cause]]
WAYS: Final[dict[str, Way]] = {
    "reviewer": World.by_reviewer,
    "report": World.by_report,
    "rule": World.by_rule,
    "POST /actions/": World.by_platform,
    "threshold": World.by_threshold,
    "copies": World.by_copy,
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest.fixture(scope="session")
async def engine(databases: Databases) -> AsyncIterator[AsyncEngine]:
    admin = databases.make()
    bootstrap(admin, PASSWORDS)
    run(service_url(admin, "coop_queues_owner", PASSWORDS["coop_queues_owner"]))
    url = service_url(admin, "coop_queues", PASSWORDS["coop_queues"])
    made = engine_of(url, pool_size=6, application_name="test")
    yield made
    await made.dispose()


@pytest.fixture
async def world(engine: AsyncEngine, redis_url: str) -> AsyncIterator[World]:
    fields = (
        Field(name="text", type=ScalarType.STRING),
        Field(name="picture", type=ScalarType.IMAGE),
    )
    thresholds = (StrikeThreshold(threshold=1, action_ids=("ncmec",)),)
    settings = OrgSettings(
        id="settings", name="A", ncmec_queue_id="grave", user_strike_thresholds=thresholds
    )
    grouped: dict[Kind, tuple[Document, ...]] = {
        Kind.ITEM_TYPE: (
            ItemType(id="post", name="Post", kind="CONTENT", fields=fields, version=VERSION),
            ItemType(id="user", name="User", kind="USER", fields=fields, version=VERSION),
            ItemType(id="thread", name="Thread", kind="THREAD", fields=fields, version=VERSION),
        ),
        Kind.QUEUE: (
            Queue(id="default", name="Default", is_default_queue=True),
            Queue(id="grave", name="Child safety"),
        ),
        Kind.ACTION: (
            Action(
                id="ncmec",
                name="Report to NCMEC",
                action_type=ActionType.ENQUEUE_TO_NCMEC,
                applies_to_all_items_of_kind=("CONTENT", "USER"),
            ),
        ),
        Kind.SETTINGS: (settings,),
    }
    org_id = f"org-{uuid.uuid4().hex[:8]}"
    table = ConfigTable.of(
        ConfigChange(org_id, kind, one.id, one, 1) for kind, some in grouped.items() for one in some
    )
    tables = RouteTables(table)
    # A busy machine is not an absent Redis.
    order = OrderIndex.of(redis_url, timeout=20)
    router = EntryRouter(
        tables,
        Nobody(),
        Nobody(),
        MediaValues(None, catch_up=0.01),
        seconds=0.3,
        media_seconds=0.3,
    )
    yield World(
        org_id=org_id,
        documents={kind: {one.id: one for one in some} for kind, some in grouped.items()},
        table=table,
        engine=engine,
        order=order,
        placer=Placer(engine, order, router),
    )
    tables.close()
    await order.close()


@each_way
async def test_each_way_is_a_job_about_the_user(world: World, way: Way) -> None:
    """Of kind NCMEC, in the queue that the settings name, marked for good; with the medium that it
    came from, where there is one; once, however often it comes."""
    await world.place(await way(world, world.post()))
    (job,) = await world.jobs(AUTHOR)
    summary = job.summary
    assert (summary.kind, summary.queue_id, summary.csam) == (JobKind.NCMEC, "grave", True)
    assert (summary.item, summary.entry_count) == (AUTHOR, 1)
    assert (job.item.id, job.item.type_id) == (AUTHOR.id, AUTHOR.type_id)
    known = user_media.known_media(job, ())
    carried = [(place.item.id, one.url) for place, one in known.items()]
    assert carried == ([] if way is World.by_threshold else [("post", URL)])
    offered = check(
        Draft(components=(Component(type="ESCALATE_TO_NCMEC"),)),
        job,
        world.rulebook(),
        reviewed=True,
    )
    assert [one.reason for one in offered] == ["this job is one already"]


async def test_all_ways_at_once_are_one_job(world: World) -> None:
    """Two processes place what came in every way, several reports among it, in any order and again:
    one job about the user, each cause once, every reporter counted."""
    events = [await way(world, world.post()) for way in WAYS.values()]
    events += [await world.by_report(world.post(item_id=f"post-{n}")) for n in range(4)]
    before = {job.summary.job_id for job in await world.all_jobs()}
    shuffled = [random.sample(events, len(events)) for _ in range(4)]
    await asyncio.gather(*(world.place(*batch) for batch in shuffled))
    (job,) = [one for one in await world.all_jobs() if one.summary.job_id not in before]
    summary = job.summary
    assert (summary.kind, summary.item, summary.csam) == (JobKind.NCMEC, AUTHOR, True)
    assert summary.entry_count == len(events)
    assert (summary.report_count, summary.reporter_count) == (5, 5)
    carried = {place.item.id for place in user_media.known_media(job, ())}
    assert carried == {"post", *(f"post-{n}" for n in range(4))}
    reported = {report.item.id for report in job.reports if report.item}
    assert reported == carried


async def test_a_report_says_csam_after_one_that_does_not(world: World) -> None:
    """The plain job of the item stays, and is about child safety from then on."""
    item = world.post()
    await world.place(world.report(item, csam=False))
    assert not await world.is_grave(ItemRef("post", "post"))
    await world.place(world.report(item))
    assert await world.is_grave(ItemRef("post", "post"))
    assert len(await world.jobs(AUTHOR)) == 1


async def test_the_author_comes_as_they_were_sent_along(world: World) -> None:
    """A profile beside the reported item is the job's item, with its media; what was said in the
    thread stays."""
    profile = msgspec.structs.replace(
        world.post(creator=None), id=AUTHOR.id, type_id=AUTHOR.type_id
    )
    beside, said = world.post(item_id="beside"), world.post(item_id="said")
    await world.place(
        world.report(world.post(), additional_items=(profile, beside), thread_items=(said,))
    )
    (job,) = await world.jobs(AUTHOR)
    assert job.item == profile
    assert {one.id for one in job.additional_items} == {"post", "beside"}
    assert [one.id for one in job.thread_items] == ["said"]


async def test_a_reported_user_is_whom_it_is_about(world: World) -> None:
    """No author is looked for, and nothing else is said to have been reported."""
    user = msgspec.structs.replace(world.post(creator=None), id="u", type_id="user")
    await world.place(world.report(user))
    (job,) = await world.jobs(ItemRef("u", "user"))
    assert (job.summary.kind, job.additional_items) == (JobKind.NCMEC, ())
    assert [report.item for report in job.reports] == [None]


UNKNOWN: Final[dict[str, tuple[ItemRef | None, str]]] = {
    "nobody": (None, "whose item this is is not known"),
    "no user": (ItemRef("t", "thread"), "not one of users"),
    "no type": (ItemRef("t", "gone"), "not one of users"),
}


@pytest.mark.parametrize(("creator", "said"), UNKNOWN.values(), ids=UNKNOWN)
async def test_a_report_whose_author_is_not_known_is_about_the_item(
    world: World, creator: ItemRef | None, said: str
) -> None:
    """In the same queue, marked, and it says why; once the author is known it can be escalated."""
    await world.place(world.report(world.post(creator=creator)))
    (job,) = await world.jobs(ItemRef("post", "post"))
    summary = job.summary
    assert (summary.kind, summary.queue_id, summary.csam) == (JobKind.DEFAULT, "grave", True)
    (entry,) = job.entries
    assert said in (entry.note or "")
    assert len(await world.all_jobs()) == 1


@pytest.mark.parametrize("name", ["rule", "POST /actions/", "copies"])
async def test_what_is_asked_for_of_an_unknown_author_is_not_lost(world: World, name: str) -> None:
    """People who may see such material see the item; by then its author may be known, and they are
    escalated from there."""
    await world.place(await WAYS[name](world, world.post(creator=None)))
    (job,) = await world.jobs(ItemRef("post", "post"))
    assert (job.summary.kind, job.summary.queue_id, job.summary.csam) == ("NCMEC", "grave", True)
    draft = Draft(components=(Component(type="ESCALATE_TO_NCMEC"),))
    (fault,) = check(draft, job, world.rulebook(), reviewed=True)
    assert "whose item this is is not known" in fault.reason
    found = world.rulebook(author=AUTHOR)
    assert list(check(draft, job, found, reviewed=True)) == []
    await world.place(world.escalated(job, found))
    (about,) = await world.jobs(AUTHOR)
    assert about.summary.kind is JobKind.NCMEC


async def test_a_reviewer_is_told_why_an_unknown_author_cannot_be_escalated(world: World) -> None:
    """Instead of a job about nobody."""
    with pytest.raises(Invalid):
        await world.by_reviewer(world.post(creator=None))


async def test_killed_between_the_rows_and_redis_it_has_its_turn_the_next_time(
    world: World,
) -> None:
    """The same batch again tells Redis of the one job that there is."""
    await world.order.call(world.org_id, "grave", "begin", "me", 1000)
    await world.order.call(world.org_id, "grave", "built", "me")
    silent = OrderIndex.of("redis://127.0.0.1:1/0")
    event = world.report(world.post())
    spoken, world.placer._order = world.placer._order, silent
    await world.place(event)
    assert await world.order.size(world.org_id, "grave") == 0
    world.placer._order = spoken
    await world.place(event)
    assert await world.order.size(world.org_id, "grave") == 1
    await silent.close()
