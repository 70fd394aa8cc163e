"""What was decided and said in Coop, and what waits there, moved in: on real databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec import Raw
from psycopg.types.json import Jsonb
from redis.asyncio import Redis
from sqlalchemy import text

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef, ReportEntry, SubmittedItem
from coop_queues import store
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement, Routing
from coop_review_api.decision_log import query
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.moving.reader import SourceError
from coop_review_api.moving.report import Report, as_text
from coop_review_api.moving.waiting import Waiting, WaitingInFile, WaitingInRedis
from coop_review_api.process.moving import run_import
from coop_review_api.review.reporter import records_of
from coop_review_api.review.visibility import ReaderScope
from coop_runtime.database.engine import transaction

from . import coop_history as old
from .conftest import Moving
from .coop_world import ACME
from .test_moving_edge import killed_at, run

pytestmark = pytest.mark.engines

_QUEUES = ["clearing", "closed", "main", "main-a"]


@pytest.fixture
def moving(moving: Moving) -> Moving:
    """With a history in Coop, and no more beside it than that needs."""
    old.put_history(moving.coop_url)
    moving.kinds = frozenset({Kind.ITEM_TYPE, Kind.POLICY, Kind.ACTION, Kind.QUEUE})
    return moving


def written(path: Path, *more: str) -> Path:
    """What waits, as an operator writes it down."""
    lines = [json.dumps({"queueId": queue, "job": job}) for queue, job in old.waiting()]
    path.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return WaitingInFile(written(tmp_path / "jobs"))


@pytest.fixture
async def coop_redis(redis: Redis) -> AsyncIterator[Redis]:
    """What waits, as BullMQ has it: some in hands, some on their way back, one lost."""
    names = ["wait", "wait", "active", "delayed", "failed"]
    keys = []
    for name, (queue, job) in zip(names, old.waiting(), strict=True):
        where = "main" if queue == "gone" else queue  # that of a queue that is gone nobody asks for
        prefix = f"{{{ACME}}}:{where}:"
        bull_id = job["id"].partition(":")[0]
        keys += [prefix + name, prefix + bull_id]
        if name in ("delayed", "failed"):
            await redis.zadd(prefix + name, {bull_id: 1.0})
        else:
            await redis.lpush(prefix + name, bull_id)
        await redis.hset(prefix + bull_id, "data", json.dumps(job))
    await redis.lpush(f"{{{ACME}}}:main:wait", "without-a-hash")
    yield redis
    await redis.delete(*keys)


async def rows(moving: Moving, statement: str) -> dict[str, Any]:
    """By the first column."""
    async with transaction(moving.here.engine) as connection:
        return {str(row[0]): row for row in await connection.execute(text(statement))}


async def decided(moving: Moving) -> dict[str, Any]:
    return await rows(moving, "SELECT * FROM review.decisions")


def told(report: Report, kind: str) -> dict[str, str]:
    """All that was said of each, by its id."""
    found: dict[str, str] = {}
    for one in (*report.differs, *report.cannot):
        if one.kind == kind:
            for thing_id in (one.source or {}).get("ids", ()):
                found[thing_id] = f"{found.get(thing_id, '')} {one.verdict} {one.reason}".strip()
    return found


async def test_decisions_are_history(moving: Moving) -> None:
    """Under their ids, as they were: who, when, what, under which policies, why."""
    await (await moving.mover(ACME, past=True)).apply()
    there = await decided(moving)
    assert there.keys() == {
        old.IGNORED,
        old.REMOVED,
        old.MOVED,
        old.ESCALATED,
        old.FILED,
        old.CLOSED,
        old.ACCEPTED,
        old.BARE,
    }
    assert {row.came_from for row in there.values()} == {"COOP"}
    assert {row.decided_at for row in there.values()} == {old.DAY}
    ignored, removed = there[old.IGNORED], there[old.REMOVED]
    assert (ignored.reviewer_id, ignored.reason) == ("bo", "fine")
    assert (ignored.item_type_id, ignored.item_id, ignored.queue_id) == ("post", "p-3", "main")
    assert removed.components == [
        {
            "type": "CUSTOM_ACTION",
            "actionIds": ["remove"],
            "policyIds": ["hate"],
            "parameters": {"remove": {"days": 3}},
        },
        {
            "type": "RELATED_ACTION",
            "actionIds": ["remove"],
            "items": [{"id": "u-1", "typeId": "user"}],
        },
    ]
    assert there[old.MOVED].components == [{"type": "MOVE", "queueId": "closed"}]
    assert there[old.MOVED].reviewer_id is None
    assert there[old.MOVED].note == "Decided in Coop by nobody-now, who is not here."
    assert there[old.ESCALATED].components == [{"type": "ESCALATE_TO_NCMEC"}]
    assert there[old.FILED].components == [{"type": "SUBMIT_NCMEC_REPORT"}]
    assert (there[old.CLOSED].reviewer_id, there[old.CLOSED].note) == (None, None)
    assert there[old.ACCEPTED].components == [{"type": "ACCEPT_APPEAL", "appealIds": ["appeal-0"]}]
    assert there[old.BARE].item_id == "p+/+/"


async def test_nothing_comes_of_a_decision_of_coops(moving: Moving) -> None:
    """No event but of the configuration, no execution, nothing that is held or can be undone."""
    await (await moving.mover(ACME, past=True)).apply()
    async with transaction(moving.here.engine) as connection:
        topics = set(await connection.scalars(text("SELECT DISTINCT topic FROM review.outbox")))
        assert topics == {"coop.config.v1"}
        assert await connection.scalar(text("SELECT count(*) FROM review.held_decisions")) == 0
    for row in (await decided(moving)).values():
        assert (row.executions, row.leaves_at, row.escalation) == ([], None, None)
    pending = await rows(moving, "SELECT job_id FROM queues.jobs WHERE state = 'PENDING'")
    assert pending == {}
    slots = await rows(moving, "SELECT item_key FROM queues.generations")
    assert slots == {}


async def test_everything_is_here_or_told(moving: Moving, waiting: Waiting) -> None:
    """Each decision, comment and job that waits is counted once, and is here or told by its id."""
    report = await (await moving.mover(ACME, past=True, waiting=waiting)).apply()
    assert report.counts["decision"] == {"CREATE": 8, "REFUSED": 3}
    assert report.counts["comment"] == {"CREATE": 2, "REFUSED": 2}
    assert report.counts["job"] == {"CREATE": 4}
    with psycopg.connect(moving.coop_url) as connection:
        ids = connection.execute(
            "SELECT id::text FROM manual_review_tool.manual_review_decisions"
            " WHERE org_id = %s AND created_at > '2023-10-01'",
            [ACME],
        ).fetchall()
    there = await decided(moving)
    assert {one for (one,) in ids} - there.keys() == {old.ODD, old.NOTHING}
    said = told(report, "decision")
    assert said[old.ODD] == ("CANNOT it has no payload, and its id does not say what it is about")
    assert "nothing that was decided is known here" in said[old.NOTHING]
    assert "DIFFERS who decided is not here" in said[old.MOVED]
    assert "NCMEC stays in Coop" in said[old.FILED]
    assert ("1 decision", "they are older than Coop itself reads, or than --since") in {
        (one.name, one.reason) for one in report.cannot
    }
    assert told(report, "comment") == {
        "c-3": "CANNOT who wrote it is not here",
        "c-4": "CANNOT its job neither was decided nor waits here",
    }
    assert told(report, "job") == {
        old.IGNORED: "DIFFERS is decided in Coop already: it comes with --history",
        old.LATE: "DIFFERS It waited in Coop in a queue that is not here.",
    }
    assert old.TOLD not in msgspec.json.encode(report).decode()
    assert old.TOLD not in as_text(report)


async def test_a_plan_is_the_deed(moving: Moving, waiting: Waiting) -> None:
    """The same counts and reasons, and nothing is there after the plan."""
    planned = await (await moving.mover(ACME, past=True, waiting=waiting)).plan()
    assert await decided(moving) == {}
    assert await rows(moving, "SELECT job_id FROM queues.jobs") == {}
    done = await (await moving.mover(ACME, past=True, waiting=waiting)).apply()
    assert planned.counts == done.counts
    assert planned.cannot == done.cannot
    assert planned.differs == done.differs


async def test_a_second_run_with_history_is_empty(moving: Moving, waiting: Waiting) -> None:
    """Not a row more; what cannot be is told again."""
    first = await (await moving.mover(ACME, past=True, waiting=waiting)).apply()
    tables = ("review.decisions", "review.comments", "queues.jobs", "queues.entries")
    counted = " UNION ALL ".join(f"SELECT '{one}', count(*) FROM {one}" for one in tables)
    before = await rows(moving, counted)
    second = await (await moving.mover(ACME, past=True, waiting=waiting)).apply()
    assert second.changed == 0, second.counts
    assert second.counts["decision"] == {"SAME": 8, "REFUSED": 3}
    assert second.counts["job"] == {"SAME": 4}
    assert await rows(moving, counted) == before
    assert second.cannot == first.cannot


async def test_what_waits_waits_here(moving: Moving, waiting: Waiting) -> None:
    """In its queue, with every report, the item as it was, what came beside it, and its turn."""
    await (await moving.mover(ACME, waiting=waiting)).apply()
    async with transaction(moving.here.engine) as connection:
        found = await store.pending_page(connection, ACME, "main", limit=10)
        post = next(one for one in found.jobs if one.item.id == "p-1")
        job = await store.get_job(connection, ACME, post.job_id)
    assert post.created_at.isoformat() == "2026-07-31T00:00:00+00:00"
    assert (post.report_count, post.reporter_count, post.policy_ids) == (2, 2, ("hate",))
    assert [one.report_id for one in job.reports] == ["r-2", "r-1"]
    assert job.entries[-1].entry_id == f"coop/{old.WAITING}"
    assert msgspec.json.decode(job.item.data) == {"text": old.TOLD}
    assert [one.id for one in job.thread_items] == ["before"]
    assert [one.id for one in job.additional_items] == ["beside"]
    assert job.reported_in_thread == (ItemRef("said", "post"),)
    kinds = {one.item.id: (one.kind, one.csam, one.source) for one in found.jobs}
    assert kinds["u-9"] == (JobKind.NCMEC, True, "POST_ACTIONS")
    assert kinds["p-4"] == (JobKind.DEFAULT, False, "RULE_EXECUTION")


async def test_what_the_platform_sends_again_is_no_second_job(
    moving: Moving, waiting: Waiting
) -> None:
    """A report of the same item joins the job; the same appeal changes nothing."""
    await (await moving.mover(ACME, waiting=waiting)).apply()
    routing = Routing(how="DEFAULT", config_revision=1)
    report = ReportEntry(
        report_id="ours", reported_at=old.DAY, reporter=ItemRef("u-1", "user"), reason="again"
    )
    appeal = AppealEntry(
        appeal_id="appeal-1", appealed_by=ItemRef("u-3", "user"), appealed_at=old.DAY
    )
    again = [
        _placement("main", "p-1", JobEntry(
            entry_id="report/ours", source="REPORT", at=old.DAY, routing=routing, report=report
        )),
        _placement("main-a", "p-2", JobEntry(
            entry_id="appeal/appeal-1", source="APPEAL", at=old.DAY, routing=routing, appeal=appeal
        ), JobKind.APPEAL),
    ]  # fmt: skip
    async with transaction(moving.here.engine) as connection:
        joined, repeated = await store.place_many(connection, again)
        summary = await store.get_summary(connection, ACME, joined.job_id)
    assert joined.merged
    assert repeated.repeated
    assert (summary.report_count, summary.reporter_count) == (3, 2)
    second = await (await moving.mover(ACME, waiting=waiting)).apply()
    assert second.counts["job"] == {"SAME": 4}


def _placement(
    queue_id: str, item_id: str, entry: JobEntry, kind: JobKind = JobKind.DEFAULT
) -> Placement:
    item = SubmittedItem(id=item_id, type_id="post", type_version="v", data=Raw(b"{}"))
    return Placement(org_id=ACME, queue_id=queue_id, item=item, entry=entry, kind=kind)


async def test_a_job_grows_with_coops(moving: Moving, tmp_path: Path) -> None:
    """A report that came in Coop since then joins the job; nothing else does."""
    path = written(tmp_path / "jobs")
    await (await moving.mover(ACME, waiting=WaitingInFile(path))).apply()
    grown = path.read_text().replace(
        '"reportHistory": [', '"reportHistory": [' + json.dumps(old.report("r-3", "u-7")) + ", ", 1
    )
    path.write_text(grown)
    report = await (await moving.mover(ACME, waiting=WaitingInFile(path))).apply()
    assert report.counts["job"] == {"CHANGE": 1, "SAME": 3}
    counts = await rows(moving, "SELECT item_id, report_count FROM queues.jobs")
    assert counts["p-1"].report_count == 3


async def test_redis_and_a_file_say_the_same(
    moving: Moving, coop_redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """What Coop's Redis has, whatever list it is in, is what the file has; it is not written to."""
    keys = sorted(await coop_redis.keys("{" + ACME + "}*"))
    waits = WaitingInRedis(redis_url, ACME, _QUEUES)
    report = await (await moving.mover(ACME, waiting=waits)).apply()
    assert report.counts["job"] == {"CREATE": 4}
    assert sorted(await coop_redis.keys("{" + ACME + "}*")) == keys
    from_file = WaitingInFile(written(tmp_path / "jobs"))
    assert (await (await moving.mover(ACME, waiting=from_file)).apply()).counts["job"] == {
        "SAME": 4
    }


async def test_what_is_no_job_is_told(moving: Moving, tmp_path: Path) -> None:
    """With its line; the others come in."""
    theirs = json.dumps({"queueId": "main", "job": {**old.job(old.ODD, "p-9"), "orgId": "other"}})
    no_type = old.job(old.ODD, "p-9")
    no_type["payload"]["item"]["itemTypeIdentifier"]["id"] = "gone"
    untyped = json.dumps({"queueId": "main", "job": no_type})
    path = written(tmp_path / "jobs", "{", "[]", theirs, untyped, '{"queueId": "main"}')
    report = await (await moving.mover(ACME, waiting=WaitingInFile(path))).apply()
    assert report.counts["job"] == {"CREATE": 4, "REFUSED": 5}
    said = told(report, "job")
    assert said["line 6"] == said["line 7"] == said["line 10"] == "CANNOT it is no object"
    assert said["line 8"] == "CANNOT is another organisation's"
    assert said["line 9"] == "CANNOT its item is of a type that Coop has no more"


async def test_a_redis_that_is_away_is_told_without_its_password(moving: Moving) -> None:
    """One sentence; nothing of jobs came in."""
    waits = WaitingInRedis("redis://:hidden-word@127.0.0.1:9/0", ACME, _QUEUES)
    mover = await moving.mover(ACME, waiting=waits)
    with pytest.raises(SourceError, match="Redis cannot be read") as raised:
        await mover.plan()
    assert "hidden-word" not in str(raised.value)


async def test_decided_in_coop_while_it_waits_here(moving: Moving, waiting: Waiting) -> None:
    """It is told; the job here stays, for it may have grown."""
    await (await moving.mover(ACME, past=True, waiting=waiting)).apply()
    moving.coop(
        "UPDATE manual_review_tool.manual_review_decisions SET id = %s, job_payload = %s"
        " WHERE id = %s",
        old.WAITING,
        Jsonb(old.job(old.WAITING, "p-1")),
        old.NOTHING,
    )
    moving.coop(
        "UPDATE manual_review_tool.manual_review_decisions SET decision_components ="
        ' ARRAY[\'{"type": "IGNORE"}\'::jsonb] WHERE id = %s',
        old.WAITING,
    )
    report = await (await moving.mover(ACME, past=True)).apply()
    assert "was decided in Coop after its job came here" in told(report, "decision")[old.WAITING]
    states = await rows(moving, "SELECT job_id, state FROM queues.jobs WHERE item_id = 'p-1'")
    assert sorted(row.state for row in states.values()) == ["CLOSED", "PENDING"]


async def _log(moving: Moving, *, child_safety: bool, **asked: Any) -> dict[str, str]:
    scope = ReaderScope(org_id=ACME, user_id="bo", queue_ids=None, child_safety=child_safety)
    question = LogQuestion(kinds=("DECISION",), **asked)
    async with transaction(moving.here.engine) as connection:
        found = await query.page(connection, scope, question, after=None, limit=50)
    return {row["id"]: row["source"] for row in found}


async def test_the_decision_log_shows_them_as_coops(moving: Moving) -> None:
    """With their mark, by item, and without what is about child safety for who may not see that."""
    await (await moving.mover(ACME, past=True)).apply()
    everything = await _log(moving, child_safety=True)
    assert everything == dict.fromkeys(await decided(moving), "COOP")
    harmless = await _log(moving, child_safety=False)
    assert everything.keys() - harmless.keys() == {old.FILED, old.ESCALATED}
    assert await _log(moving, child_safety=False, sources=("COOP",)) == harmless
    assert await _log(moving, child_safety=True, sources=("MRT_JOB", "AUTOMATIC")) == {}
    of_item = await _log(moving, child_safety=True, item=ItemRef("p-5", "post"))
    assert of_item == {old.REMOVED: "COOP"}


async def test_who_reported_rightly_in_coop_did_so(moving: Moving) -> None:
    """A report that led to an action there is upheld here, though nothing was executed here."""
    moving.coop(
        "UPDATE manual_review_tool.manual_review_decisions SET decision_components ="
        ' ARRAY[\'{"type": "CUSTOM_ACTION", "actions": [{"id": "remove"}]}\'::jsonb] WHERE id = %s',
        old.IGNORED,
    )
    await (await moving.mover(ACME, past=True)).apply()
    reporter = ItemRef("u-1", "user")
    async with transaction(moving.here.engine) as connection:
        found = await records_of(connection, ACME, [reporter], now=old.DAY)
    assert (found[reporter].reports, found[reporter].upheld) == (1, 1)


async def test_comments_stand_on_their_jobs(moving: Moving, waiting: Waiting) -> None:
    """Whole, by who wrote them, on the job that was decided and on the one that waits."""
    await (await moving.mover(ACME, past=True, waiting=waiting)).apply()
    found = await rows(
        moving,
        "SELECT c.comment_id, c.body, c.author_id, c.created_at, j.item_id, j.state"
        " FROM review.comments c JOIN queues.jobs j ON j.job_id = c.job_id"
        " AND j.item_key = c.item_key ORDER BY c.comment_id",
    )
    assert [
        row.body for row in found.values() if (row.item_id, row.state) == ("p-3", "CLOSED")
    ] == ["I know this one"]
    long = [row for row in found.values() if row.state == "PENDING"]
    assert "".join(row.body for row in long) == "x" * 5001
    assert {(row.author_id, row.created_at) for row in found.values()} == {("bo", old.DAY)}


_STOP_AT_A_DECISION = f"""
CREATE FUNCTION review.stop_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decision_id = '{old.REMOVED}' THEN PERFORM pg_advisory_xact_lock(4711); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stop_here BEFORE INSERT ON review.decisions
    FOR EACH ROW EXECUTE FUNCTION review.stop_here();
"""


async def test_killed_among_decisions_and_again(
    moving: Moving, new_url: str, new_admin_url: str, tmp_path: Path
) -> None:
    """After kill -9 the jobs that wait are there, and no half of a page of decisions; the next run
    does the rest, once."""
    path = str(written(tmp_path / "jobs"))
    asked = ("coop", "--org", ACME, "--apply", "--history", "--jobs-file", path)
    await killed_at(moving, new_url, new_admin_url, _STOP_AT_A_DECISION, asked)
    assert await decided(moving) == {}
    assert len(await rows(moving, "SELECT job_id FROM queues.jobs")) == 4
    code, out, errors = await run(moving, new_url, *asked, "--format", "json")
    assert code == 0, errors
    counts = json.loads(out)["counts"]
    assert counts["decision"] == {"CREATE": 8, "REFUSED": 3}
    assert counts["job"] == {"SAME": 4}
    assert len(await decided(moving)) == 8


def test_jobs_need_the_address_of_coops_redis(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said before anything is read."""
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://127.0.0.1:9/none")
    asked = ["coop", "--dsn", "postgresql://127.0.0.1:9/none", "--org", ACME, "--jobs"]
    assert run_import(asked) == 2
    assert "COOP_IMPORT_REDIS" in capsys.readouterr().err
