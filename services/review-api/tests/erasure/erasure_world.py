"""A user of the platform who is everywhere, and a search through everything for what is left.

`planted` puts a marker into every field in which an end user's data can be: through the API, the
writers of the log and the queue store where there is a way, and by a row where another service
would have written it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from coop_contracts.call import ROOT
from coop_contracts.event import (
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    ReportEntry,
    ReportSubmitted,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_media.store import DerivativeStore
from coop_queues import store as queues
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement, Routing
from coop_review_api.erasure.worker import ErasureLimits, ErasureWorker
from coop_review_api.export.store import ExportLimits
from coop_review_api.export.worker import Exporter
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.history.port import Mark
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_review_api.process.erasers import erasers
from coop_review_api.projection.partition import KEPT, Partitions
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

from ..world.evaluation import Evaluated


@dataclass
class Everywhere:
    """`marker` is in everything that the user said, or that was said of it."""

    world: Evaluated
    admin: Any
    org: Any
    user: ItemRef
    post: ItemRef
    marker: str
    queue_id: str
    type_id: str
    history: ItemStore

    # How what comes over the log is made.

    def item(self, ref: ItemRef, creator: ItemRef | None, words: str = "") -> SubmittedItem:
        data = {"text": f"spam {self.marker} {words} \0"}
        raw = msgspec.Raw(msgspec.json.encode(data))
        return SubmittedItem(
            id=ref.id, type_id=ref.type_id, type_version="v", data=raw, creator=creator
        )

    def submitted(self, item: SubmittedItem, at: Any = None) -> ItemSubmitted:
        submission_id = new_id()
        return ItemSubmitted(
            event_id=new_id(),
            org_id=self.org.org_id,
            time=at or self.world.context.clock(),
            correlation_id=submission_id,
            submission_id=submission_id,
            item=item,
            request_id="r",
            config_revision=1,
        )

    async def to_history(self, *items: SubmittedItem, at: Any = None) -> int:
        """As the role `history` keeps them."""
        shape = Indexing(ItemShape(texts=("text",)), searched=True)
        events = [self.submitted(item, at) for item in items]
        versions = [one for event in events for one in versions_of(event, lambda *_: shape)]
        marks = [Mark(self.org.org_id, item.id, item.type_id, "REPORTED") for item in items]
        return await self.history.add(versions, marks)

    async def place(
        self,
        about: SubmittedItem,
        *,
        reporter: ItemRef | None = None,
        appeal: bool = False,
        at: Any = None,
        queue_id: str | None = None,
        csam: bool = False,
        thread: tuple[SubmittedItem, ...] = (),
    ) -> str:
        """As routing places it; the job's id."""
        now = at or self.world.context.clock()
        entry_id = new_id()
        entry = JobEntry(
            entry_id=entry_id,
            source="APPEAL" if appeal else "REPORT",
            at=now,
            routing=Routing(how="DEFAULT", config_revision=1),
            csam=csam,
            report=None
            if appeal
            else ReportEntry(
                report_id=entry_id,
                reported_at=now,
                reporter=reporter or ItemRef("somebody", self.user.type_id),
                reason=f"{self.marker} reason of a report"
                if self.user in (reporter, about.creator)
                else "plain",
            ),
            appeal=AppealEntry(
                appeal_id=entry_id,
                appealed_by=self.user,
                appealed_at=now,
                reason=f"{self.marker} reason of an appeal",
            )
            if appeal
            else None,
        )
        placement = Placement(
            org_id=self.org.org_id,
            queue_id=queue_id or self.queue_id,
            kind=JobKind.APPEAL if appeal else JobKind.DEFAULT,
            item=about,
            entry=entry,
            thread_items=thread,
        )
        async with transaction(self.world.context.engine) as connection:
            placed = await queues.place(connection, placement)
        await self.world.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def request(self, item: ItemRef, creator: ItemRef | None) -> None:
        await self.world.request(
            ActionRequested(
                event_id=new_id(),
                org_id=self.org.org_id,
                time=self.world.context.clock(),
                correlation_id="c",
                execution_id=str(uuid.uuid4()),
                action_id="a",
                item=item,
                creator=creator,
                source="POST_ACTIONS",
                config_revision=1,
                actor_note=f"{self.marker} note of an action",
            )
        )


async def planted(me: Everywhere) -> None:
    """The user is everywhere."""
    post, profile = me.item(me.post, me.user), me.item(me.user, None)
    await _history(me, post, profile)
    await _projection(me)
    await _reviewed(me, post, profile)
    await _ordered(me)
    await _written(me)


async def _history(me: Everywhere, post: SubmittedItem, profile: SubmittedItem) -> None:
    await me.to_history(post, profile)
    context = me.world.context
    report = ReportSubmitted(
        event_id=new_id(),
        org_id=me.org.org_id,
        time=context.clock(),
        correlation_id="c",
        report_id=new_id(),
        reporter=me.user,
        reported_at=context.clock(),
        item=me.item(ItemRef("others", me.type_id), ItemRef("other", me.user.type_id), "others"),
        config_revision=1,
        thread_items=(me.item(ItemRef("said", me.type_id), me.user),),
    )
    shape = Indexing(ItemShape(), searched=False)
    plain = msgspec.structs.replace(
        report, item=msgspec.structs.replace(report.item, data=msgspec.Raw(b'{"text": "plain"}'))
    )
    await me.history.add(versions_of(plain, lambda *_: shape))


async def _projection(me: Everywhere) -> None:
    data = {"text": f"spam {me.marker} evaluated"}
    submission = await me.world.submit(me.type_id, data, item_id=me.post.id, creator=me.user)
    await me.world.evaluate(submission, sampled=True, creator=me.user)
    await me.request(me.post, me.user)
    await me.request(me.user, None)


async def _reviewed(me: Everywhere, post: SubmittedItem, profile: SubmittedItem) -> None:
    """Decided jobs, one that is held with a draft, ones that wait; comments; an export."""
    admin = me.admin
    first = await me.place(post)
    await admin.make(f"/v1/jobs/{first}/comments", {"body": f"they wrote {me.marker}"})
    claim = (await admin.call("POST", f"/v1/queues/{me.queue_id}/claims")).json()
    decided = {
        "leaseToken": claim["lease"]["token"],
        "components": [{"type": "IGNORE"}],
        "reason": f"{me.marker} reason of a decision",
        "note": f"{me.marker} note of a decision",
    }
    await admin.make(f"/v1/jobs/{first}/decisions", decided)
    about = await me.place(profile)
    await admin.make(f"/v1/jobs/{about}/comments", {"body": f"{me.marker} on the user"})
    claim = (await admin.call("POST", f"/v1/queues/{me.queue_id}/claims")).json()
    assert claim["job"]["id"] == about
    await admin.make(
        f"/v1/jobs/{about}/decisions", {**decided, "leaseToken": claim["lease"]["token"]}
    )
    note = f"/v1/users/{me.user.type_id}/{me.user.id}/notes"
    await admin.make(note, {"text": f"{me.marker} noted"})
    held = await me.place(me.item(ItemRef("post-held", me.type_id), me.user))
    await admin.call("POST", f"/v1/queues/{me.queue_id}/claims")
    draft = {"content": {"reason": f"{me.marker} draft"}}
    assert (await admin.call("PUT", f"/v1/jobs/{held}/draft", draft)).status_code == 200
    other = SubmittedItem(
        id="others",
        type_id=me.type_id,
        type_version="v",
        data=msgspec.Raw(b'{"text": "plain"}'),
        creator=ItemRef("other", me.user.type_id),
    )
    await me.place(other, thread=(me.item(ItemRef("said", me.type_id), me.user),))
    await me.place(other, reporter=me.user)
    await me.place(post, appeal=True)
    made = await admin.call("POST", "/v1/decision-log/exports", {"format": "JSONL"})
    assert made.status_code in (201, 202), made.text
    exporter = Exporter(
        me.world.context.engine, clock=me.world.context.clock, limits=ExportLimits()
    )
    while await exporter.step():
        pass


async def _ordered(me: Everywhere) -> None:
    """The user on a bulk list, their post on another."""
    for type_id, id_ in ((me.user.type_id, me.user.id), (me.type_id, me.post.id)):
        action = await me.admin.make(
            "/v1/actions", me.world.kit.action(type_id, name=f"Act {uuid.uuid4()}")
        )
        await me.admin.make(
            "/v1/bulk-actions",
            {"itemTypeId": type_id, "actionIds": [action["id"]], "itemIds": [id_]},
        )


async def _written(me: Everywhere) -> None:
    """Rows that others write: what outlived its day, samples, second reviews, orders."""
    words, org = f"{me.marker} written", me.org.org_id
    partitions = Partitions(me.world.context.engine)
    await partitions.ensure(KEPT["submissions"], (me.world.context.clock(),))
    ref = {"id": me.user.id, "typeId": me.user.type_id}
    async with transaction(me.world.context.engine) as connection:
        raw = await connection.get_raw_connection()
        run: Any = raw.driver_connection
        columns = (
            "org_id, item_id, type_id, time, submission_id, source, is_user, has_media,"
            " author_key, thread_key, parent_key, said_at, address, item"
        )
        await run.execute(
            f"INSERT INTO review.kept_items ({columns}) SELECT {columns}"
            " FROM review.item_versions WHERE org_id = %s ON CONFLICT DO NOTHING",
            (org,),
        )
        await run.execute(
            "INSERT INTO review.submissions SELECT * FROM review.recent_submissions"
            " WHERE org_id = %s ON CONFLICT DO NOTHING",
            (org,),
        )
        backtest = new_id()
        await run.execute(
            "INSERT INTO review.backtests (backtest_id, org_id, rule_id, rule, start_time,"
            " end_time, values_of, acts, state, created_by, created_at, updated_at)"
            " VALUES (%s, %s, 'r', '{}', now(), now(), 'TODAY', false, 'COMPLETE', 'x', now(),"
            " now())",
            (backtest, org),
        )
        await run.execute(
            "INSERT INTO review.backtest_samples (backtest_id, rank, submission_id, item_type_id,"
            " item_id, time, conditions) VALUES (%s, gen_random_uuid(), 's', %s, %s, now(), %s)",
            (backtest, me.type_id, me.post.id, json.dumps([{"matchedValue": words}])),
        )
        await run.execute(
            "INSERT INTO review.backtest_labels (backtest_id, position, item_type_id, item_id,"
            " job_id, acted, decided_at) VALUES (%s, 0, %s, %s, 'j', true, now())",
            (backtest, me.type_id, me.post.id),
        )
        await run.execute(
            'INSERT INTO review.automations (automation_id, org_id, kind, state, "order",'
            " created_at, due_at, ends_at, finished_at) VALUES (%s, %s, 'INVALIDATE_REPORTS',"
            " 'COMPLETE', %s, now(), now(), now(), now())",
            (new_id(), org, Jsonb({"reporter": ref})),
        )
        decision = await (
            await run.execute(
                "SELECT decision_id, job_id FROM review.decisions"
                " WHERE org_id = %s AND item_id = %s",
                (org, me.post.id),
            )
        ).fetchone()
        await run.execute(
            "INSERT INTO review.golden_items (golden_id, org_id, decision_id, job_id, queue_id,"
            " csam, components, expected, note, not_for, created_by) VALUES (%s, %s, %s, %s, 'q',"
            " false, %s, '[]', %s, '{}', 'x')",
            (new_id(), org, *decision, Jsonb([{"type": "IGNORE", "parameters": words}]), words),
        )
        await run.execute(
            "INSERT INTO review.second_reviews (second_review_id, org_id, queue_id, job_id,"
            " decision_id, not_for, csam, expected, available_at, reason, note, components)"
            " VALUES (%s, %s, 'q', %s, %s, '{}', false, '[]', now(), %s, %s, %s)",
            (new_id(), org, decision[1], decision[0], words, words, Jsonb([{"items": [ref]}])),
        )


class AnsweringDispatcher:
    """The dispatcher's part, as a test says: `waiting` webhooks are on their way."""

    def __init__(self) -> None:
        self.waiting = 0
        self.asked: list[dict[str, Any]] = []
        self.away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path.startswith(ROOT)
        if self.away:
            raise httpx.ConnectError("away")
        self.asked.append(json.loads(request.content))
        told = {"requests": 1, "attempts": 1, "strikes": 0, "waiting": self.waiting}
        return httpx.Response(200, json=told)


class AnsweringBridge:
    """hma-bridge's part: of each item one medium was seen."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/seen-media/erasures")
        self.asked.append(json.loads(request.content))
        return httpx.Response(200, json={"media": len(self.asked[-1]["items"])})


def worker_of(
    context: Any,
    dispatch: Any,
    clock: Any,
    *,
    seen: AnsweringBridge | None = None,
    **limits: Any,
) -> ErasureWorker:
    """As the relay has it, on a clock of its own: people stay signed in."""
    transport = httpx.MockTransport(seen or AnsweringBridge())
    return ErasureWorker(
        context.engine,
        erasers(
            context.engine,
            context.part(Desk).order,
            dispatch=dispatch,
            bridge=HashBridge("http://bridge", "token", transport=transport),
            derivatives=DerivativeStore.of("memory:///", context.vault),
        ),
        clock=clock,
        limits=ErasureLimits(**({"batch": 3} | limits)),
    )


async def carried_out(worker: ErasureWorker, clock: Any, *, rounds: int = 2) -> None:
    """Every step, with the time between two rounds."""
    for _ in range(rounds):
        while await worker.step():
            pass
        clock.forward(hours=2, minutes=1)


def left_in_database(admin_url: str, *needles: str, org_id: str | None = None) -> set[str]:
    """The tables, of all schemas, in a row of which one of the needles is. What is on its way to
    the log goes in seconds; the log of who did what, and what operators write, are not searched
    for ids that people typed."""
    found: set[str] = set()
    with psycopg.connect(admin_url) as connection:
        tables = connection.execute(
            "SELECT c.relnamespace::regnamespace::text, c.relname FROM pg_class c"
            " WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('review', 'queues')"
        ).fetchall()
        for schema, table in tables:
            if table == "outbox":
                continue
            rows = connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
            )
            for row in rows:
                text = "\n".join(
                    one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
                    for one in row
                )
                if org_id is not None and org_id not in text:
                    continue
                if any(needle in text for needle in needles):
                    found.add(f"{schema}.{table}")
    return found


async def left_in_redis(redis: Any, *needles: str) -> set[str]:
    """The keys in which, or in whose values, one of the needles is."""
    found = set()
    async for key in redis.scan_iter(count=1000):
        kind = (await redis.type(key)).decode()
        value: Any = b""
        if kind == "string":
            value = await redis.get(key)
        elif kind == "hash":
            value = await redis.hgetall(key)
        elif kind == "set":
            value = await redis.smembers(key)
        elif kind == "zset":
            value = await redis.zrange(key, 0, -1)
        elif kind == "list":
            value = await redis.lrange(key, 0, -1)
        if any(needle in f"{key!r} {value!r}" for needle in needles):
            found.add(key.decode())
    return found
