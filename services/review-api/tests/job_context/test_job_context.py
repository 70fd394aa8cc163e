"""A job's context: everything that its page shows first, in one answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_queues.error import JobNotFound
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.history.reader import ItemReader
from coop_review_api.kernel.error import LacksPermission, Unavailable
from coop_review_api.kernel.schema import audit_log
from coop_review_api.review.claimed_view import ClaimContexts
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable

from ..world.application import application_of, client_of
from ..world.evaluation import Evaluated
from .job_context_world import Conversation, context_of

pytestmark = pytest.mark.engines

STRIKES = {"total": 2, "nextExpiryAt": "2026-06-01T12:00:00Z", "items": [], "nextCursor": None}


@pytest.fixture
async def talk(admin: Any, context: Any, org: Any, kit: Any) -> Conversation:
    made = Conversation(admin, context, org.org_id, kit)
    await made.prepare()
    return made


@pytest.fixture
def strikes(dispatcher: Any, org: Any) -> None:
    path = f"/internal/v1/orgs/{org.org_id}/strikes"
    dispatcher.answers[path] = httpx.Response(200, json=STRIKES)


def texts(items: list[Any]) -> list[str]:
    return [one["data"]["text"] for one in items]


async def test_the_whole_of_it(
    admin: Any, talk: Conversation, sign_in: Any, strikes: None, kit: Any
) -> None:
    """Item, author, reporters, thread, comments, offers and draft are in one answer, with names."""
    moderator = await sign_in(Role.MODERATOR)
    remove = kit.action(talk.message, name="Remove", penalty="LOW")
    remove_id = (await admin.make("/v1/actions", remove))["id"]
    ban = (await admin.make("/v1/actions", kit.action(talk.member, name="Ban")))["id"]
    joined = "2025-03-01T00:00:00+00:00"
    await talk.send(talk.profile("ann", joined=joined), ago=timedelta(days=9))
    await talk.send(talk.profile("bob"), *(talk.said(n) for n in range(5)))
    job = await talk.report(talk.said(2), reporters=("bob", "cyd"))
    await admin.make(f"/v1/jobs/{job}/comments", {"body": "see the others"})
    draft = {"content": {"reason": "half a sentence"}}
    assert (await moderator.call("PUT", f"/v1/jobs/{job}/draft", draft)).status_code == 200
    found = await context_of(moderator, job)
    assert found["missing"] == []
    assert (found["job"]["id"], found["job"]["reportCount"]) == (job, 2)
    item = found["item"]
    assert (item["id"], item["data"]["text"], item["carrier"]) == ("m/0002", "word 2", "HISTORY")
    ann = {"id": "ann", "typeId": talk.member, "displayName": "Ann"}
    assert item["creator"] == ann
    author = found["author"]
    assert {name: author[name] for name in ann} == ann
    assert author["avatar"]["url"] == "https://p.example/ann.png"
    assert author["avatar"]["ref"] in [one["ref"] for one in author["profile"]["media"]]
    assert author["joinedAt"].startswith("2025-03-01")
    assert author["firstSeen"] < author["lastSeen"]
    assert author["strikes"]["total"] == 2
    assert (author["jobs7d"]["open"], author["jobs7d"]["closed"]) == (1, 0)
    assert [one["id"] for one in author["jobs7d"]["items"]] == [job]
    reporters = {one["id"]: one for one in found["reporters"]}
    assert reporters["bob"]["displayName"] == "Bob"
    assert reporters["cyd"]["displayName"] is None
    assert reporters["bob"]["reports30d"] == 1
    assert texts(found["thread"]["items"]) == [f"word {n}" for n in range(5)]
    assert (found["thread"]["before"], found["thread"]["after"]) == (None, None)
    assert found["thread"]["items"][0]["creator"] == ann
    timeline = found["timeline"]
    assert (timeline["of"], timeline["missing"]) == ("USER", [])
    kinds = [one["kind"] for one in timeline["items"]]
    assert (kinds.count("SUBMISSION"), kinds.count("REPORT")) == (6, 2)
    assert found["comments"]["count"] == 1
    assert found["comments"]["items"][0]["author"] == admin.view("ADMIN")
    offered = {one["id"]: one for one in found["offers"]["actions"]}
    assert (offered[remove_id]["target"], offered[ban]["target"]) == ("ITEM", "AUTHOR")
    assert offered[remove_id] == {
        "id": remove_id,
        "name": "Remove",
        "target": "ITEM",
        "hidden": False,
        "penalty": "LOW",
        "parameters": False,
    }
    assert found["draft"]["content"] == draft["content"]
    assert found["remaining"] == 1
    types = {one["id"]: one for one in found["types"]}
    assert types[talk.message]["hiddenFields"] == ["picture"]
    assert {one["name"]: one["type"] for one in types[talk.message]["fields"]}["said"] == "DATETIME"
    assert types[talk.member]["fieldRoles"]["displayName"] == "name"


async def test_why_it_is_here(
    admin: Any, talk: Conversation, context: Any, org: Any, kit: Any, sign_in: Any
) -> None:
    """The rules that sent it are named as they were then, with what they found, also once they are
    gone; who reviews from outside is told, too."""
    rule = kit.rule(talk.message, name="No money", conditionSet=kit.contains(strings=["cash"]))
    made = await admin.make("/v1/rules", rule | {"status": "BACKGROUND"})
    world = Evaluated(admin, context, org.org_id, kit)
    submission = await world.submit(talk.message, {"text": "send cash"}, item_id="m/cash")
    await world.evaluate(submission)
    item = talk.item("m/cash", talk.message, {"text": "send cash"}, talk.user("ann"))
    entry = JobEntry(
        entry_id=submission,
        source="RULE_EXECUTION",
        at=context.clock(),
        routing=Routing(how="DEFAULT", config_revision=1),
        correlation_id=submission,
    )
    job = await talk.place(
        Placement(org_id=org.org_id, queue_id=talk.queue, item=item, entry=entry)
    )
    assert (await admin.call("DELETE", f"/v1/rules/{made['id']}")).status_code == 204
    outside = await sign_in(Role.EXTERNAL_MODERATOR)
    for person in (admin, outside):
        (found,) = (await context_of(person, job))["explanation"]["rules"]
        assert (found["id"], found["name"]) == (made["id"], "No money")
        assert found["revision"] == made["revision"]
        assert "contains" in found["says"]
        assert found["matchedValue"] == "cash"
        assert found["conditions"]["outcome"] == "PASSED"
    missing = (await context_of(outside, job))["missing"]
    assert {(one["part"], one["reason"]) for one in missing} == {
        ("STRIKES", "NOT_PERMITTED"),
        ("REPORTERS", "NOT_PERMITTED"),
    }


async def test_a_long_thread_is_paged(admin: Any, talk: Conversation, strikes: None) -> None:
    """Forty messages around the reported one at first, all of them by pages of both ends: those of
    the history and those that a report alone brought, each once, in the order of the talk."""
    for start in range(0, 300, 100):
        await talk.send(*(talk.said(n) for n in range(start, start + 100) if n % 3))
    carried = [talk.said(n) for n in range(100, 200)]
    job = await talk.report(talk.said(151), thread=carried[::-1])
    thread = (await context_of(admin, job))["thread"]
    assert texts(thread["items"]) == [f"word {n}" for n in range(131, 172)]
    found, path = thread["items"], f"/v1/jobs/{job}/thread"
    for direction in ("before", "after"):
        cursor = thread[direction]
        while cursor is not None:
            address = f"{path}?limit=7&direction={direction.upper()}&cursor={cursor}"
            page = (await admin.call("GET", address)).json()
            found = page["items"] + found if direction == "before" else found + page["items"]
            cursor = page["nextCursor"]
            assert len(page["items"]) <= 7
    wanted = [n for n in range(300) if n % 3 or 100 <= n < 200]
    assert texts(found) == [f"word {n}" for n in wanted]
    beside = (await admin.call("GET", f"{path}?limit=2")).json()
    assert texts(beside["items"]) == ["word 149", "word 150"]
    for wrong in ("x", thread["before"][:-1]):
        answer = await admin.call("GET", f"{path}?cursor={wrong}")
        assert answer.status_code == 422, wrong


class AwayReader(ItemReader):
    """A store of items that does not answer."""

    @asynccontextmanager
    async def _open(self, _org_id: str) -> AsyncIterator[Any]:
        raise Retryable("away")
        yield


async def test_each_source_away(
    admin: Any, talk: Conversation, context: Any, dispatcher: Any, org: Any, clock: Any
) -> None:
    """Without history and dispatcher the job is there as it was reported, and says what is not."""
    carried = [talk.said(n, author="bob") for n in range(60)]
    job = await talk.report(talk.said(30), thread=carried[::-1])
    path = f"/internal/v1/orgs/{org.org_id}/strikes"
    dispatcher.answers[path] = httpx.ConnectError("away")
    away = AwayReader(context.engine, context.part(ItemReader)._horizon, clock=clock)
    parts = MappingProxyType({**context.parts, ItemReader: away})
    other = replace(context, parts=parts)
    async with client_of(application_of(other), other) as client:
        client.cookies = admin.http.cookies
        answer = await client.get(f"/v1/jobs/{job}/context")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert {(one["part"], one["reason"]) for one in found["missing"]} == {
            ("HISTORY", "UNAVAILABLE"),
            ("STRIKES", "UNAVAILABLE"),
        }
        assert (found["item"]["data"]["text"], found["item"]["carrier"]) == ("word 30", "JOB")
        assert found["author"]["strikes"] is None
        assert found["offers"]["skip"]["ok"]
        assert texts(found["thread"]["items"]) == [f"word {n}" for n in range(10, 51)]
        rest = await client.get(f"/v1/jobs/{job}/thread?cursor={found['thread']['before']}")
        assert texts(rest.json()["items"]) == [f"word {n}" for n in range(10)]
        assert rest.json()["missing"] == [{"part": "HISTORY", "reason": "UNAVAILABLE"}]


async def test_a_job_is_decided_while_the_history_is_away(
    talk: Conversation, context: Any, sign_in: Any, clock: Any
) -> None:
    """Claimed, read and decided by what the job carries; the page says that the history is missing,
    and what was decided is there afterwards."""
    moderator = await sign_in(Role.MODERATOR)
    job = await talk.report(talk.said(1), reporters=("bob",))
    away = AwayReader(context.engine, context.part(ItemReader)._horizon, clock=clock)
    other = replace(context, parts=MappingProxyType({**context.parts, ItemReader: away}))
    async with client_of(application_of(other), other) as client:
        client.cookies, client.headers = moderator.http.cookies, moderator.http.headers
        claimed = (await client.post(f"/v1/jobs/{job}/claims?include=context")).json()
        missing = {(one["part"], one["reason"]) for one in claimed["context"]["missing"]}
        assert ("HISTORY", "UNAVAILABLE") in missing
        assert claimed["context"]["item"]["data"]["text"] == "word 1"
        body = {"leaseToken": claimed["lease"]["token"], "components": [{"type": "IGNORE"}]}
        decided = await client.post(f"/v1/jobs/{job}/decisions", json=body)
        assert decided.status_code == 201, decided.text
        log = await client.get(f"/v1/jobs/{job}/history")
    assert log.status_code == 200, log.text
    found = await moderator.call("GET", f"/v1/decisions/{decided.json()['id']}")
    assert found.json()["components"][0]["type"] == "IGNORE"


async def test_others_do_not_have_it(
    admin: Any, talk: Conversation, sign_in: Any, kit: Any
) -> None:
    """Another organisation, and whoever the queue is closed to, get what is not there; another
    organisation's items of the same names are not among ours."""
    other = await kit.make_org()
    await talk.send(talk.said(1), talk.profile("ann"), org_id=other.org_id)
    await talk.send(talk.said(2))
    job = await talk.report(talk.said(2))
    found = await context_of(admin, job)
    assert texts(found["thread"]["items"]) == ["word 2"]
    assert found["author"]["profile"] is None
    stranger = await sign_in(Role.ADMIN, other.org_id)
    closed = {"name": "Closed", "reviewerIds": [admin.user_id]}
    queue = (await admin.make("/v1/queues", closed))["id"]
    hidden = await talk.report(talk.said(3), queue=queue)
    moderator = await sign_in(Role.MODERATOR)
    for person, job_id in ((stranger, job), (moderator, hidden), (admin, "nothing")):
        for rest in ("context", "thread"):
            answer = await person.call("GET", f"/v1/jobs/{job_id}/{rest}")
            assert answer.status_code == 404, rest


async def test_what_is_grave(
    admin: Any, talk: Conversation, context: Any, org: Any, sign_in: Any
) -> None:
    """What is about child safety beside the job is not there for those who may not see it; who may
    see it leaves one row that says so."""
    await talk.send(talk.profile("eve"), talk.profile("ann"))
    await talk.send(*(talk.said(n, author="eve" if n == 4 else "ann") for n in range(6)))
    job = await talk.report(talk.said(3))
    await talk.report(talk.said(4, author="eve"), csam=True)
    eve = talk.profile("eve")
    await talk.report(eve, csam=True)
    moderator = await sign_in(Role.MODERATOR)
    found = await context_of(moderator, job)
    assert texts(found["thread"]["items"]) == [f"word {n}" for n in (0, 1, 2, 3, 5)]
    assert "'eve'" not in str(found)
    assert found["missing"] == [{"part": "STRIKES", "reason": "UNAVAILABLE"}]

    async def rows() -> list[Any]:
        query = select(audit_log.c.target_id, audit_log.c.detail).where(
            audit_log.c.org_id == org.org_id, audit_log.c.action.like("child-safety.%")
        )
        async with transaction(context.engine) as connection:
            return list(await connection.execute(query))

    before = len(await rows())
    after = f"/v1/jobs/{job}/thread?direction=AFTER"
    assert texts((await moderator.call("GET", after)).json()["items"]) == ["word 5"]
    viewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    whole = await context_of(viewer, job)
    assert len(whole["thread"]["items"]) == 6
    (row,) = (await rows())[before:]
    assert row.target_id == job
    assert {one["id"] for one in row.detail["items"]} == {"m/0004", "eve"}
    assert texts((await viewer.call("GET", after)).json()["items"]) == ["word 4", "word 5"]
    assert len(await rows()) == before + 2


async def test_reports_that_were_right(
    admin: Any, talk: Conversation, kit: Any, sign_in: Any
) -> None:
    """A reporter's record counts what a reviewer acted upon, wherever the job went meanwhile; what
    was undone does not count."""
    sent = {"name": "Acme", "undoWindow": 0}
    assert (await admin.call("PUT", "/v1/settings", sent)).status_code == 200
    remove = (await admin.make("/v1/actions", kit.action(talk.message)))["id"]
    second = (await admin.make("/v1/queues", {"name": "Second", "openToEveryone": True}))["id"]
    acted = [{"type": "CUSTOM_ACTION", "actionIds": [remove]}]
    await talk.report(talk.said(1))
    await admin.decide(talk.queue, acted)
    await talk.report(talk.said(2))
    await admin.decide(talk.queue, [{"type": "MOVE", "queueId": second}])
    await admin.decide(second, acted)
    await talk.report(talk.said(3))
    await admin.decide(talk.queue, [{"type": "IGNORE"}])
    job = await talk.report(talk.said(4))
    (bob,) = (await context_of(admin, job))["reporters"]
    assert (bob["reports30d"], bob["upheld30d"]) == (4, 2)
    closed = (await context_of(admin, job))["author"]["jobs7d"]
    assert (closed["open"], closed["closed"]) == (1, 4)


async def test_what_is_offered(admin: Any, talk: Conversation, kit: Any, sign_in: Any) -> None:
    """Offered is what a decision would be let through with: hidden actions say so, queues that are
    not for it or not known are left out, what may not be done says why."""
    hidden = (await admin.make("/v1/actions", kit.action(talk.message, name="Hidden")))["id"]
    foreign = (await admin.make("/v1/actions", kit.action(talk.member, name="Foreign")))["id"]
    queue = {"name": "Picky", "openToEveryone": True, "hiddenActionIds": [hidden]}
    picky = (await admin.make("/v1/queues", queue))["id"]
    secret = (await admin.make("/v1/queues", {"name": "Secret", "reviewerIds": [admin.user_id]}))[
        "id"
    ]
    settings = {
        "name": "Acme",
        "requiresPolicyForDecisions": True,
        "hideSkipButtonForNonAdmins": True,
    }
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    nobody = talk.item("m/none", talk.message, {"text": "whose"}, None)
    job = await talk.report(nobody, queue=picky)
    moderator = await sign_in(Role.MODERATOR)
    found = await context_of(moderator, job)
    offers = found["offers"]
    assert {one["id"]: one["hidden"] for one in offers["actions"]}[hidden]
    assert foreign not in {one["id"] for one in offers["actions"]}
    queues = {one["id"] for one in offers["moveTo"]}
    assert talk.queue in queues
    assert not queues & {picky, secret}
    assert offers["skip"] == {
        "ok": False,
        "reason": "this organisation does not let you skip jobs",
    }
    assert not offers["escalate"]["ok"]
    assert "not known" in offers["escalate"]["reason"]
    assert offers["reverse"] is None
    assert offers["rules"]["policyRequired"]
    assert found["author"] is None
    assert {one["id"] for one in (await context_of(admin, job))["offers"]["moveTo"]} >= {secret}
    await admin.decide(picky, [{"type": "IGNORE"}])
    assert (await context_of(admin, job))["offers"] is None


async def test_a_claim_brings_it(admin: Any, talk: Conversation, sign_in: Any, kit: Any) -> None:
    """Whichever way a job is claimed, `include=context` has its context in the same answer, as its
    own route has it; without, there is none."""
    moderator = await sign_in(Role.MODERATOR)
    await talk.send(talk.profile("ann"), *(talk.said(n) for n in range(5)))
    jobs = [await talk.report(talk.said(n), reporters=("bob",)) for n in range(5)]
    await admin.make(f"/v1/jobs/{jobs[0]}/comments", {"body": "see the others"})
    settings = {"name": "Acme", "undoWindow": 60}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200

    async def claimed(path: str, body: Any = None) -> Any:
        answer = await moderator.call("POST", f"{path}?include=context", body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def is_whole(claim: Any) -> None:
        asked = await context_of(moderator, claim["job"]["id"])
        assert claim["context"] == asked
        assert claim["context"]["job"]["lease"]["reviewer"]["id"] == moderator.user_id

    first = await claimed("/v1/claims", {})
    assert first["job"]["id"] == jobs[0]
    assert first["context"]["comments"]["items"][0]["author"]["id"] == admin.user_id
    await is_whole(first)
    decision = {
        "leaseToken": first["lease"]["token"],
        "components": [{"type": "IGNORE"}],
        "next": {"queueIds": [talk.queue]},
    }
    decided = await claimed(f"/v1/jobs/{jobs[0]}/decisions", decision)
    await is_whole(decided["next"])
    await is_whole(await claimed(f"/v1/jobs/{jobs[3]}/claims"))
    await is_whole(await claimed(f"/v1/queues/{talk.queue}/claims"))
    undone = await claimed(f"/v1/decisions/{decided['decision']['id']}/undo", {"claim": True})
    await is_whole(undone["claim"])
    assert undone["claim"]["context"]["draft"] is not None
    plain = await moderator.call("POST", f"/v1/jobs/{jobs[4]}/claims")
    assert plain.json()["context"] is None
    wrong = await moderator.call("POST", "/v1/claims?include=all", {})
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    "fault",
    [
        Retryable("nothing answers"),
        Unavailable("saturated"),
        JobNotFound("emptied since it was claimed"),
        LacksPermission("VIEW_MRT"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_claim_does_not_fail_with_its_context(
    context: Any, talk: Conversation, sign_in: Any, fault: Exception
) -> None:
    """Where the context cannot be had, for whatever reason that is known, the claim is answered
    without it: the person has the job by then."""
    moderator = await sign_in(Role.MODERATOR)
    job = await talk.report(talk.said(1), reporters=("bob",))

    async def away(_request: Any, _principal: Any, _job_id: str) -> Any:
        raise fault

    parts = MappingProxyType({**context.parts, ClaimContexts: ClaimContexts(away)})
    other = replace(context, parts=parts)
    async with client_of(application_of(other), other) as client:
        client.cookies, client.headers = moderator.http.cookies, moderator.http.headers
        answer = await client.post(f"/v1/jobs/{job}/claims?include=context")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["job"]["id"], answer.json()["context"]) == (job, None)
