"""Exports of the decision log: what is in the file, whose it is, what a crash does to it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from coop_contracts.event import ActionRequested, ItemRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.decision_log.entry import LogEntry
from coop_review_api.directory.table import users
from coop_review_api.export import file, store
from coop_review_api.export.store import ExportLimits
from coop_review_api.export.table import log_export_chunks, log_exports
from coop_review_api.export.worker import Exporter
from coop_review_api.kernel.schema import audit_log
from coop_review_api.projection import store as projection
from coop_review_api.projection.partition import KEPT, Partitions
from coop_runtime.database.engine import transaction

EXPORTS = "/v1/decision-log/exports"
LIMITS = ExportLimits(batch=2)


def entry(**more: Any) -> LogEntry:
    fields: dict[str, Any] = dict.fromkeys(LogEntry.__struct_fields__)
    fields |= {
        "id": "d1",
        "kind": "DECISION",
        "source": "MRT_JOB",
        "time": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "components": [{"type": "CUSTOM_ACTION", "actionIds": ["a", "b"], "policyIds": ["p"]}],
        "executions": [{"executionId": "e1", "actionId": "a"}],
        "rule_ids": [],
        "csam": False,
        "taken_back": [],
    }
    return LogEntry(**{**fields, **more})


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_a_csv_file_is_what_rfc_4180_says() -> None:
    """Quotes, commas and line ends survive; lines end in CRLF; times are ISO 8601 in UTC."""
    odd = 'he said "no",\r\ntwice'
    data = file.head("CSV") + file.body("CSV", [entry(reason=odd), entry(item_id="ü,")])
    assert data.count(b"\r\n") == 4  # a header, two lines, and one within quotes
    first, second = rows_of(data)
    assert first["reason"] == odd
    assert first["time"] == "2026-01-02T03:04:05.000678Z"
    assert (first["types"], first["actionIds"]) == ("CUSTOM_ACTION", "a b")
    assert (first["executionIds"], first["csam"], first["total"]) == ("e1", "false", "")
    assert second["itemId"] == "ü,"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_no_cell_is_a_formula(start: str) -> None:
    """What a spreadsheet would run begins with an apostrophe, in whatever column it is."""
    bad = start + "cmd|' /C calc'!A0"
    made = entry(item_id=bad, reason=bad, rule_ids=[bad], components=[{"actionIds": [bad]}])
    (row,) = rows_of(file.head("CSV") + file.body("CSV", [made]))
    for column in ("itemId", "reason", "ruleIds", "actionIds"):
        assert row[column] == "'" + bad, column


def test_no_formula_comes_out_where_the_semicolon_separates() -> None:
    """A spreadsheet that splits at semicolons and line ends finds none in the middle of a cell."""
    made = file.body("CSV", [entry(reason="spam;=HYPERLINK(0)", note="a\n+1;b-c")]).decode()
    rows = list(csv.reader(io.StringIO(made, newline=""), delimiter=";"))
    cells = [cell for row in rows for cell in row]
    assert "'=HYPERLINK(0)" in cells[1]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert rows_of(file.head("CSV") + made.encode())[0]["note"] == "a\n'+1;b-c"


def test_json_lines_have_everything() -> None:
    """One object a line, as the API shows it."""
    first, second = file.body("JSONL", [entry(), entry(reason="=1\n2")]).splitlines()
    assert json.loads(first)["components"][0]["actionIds"] == ["a", "b"]
    assert json.loads(second)["reason"] == "=1\n2"


@pytest.fixture
async def exporter(engine: Any, clock: Any) -> Exporter:
    return Exporter(engine, clock=clock, limits=LIMITS)


@pytest.fixture
def act(engine: Any, clock: Any, org: Any) -> Any:
    """Has an action in the log; its execution."""

    async def requested(seconds: float = 0) -> str:
        event = ActionRequested(
            event_id=new_id(),
            org_id=org.org_id,
            time=clock() + timedelta(seconds=seconds - 60),
            correlation_id="c",
            execution_id=new_id(),
            action_id="a",
            item=ItemRef(id="i", type_id="t"),
            source="POST_ACTIONS",
            config_revision=1,
        )
        await Partitions(engine).ensure(KEPT["requested_actions"], [event.time])
        async with transaction(engine) as connection:
            await projection.add_actions(connection, [event])
        return event.execution_id

    return requested


async def until_done(exporter: Exporter) -> None:
    for _ in range(50):
        if not await exporter.step():
            return
    raise AssertionError("there is always more to write")


async def order(person: Any, form: str = "CSV", **filters: Any) -> str:
    filters.setdefault("kinds", ["DECISION", "BULK_ACTION", "ACTION"])
    body = {"format": form, "filters": filters}
    answer = await person.call("POST", EXPORTS, body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "RUNNING"
    return str(answer.json()["id"])


@pytest.mark.engines
async def test_an_export_is_written_and_fetched(
    sign_in: Any, act: Any, exporter: Exporter, engine: Any, org: Any
) -> None:
    """Everything up to the moment it was ordered, in several batches, newest first; making and
    fetching it leave audit rows."""
    moderator = await sign_in(Role.MODERATOR)
    made = [await act(n) for n in range(5)]
    export = await order(moderator)
    assert (await moderator.call("GET", f"{EXPORTS}/{export}/download")).status_code == 409
    await act(120)  # later than the order
    await until_done(exporter)
    state = (await moderator.call("GET", f"{EXPORTS}/{export}")).json()
    assert (state["state"], state["rows"]) == ("COMPLETE", 5)
    answer = await moderator.call("GET", f"{EXPORTS}/{export}/download")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].endswith('.csv"')
    assert int(answer.headers["content-length"]) == len(answer.content) == state["bytes"]
    assert [row["id"] for row in rows_of(answer.content)] == made[::-1]
    lines = await order(moderator, "JSONL", kinds=["ACTION"], sources=["POST_ACTIONS"])
    await until_done(exporter)
    answer = await moderator.call("GET", f"{EXPORTS}/{lines}/download")
    assert [json.loads(line)["id"] for line in answer.content.splitlines()] == made[::-1]
    async with transaction(engine) as connection:
        actions = await connection.scalars(
            select(audit_log.c.action)
            .where(audit_log.c.target_id == export)
            .order_by(audit_log.c.audit_id)
        )
        assert list(actions) == ["decision-log-export.created", "decision-log-export.downloaded"]


@pytest.mark.engines
async def test_an_empty_export_is_a_file(sign_in: Any, exporter: Exporter) -> None:
    """Nothing found is a CSV file with its header, and an empty JSON Lines file."""
    moderator = await sign_in(Role.MODERATOR)
    for form, expected in (("CSV", file.head("CSV")), ("JSONL", b"")):
        export = await order(moderator, form, jobId="none")
        await until_done(exporter)
        answer = await moderator.call("GET", f"{EXPORTS}/{export}/download")
        assert (answer.status_code, answer.content) == (200, expected)


@pytest.mark.engines
async def test_killed_in_the_middle_it_goes_on(
    sign_in: Any, act: Any, exporter: Exporter, engine: Any, clock: Any
) -> None:
    """Whoever goes on after a crash, between batches or within one, writes each entry once; a
    worker that took one and vanished does not hold it for ever."""
    moderator = await sign_in(Role.MODERATOR)
    made = [await act(n) for n in range(7)]
    export = await order(moderator)
    assert await exporter.step()
    async with engine.connect() as connection:
        assert await store.take(connection, limits=LIMITS, now=clock()) == export
        await store.advance(connection, export, limits=LIMITS, clock=clock)
        await connection.rollback()  # killed before the commit
    async with transaction(engine) as connection:
        assert (
            await store.take(connection, limits=LIMITS, now=clock()) == export
        )  # and killed after it
    other = Exporter(engine, clock=clock, limits=ExportLimits(batch=3))
    assert not await other.step()
    clock.forward(seconds=LIMITS.lease)
    await until_done(other)
    answer = await moderator.call("GET", f"{EXPORTS}/{export}/download")
    assert [row["id"] for row in rows_of(answer.content)] == made[::-1]


@pytest.mark.engines
async def test_a_question_that_is_never_answered_is_given_up(
    sign_in: Any, exporter: Exporter, engine: Any, clock: Any
) -> None:
    """Taken again and again without a batch, it fails with a reason, and others get their turn."""
    moderator = await sign_in(Role.MODERATOR)
    stuck = await order(moderator)
    for _ in range(5):
        async with transaction(engine) as connection:
            assert await store.take(connection, limits=LIMITS, now=clock()) == stuck
        clock.forward(seconds=LIMITS.lease)
    waiting = await order(moderator)
    await until_done(exporter)
    assert (await moderator.call("GET", f"{EXPORTS}/{waiting}")).json()["state"] == "COMPLETE"
    failed = (await moderator.call("GET", f"{EXPORTS}/{stuck}")).json()
    assert failed["state"] == "FAILED"
    assert "ask for less" in failed["error"]
    told = (await moderator.call("GET", "/v1/notifications")).json()["items"]
    assert {(one["kind"], one["data"]["exportId"], one["data"]["error"]) for one in told} == {
        ("EXPORT_FAILED", stuck, failed["error"]),
        ("EXPORT_READY", waiting, None),
    }


@pytest.mark.engines
async def test_a_file_is_bounded(
    sign_in: Any, act: Any, engine: Any, clock: Any, context: Any
) -> None:
    """A file that grows too large fails and keeps nothing; nobody keeps more than so many."""
    moderator = await sign_in(Role.MODERATOR)
    for n in range(4):
        await act(n)
    context.parts[ExportLimits] = ExportLimits(of_person=1)
    exporter = Exporter(engine, clock=clock, limits=ExportLimits(batch=2, file_bytes=700))
    export = await order(moderator)
    refused = await moderator.call("POST", EXPORTS, {"format": "CSV"})
    assert refused.status_code == 409
    await until_done(exporter)
    failed = (await moderator.call("GET", f"{EXPORTS}/{export}")).json()
    assert (failed["state"], failed["bytes"]) == ("FAILED", 0)
    async with transaction(engine) as connection:
        chunks = select(func.count()).where(log_export_chunks.c.export_id == export)
        assert await connection.scalar(chunks) == 0
    assert (await moderator.call("DELETE", f"{EXPORTS}/{export}")).status_code == 204
    await order(moderator)


@pytest.mark.engines
async def test_a_file_goes_after_a_day(
    sign_in: Any, exporter: Exporter, engine: Any, clock: Any
) -> None:
    """After 24 hours it is neither shown nor kept."""
    moderator = await sign_in(Role.MODERATOR)
    export = await order(moderator)
    await until_done(exporter)
    clock.forward(hours=24, seconds=1)
    moderator_later = await sign_in(Role.MODERATOR)
    async with transaction(engine) as connection:
        await connection.execute(
            update(log_exports)
            .where(log_exports.c.export_id == export)
            .values(created_by=moderator_later.user_id)
        )
    assert (await moderator_later.call("GET", EXPORTS)).json()["items"] == []
    path = f"{EXPORTS}/{export}/download"
    assert (await moderator_later.call("GET", path)).status_code == 404
    async with transaction(engine) as connection:
        assert await store.prune(connection, now=clock()) >= 1
        rows = select(func.count()).where(log_exports.c.export_id == export)
        assert await connection.scalar(rows) == 0


@pytest.mark.engines
async def test_an_export_is_its_makers_alone(
    sign_in: Any, exporter: Exporter, kit: Any, place: Any, admin: Any, org: Any
) -> None:
    """Others, of the same organisation too, get 404. What it may hold is what its maker might see;
    child safety needs its permission when it is fetched, too."""
    guard, other = await sign_in(Role.CHILD_SAFETY_MODERATOR), await sign_in(Role.MODERATOR)
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    await place(org.default_queue_id, post, csam=True)
    claim = (await guard.call("POST", f"/v1/queues/{org.default_queue_id}/claims")).json()
    body = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    decided = await guard.make(f"/v1/jobs/{claim['job']['id']}/decisions", body)
    mine, theirs = await order(guard), await order(other)
    await until_done(exporter)
    answer = await guard.call("GET", f"{EXPORTS}/{mine}/download")
    assert [row["id"] for row in rows_of(answer.content)] == [decided["id"]]
    answer = await other.call("GET", f"{EXPORTS}/{theirs}/download")
    assert rows_of(answer.content) == []
    for path in (f"{EXPORTS}/{mine}", f"{EXPORTS}/{mine}/download"):
        assert (await other.call("GET", path)).status_code == 404
    assert (await other.call("DELETE", f"{EXPORTS}/{mine}")).status_code == 404
    assert [one["id"] for one in (await other.call("GET", EXPORTS)).json()["items"]] == [theirs]
    role = {"role": str(Role.MODERATOR)}
    demoted = await admin.call("PATCH", f"/v1/users/{guard.user_id}", role)
    assert demoted.status_code == 200, demoted.text
    assert (await guard.call("GET", f"{EXPORTS}/{mine}/download")).status_code in {401, 403}


@pytest.mark.engines
async def test_a_queue_closed_meanwhile_closes_its_exports(
    sign_in: Any, exporter: Exporter, kit: Any, admin: Any, engine: Any
) -> None:
    """A file with what its maker may no longer see is not handed out: a queue that was closed to
    them, or all queues, once they do not manage them any more."""
    reader = await sign_in(Role.MODERATOR)
    lead = await sign_in(Role.MODERATOR_MANAGER)
    queue = await admin.make("/v1/queues", {"name": "Open", "openToEveryone": True})
    made = {person.user_id: await order(person) for person in (reader, lead)}
    await until_done(exporter)
    path = f"{EXPORTS}/{made[reader.user_id]}/download"
    assert (await reader.call("GET", path)).status_code == 200
    body = {"name": "Open", "reviewerIds": [admin.user_id]}
    changed = await admin.call("PUT", f"/v1/queues/{queue['id']}", body)
    assert changed.status_code == 200, changed.text
    answer = await reader.call("GET", path)
    assert answer.status_code == 403, answer.text
    again = await order(reader)
    await until_done(exporter)
    assert (await reader.call("GET", f"{EXPORTS}/{again}/download")).status_code == 200
    path = f"{EXPORTS}/{made[lead.user_id]}/download"
    assert (await lead.call("GET", path)).status_code == 200
    async with transaction(engine) as connection:
        # As after they signed in again, with another role.
        demoted = update(users).where(users.c.user_id == lead.user_id)
        await connection.execute(demoted.values(role=str(Role.MODERATOR)))
    assert (await lead.call("GET", path)).status_code == 403


@pytest.mark.engines
async def test_an_order_is_checked(sign_in: Any, kit: Any) -> None:
    """Unknown filters, formats and half pairs are refused where they are."""
    moderator = await sign_in(Role.MODERATOR)
    wrong = [
        ({"format": "XML"}, "/format"),
        ({"format": "CSV", "filters": {"kinds": ["NO"]}}, "/filters/kinds/0"),
        ({"format": "CSV", "filters": {"itemId": "x"}}, "/itemTypeId"),
        ({"format": "CSV", "filters": {"since": "yesterday"}}, "/filters/since"),
        ({"format": "CSV", "filters": {"any": 1}}, "/filters/any"),
    ]
    for body, pointer in wrong:
        assert kit.pointers(await moderator.call("POST", EXPORTS, body)) == [pointer]
    narrowed = {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00+01:00"}
    export = await order(moderator, **narrowed)
    shown = (await moderator.call("GET", f"{EXPORTS}/{export}")).json()["filters"]
    assert (shown["since"], shown["until"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00+01:00")
