"""What happened to an item or a user, in one order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from coop_contracts.event import ActionRequested, ItemRef, RequestedExecution, StrikesChanged
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues import keeping
from coop_review_api.enforcement import bulk_store
from coop_review_api.kernel.error import Invalid
from coop_review_api.notification.strike import StrikeHistory
from coop_review_api.timeline.entry import (
    Found,
    Moment,
    Place,
    SourceName,
    bound_of,
    merged,
    place_in,
)
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

from ..job_context.job_context_world import Conversation
from ..world.evaluation import Evaluated

engines = pytest.mark.engines

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def moment(source: SourceName, minute: int, key: str) -> Moment:
    time = NOW - timedelta(minutes=minute)
    return Moment(kind="NOTE", source=source, time=time, key=key, shown=None)


def test_pages_of_several_sources_are_one_order() -> None:
    """Whatever stands at the same moment, and however short a source's page is, every entry is on
    one page, once, in one order."""
    names: tuple[SourceName, ...] = ("LOG", "ENTRY", "NOTE")
    everything = {
        name: [moment(name, minute // 3, f"{name}{99 - minute:02}") for minute in range(20)]
        for name in names
    }

    def ask(name: SourceName, after: Place | None, most: int) -> Found:
        bound = bound_of(name, after, NOW)
        rows = [one for one in everything[name] if (one.time, one.key) < (bound.time, bound.key)][
            :most
        ]
        # Every third row is not shown: a page of the source is shorter than what it read.
        shown = [one for one in rows if int(one.key[-2:]) % 3]
        end = Place(rows[-1].time, name, rows[-1].key) if len(rows) == most else None
        return Found(moments=shown, reached=end)

    for limit in (1, 2, 5, 50):
        found: list[Moment] = []
        after: Place | None = None
        for _ in range(200):
            page, after = merged([ask(name, after, limit + 1) for name in names], limit)
            assert len(page) <= limit
            found += page
            if after is None:
                break
        wanted = [one for rows in everything.values() for one in rows if int(one.key[-2:]) % 3]
        assert len(found) == len(wanted)
        assert {one.key for one in found} == {one.key for one in wanted}
        times = [one.time for one in found]
        assert times == sorted(times, reverse=True)


def test_what_is_no_place() -> None:
    """A cursor that no page ended with is refused."""
    for wrong in ("x", "[]", '["2026-01-01","LOG","a"]', '["2026-01-01T00:00:00Z","NO","a"]'):
        with pytest.raises(Invalid):
            place_in(wrong)
    assert place_in(None) is None


@pytest.fixture
async def talk(admin: Any, context: Any, org: Any, kit: Any) -> Conversation:
    made = Conversation(admin, context, org.org_id, kit)
    await made.prepare()
    return made


async def everything(person: Any, path: str, limit: int = 2) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(50):
        sign = "&" if "?" in path else "?"
        answer = await person.call("GET", f"{path}{sign}limit={limit}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"
    raise AssertionError("it does not end")


@pytest.fixture
async def told(admin: Any, talk: Conversation, context: Any, org: Any, kit: Any) -> dict[str, str]:
    """A message with everything that can happen to it, and to who wrote it."""
    sent = {"name": "Acme", "undoWindow": 0}
    assert (await admin.call("PUT", "/v1/settings", sent)).status_code == 200
    action = (await admin.make("/v1/actions", kit.action(talk.message)))["id"]
    rule = kit.rule(talk.message, name="Words", conditionSet=kit.contains(strings=["word"]))
    made = await admin.make("/v1/rules", rule | {"status": "LIVE", "actionIds": [action]})
    item, ann = talk.said(1), talk.user("ann")
    await talk.send(talk.profile("ann"), talk.profile("bob"), ago=timedelta(days=2))
    await talk.send(item, ago=timedelta(hours=1))
    world = Evaluated(admin, context, org.org_id, kit)
    submission = await world.submit(talk.message, {"text": "word 1"}, item_id=item.id, creator=ann)
    execution = RequestedExecution(execution_id=new_id(), action_id=action)
    await world.evaluate(submission, executions=(execution,))
    await world.request(
        ActionRequested(
            event_id=new_id(),
            org_id=org.org_id,
            time=context.clock(),
            correlation_id=submission,
            execution_id=execution.execution_id,
            action_id=action,
            item=ItemRef(id=item.id, type_id=talk.message),
            source="RULE_EXECUTION",
            config_revision=1,
            creator=ann,
            cause_id=submission,
        )
    )
    await world.deliver(execution.execution_id, state="DELIVERED", attempts=1, status=200)
    job = await talk.report(item, reporters=("bob",))
    await admin.make(f"/v1/jobs/{job}/comments", {"body": "look at this"})
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [action]}]
    decision = await admin.decide(talk.queue, acted)
    note = await admin.make(f"/v1/users/{talk.member}/ann/notes", {"text": "was warned"})
    changed = StrikesChanged(
        event_id=new_id(),
        org_id=org.org_id,
        time=context.clock(),
        correlation_id="c",
        user=ann,
        cause_id=decision,
        delta=1,
        total=1,
    )
    received = Received(changed, b"key", changed.topic, 0, 0, {}, -1)
    await StrikeHistory(context.engine, clock=context.clock)([received])
    return {
        "job": job,
        "decision": decision,
        "rule": made["id"],
        "note": note["id"],
        "execution": execution.execution_id,
        "action": action,
    }


@engines
async def test_of_an_item(admin: Any, talk: Conversation, told: dict[str, str]) -> None:
    """Sent, judged by a rule, delivered, reported, commented upon, decided: newest first, each with
    who or what it was, the same by pages of any size; a rule's name outlives the rule."""
    assert (await admin.call("DELETE", f"/v1/rules/{told['rule']}")).status_code == 204
    path = f"/v1/items/{talk.message}/m/0001/timeline"
    found = await everything(admin, path)
    assert found == await everything(admin, path, 50)
    assert found == await everything(admin, f"/v1/jobs/{told['job']}/timeline")
    times = [one["time"] for one in found]
    assert times == sorted(times, reverse=True)
    by_kind = {one["kind"]: one for one in found}
    assert sorted(by_kind) == ["COMMENT", "DECISION", "DELIVERY", "REPORT", "RULE", "SUBMISSION"]
    assert len(found) == 6
    assert by_kind["DECISION"]["decision"]["actor"] == admin.view("ADMIN")
    assert by_kind["REPORT"]["reporter"]["displayName"] == "Bob"
    assert by_kind["COMMENT"]["author"] == admin.view("ADMIN")
    (rule,) = by_kind["RULE"]["rules"]
    assert (rule["id"], rule["name"], rule["matchedValue"]) == (told["rule"], "Words", "word")
    assert by_kind["DELIVERY"]["state"] == "DELIVERED"
    assert by_kind["DELIVERY"]["id"] == told["execution"]
    some = await everything(admin, f"{path}?kind=RULE&kind=REPORT")
    assert [one["kind"] for one in some] == ["REPORT", "RULE"]
    assert (await admin.call("GET", f"{path}?kind=OTHER")).status_code == 422


@engines
async def test_of_a_user(admin: Any, talk: Conversation, told: dict[str, str]) -> None:
    """What happened to all that they made, and their strikes and notes."""
    path = f"/v1/users/{talk.member}/ann/timeline"
    found = await everything(admin, path)
    assert found == await everything(admin, path, 50)
    assert found == await everything(admin, f"/v1/jobs/{told['job']}/timeline?of=USER")
    kinds = sorted(one["kind"] for one in found)
    assert kinds == [
        "DECISION",
        "DELIVERY",
        "NOTE",
        "REPORT",
        "RULE",
        "STRIKE",
        "SUBMISSION",
        "SUBMISSION",
    ]
    note = next(one for one in found if one["kind"] == "NOTE")
    assert (note["text"], note["author"]) == ("was warned", admin.view("ADMIN"))
    strike = next(one for one in found if one["kind"] == "STRIKE")
    assert (strike["causeId"], strike["total"]) == (told["decision"], 1)


async def taken_back(person: Any, path: str) -> dict[str, list[str]]:
    """By kind of entry, the reversals that stand at it."""
    back = {}
    for one in await everything(person, path):
        shown = one["decision"] if one["kind"] == "DECISION" else one
        if shown.get("source") != "REVERSAL":
            assert one["kind"] not in back
            back[one["kind"]] = [each["id"] for each in shown["takenBack"]]
    return back


@engines
async def test_what_was_taken_back_says_so(
    admin: Any, talk: Conversation, told: dict[str, str]
) -> None:
    """A reversal stands at the decision that it took back, and at the rule."""
    reverse = {
        "name": "Restore",
        "itemTypeIds": [talk.message],
        "callbackUrl": "https://platform.example/hook",
    }
    restore = (await admin.make("/v1/actions", reverse))["id"]
    action = (await admin.call("GET", f"/v1/actions/{told['action']}")).json()
    body = {
        "name": action["name"],
        "itemTypeIds": action["itemTypeIds"],
        "callbackUrl": action["callbackUrl"],
        "reverseActionId": restore,
    }
    put = await admin.call("PUT", f"/v1/actions/{told['action']}", body)
    assert put.status_code == 200, put.text
    path = f"/v1/items/{talk.message}/m/0001/timeline?kind=DECISION&kind=RULE"
    assert await taken_back(admin, path) == {"DECISION": [], "RULE": []}
    reversals = []
    for of in ({"decisionId": told["decision"]}, {"executionId": told["execution"]}):
        made = await admin.make("/v1/reversals", of)
        confirmed = await admin.call("POST", f"/v1/bulk-actions/{made['id']}/confirm", {"total": 1})
        assert confirmed.status_code < 300, confirmed.text
        reversals.append(made["id"])
    assert await taken_back(admin, path) == {"DECISION": [], "RULE": []}  # nothing was done yet
    async with transaction(talk.context.engine) as connection:
        while await bulk_store.advance(connection, batch=100, clock=talk.context.clock):
            pass
    of_decision, of_rule = reversals
    assert await taken_back(admin, path) == {"DECISION": [of_decision], "RULE": [of_rule]}


@engines
async def test_who_may_see_what(
    admin: Any, talk: Conversation, told: dict[str, str], sign_in: Any, kit: Any
) -> None:
    """Kinds that a person may not see are named; another organisation finds nothing of it; a user
    who is grave is not there."""
    path = f"/v1/items/{talk.message}/m/0001/timeline"
    analyst = await sign_in(Role.ANALYST)
    page = (await analyst.call("GET", path)).json()
    assert {one["kind"] for one in page["missing"]} == {"DECISION", "COMMENT"}
    assert {one["kind"] for one in page["items"]} <= {"SUBMISSION", "RULE", "DELIVERY", "REPORT"}
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await stranger.call("GET", path)).json()["items"] == []
    job = f"/v1/jobs/{told['job']}/timeline"
    assert (await stranger.call("GET", job)).status_code == 404
    outside = await sign_in(Role.EXTERNAL_MODERATOR)
    assert (await outside.call("GET", job)).status_code == 404  # it is closed
    await talk.report(talk.profile("ann"), csam=True)
    moderator = await sign_in(Role.MODERATOR)
    user = f"/v1/users/{talk.member}/ann/timeline"
    assert (await moderator.call("GET", user)).status_code == 404
    viewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    assert (await viewer.call("GET", user)).status_code == 200


@engines
async def test_that_a_job_was_kept_is_told(
    admin: Any, talk: Conversation, sign_in: Any, context: Any
) -> None:
    """Given to somebody, and held while an answer was awaited: who, for whom, why, until when, and
    how it ended, by pages of any size; a reviewer of another queue is not told."""
    moderator = await sign_in(Role.MODERATOR)
    await talk.send(talk.said(1))
    job = await talk.report(talk.said(1), reporters=("bob",))
    given = {"personId": moderator.user_id, "note": "yours", "hours": 2}
    assert (await admin.call("POST", f"/v1/jobs/{job}/assignment", given)).status_code == 200
    held = {"reason": "the police answer", "hours": 3}
    assert (await admin.call("POST", f"/v1/jobs/{job}/hold", held)).status_code == 200
    async with transaction(context.engine) as connection:
        for table, column in (("jobs", "kept_until"), ("keepings", "until")):
            over = f"UPDATE queues.{table} SET {column} = now() - interval '1 s'"
            await connection.execute(
                text(f"{over} WHERE job_id = CAST(:job AS uuid)"), {"job": job}
            )
        await keeping.expire(connection)
    path = f"/v1/items/{talk.message}/m/0001/timeline?kind=KEEPING"
    found = await everything(admin, path)
    assert found == await everything(admin, path, 50)
    assert [
        (one["keptAs"], one["reason"], one["outcome"], (one["person"] or {}).get("id"))
        for one in found
    ] == [
        ("HELD", "the police answer", "EXPIRED", None),
        ("ASSIGNED", "yours", "REPLACED", moderator.user_id),
    ]
    assert {one["keptByPerson"]["id"] for one in found} == {admin.user_id}
    assert {one["jobId"] for one in found} == {job}
    outside = await sign_in(Role.EXTERNAL_MODERATOR)
    whole = f"/v1/jobs/{job}/timeline?of=USER&kind=KEEPING"
    assert await everything(admin, whole) == found
    answer = await outside.call("GET", path)
    assert answer.status_code in (403, 404) or answer.json()["items"] == []
