"""Asking the platform about items: for a reviewer, and before a job is handed out."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import select
from standardwebhooks import Webhook

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.permission import Role
from coop_queues.job import JobKind
from coop_queues.table import jobs
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.kernel.schema import audit_log
from coop_review_api.partial_item.partial_item import PartialItems
from coop_review_api.review.closing_budget import ClosingLimits
from coop_review_api.review.desk import Desk
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction
from coop_runtime.egress.guard import EgressGuard

pytestmark = pytest.mark.engines

Answer = Callable[[dict[str, Any]], Awaitable[tuple[int, bytes]]]


class Platform:
    """A partial-items endpoint on this machine: what it answers, what it was asked."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.status = 200
        self.body: bytes | None = None
        self.silent = False
        self.asked: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.raw = b""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:]
                pairs = (line.split(": ", 1) for line in lines if ": " in line)
                self.headers = {name.lower(): value for name, value in pairs}
                self.raw = await reader.readexactly(int(self.headers["content-length"]))
                self.asked.append(json.loads(self.raw))
                if self.silent:
                    await asyncio.sleep(60)
                body = self.body if self.body is not None else self._known()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (self.status, len(body)) + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _known(self) -> bytes:
        asked = [item["id"] for item in self.asked[-1]["items"]]
        known = [self.items[one] for one in asked if one in self.items]
        return json.dumps({"items": known}).encode()


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    made = Platform()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/partial"
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def post(admin: Any, kit: Any) -> str:
    """A type of item whose field `gone` says that it was deleted."""
    fields = [
        {"name": "text", "type": "STRING", "required": True},
        {"name": "gone", "type": "BOOLEAN"},
        {"name": "likes", "type": "NUMBER"},
    ]
    made = await admin.make(
        "/v1/item-types", kit.item_type(fields=fields, fieldRoles={"isDeleted": "gone"})
    )
    return str(made["id"])


@pytest.fixture
async def connected(context: Any, org: Any, platform: Platform) -> Platform:
    """The organisation's endpoint is the platform."""
    bound = bound_to(org.org_id, Kind.SETTINGS, SETTINGS_ID)
    headers = context.vault.encrypt('{"x-secret": "s3cret"}', context=bound)
    async with transaction(context.engine) as connection:
        configuration = await lock(connection, org.org_id, author="test", clock=context.clock)
        document = OrgSettings(
            id=SETTINGS_ID,
            name="Acme",
            undo_window=0,
            partial_items_endpoint=platform.url,
            partial_items_headers=headers,
        )
        await configuration.save(Kind.SETTINGS, document)
    return platform


def limit_closing(context: Any, **limits: Any) -> None:
    """Other limits of what a claim closes."""
    context.parts[Desk] = replace(context.part(Desk), closing=ClosingLimits(**limits))


@pytest.fixture(autouse=True)
def patience(context: Any) -> None:
    """A busy machine is not a platform that is silent."""
    limit_closing(context, seconds=60.0)


async def closing(admin: Any, queue: str, **fields: Any) -> None:
    body = {"name": "Default", "isDefaultQueue": True, "autoCloseJobs": True, **fields}
    assert (await admin.call("PUT", f"/v1/queues/{queue}", body)).status_code == 200


async def closed_by_itself(engine: Any, org_id: str) -> list[str]:
    """Items whose jobs were closed because they were deleted."""
    query = select(decisions.c.item_id, decisions.c.components).where(
        decisions.c.org_id == org_id, decisions.c.reviewer_id.is_(None)
    )
    async with transaction(engine) as connection:
        found = (await connection.execute(query.order_by(decisions.c.item_id))).all()
    for row in found:
        assert row.components == [
            {"type": "AUTOMATIC_CLOSE", "closeReason": "ITEM_DELETED_BEFORE_REVIEW"}
        ]
    return [row.item_id for row in found]


async def test_a_reviewer_sees_more_of_an_item(
    admin: Any, sign_in: Any, org: Any, post: str, connected: Platform
) -> None:
    """The platform is asked with the organisation's headers and both signatures; its answer is
    checked and coerced; what was not asked for is dropped."""
    moderator = await sign_in(Role.MODERATOR)
    connected.body = json.dumps(
        {
            "items": [
                {"id": "other", "typeId": post, "data": {}},
                {"id": "post-1", "type": {"id": post}, "data": {"likes": "3", "more": 1}},
            ]
        }
    ).encode()
    answer = await moderator.call("GET", f"/v1/items/{post}/post-1/partial")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown.pop("typeVersion")
    assert shown == {
        "id": "post-1",
        "typeId": post,
        "data": {"likes": 3, "more": 1},
        "creator": None,
        "isDeleted": False,
    }
    assert connected.asked == [{"items": [{"id": "post-1", "typeId": post}]}]
    assert connected.headers["x-secret"] == "s3cret"
    Webhook(org.webhook_secret).verify(connected.raw, connected.headers)
    key = serialization.load_pem_public_key(org.public_key.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(connected.headers["coop-signature"])
    key.verify(signature, connected.raw, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (500, b"", "answered 500"),
        (302, b"", "answered 302"),
        (200, b"<html>", "not JSON"),
        (200, b"\xff\xfe{\0}\0", "not JSON"),
        (200, b"[" * 100_000, "nests deeper than 64"),
        (
            200,
            b'{"items": [{"id": "post-1", "x": ' + b"[" * 99 + b"]" * 99 + b"}]}",
            "nests deeper",
        ),
        (200, b'{"items": {}}', "/items must be a list"),
        (200, b'{"items": [7]}', "/items/0 must be an object"),
        (200, b'{"items": [{"id": 7}]}', "/items/0/id must be a string"),
        (200, b'{"items": [{"id": "post-1", "typeId": 7}]}', "/items/0/typeId must be a string"),
        (200, b'{"items": [{"id": "post-1", "typeId": "POST"}]}', "/items/0/data"),
        (
            200,
            b'{"items": [{"id": "post-1", "typeId": "POST", "data": {"likes": "many"}}]}',
            "/items/0/data/likes",
        ),
        (200, b" " * 2_500_000, "more than 2000000 bytes"),
    ],
)
async def test_a_wrong_answer_is_told_by_what_is_wrong(
    admin: Any, post: str, connected: Platform, status: int, body: bytes, says: str
) -> None:
    """Whatever a platform answers is 502 with the fault, never 500, never a guess."""
    connected.status, connected.body = status, body.replace(b"POST", post.encode())
    answer = await admin.call("GET", f"/v1/items/{post}/post-1/partial")
    assert answer.status_code == 502, answer.text
    assert says in answer.json()["detail"]


async def test_a_text_cut_in_the_middle_of_an_emoji_is_shown(
    admin: Any, post: str, connected: Platform
) -> None:
    """As in what the platform sends by itself, it has U+FFFD."""
    body = rb'{"items": [{"id": "post-1", "typeId": "POST", "data": {"text": "x \ud83d"}}]}'
    connected.status, connected.body = 200, body.replace(b"POST", post.encode())
    answer = await admin.call("GET", f"/v1/items/{post}/post-1/partial")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["text"] == "x \ufffd"


async def test_what_cannot_be_asked_is_said(
    admin: Any, context: Any, org: Any, post: str, platform: Platform, connected: Platform
) -> None:
    """No such item, no such type, an address that may not be asked, nobody there, too slow."""
    path = f"/v1/items/{post}/post-1/partial"
    unknown = await admin.call("GET", path)
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404,
        "the platform does not know this item",
    )
    assert (await admin.call("GET", "/v1/items/nothing/post-1/partial")).status_code == 404
    from coop_contracts.event import ItemRef
    from coop_review_api.kernel.error import UpstreamFailed

    item = [ItemRef(id="post-1", type_id=post)]
    guarded = PartialItems(context.engine, EgressGuard([]), context.vault)
    with pytest.raises(UpstreamFailed, match="may not be asked"):
        await guarded.ask(org.org_id, item)
    await guarded.aclose()
    platform.silent = True
    hasty = PartialItems(context.engine, EgressGuard(["127.0.0.1"]), context.vault, deadline=0.2)
    with pytest.raises(UpstreamFailed, match="in time"):
        await hasty.ask(org.org_id, item)
    await hasty.aclose()


async def test_without_an_endpoint_it_is_a_conflict(admin: Any, post: str) -> None:
    """An organisation without an endpoint is told so."""
    answer = await admin.call("GET", f"/v1/items/{post}/post-1/partial")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "this organisation has no partial-items endpoint",
    )


async def test_an_item_of_child_safety_needs_its_permission(
    admin: Any, sign_in: Any, org: Any, post: str, connected: Platform, place: Any, engine: Any
) -> None:
    """Without the permission there is no such item; with it, the look is audited."""
    await place(org.default_queue_id, post, "post-1", csam=True)
    connected.items["post-1"] = {"id": "post-1", "typeId": post, "data": {}}
    path = f"/v1/items/{post}/post-1/partial"
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("GET", path)).status_code == 404
    assert connected.asked == []
    assert (await admin.call("GET", path)).status_code == 200
    query = select(audit_log.c.target_id).where(
        audit_log.c.org_id == org.org_id, audit_log.c.action == "child-safety.viewed"
    )
    async with transaction(engine) as connection:
        assert list(await connection.scalars(query)) == ["post-1"]


async def test_jobs_of_deleted_items_are_not_handed_out(
    admin: Any, org: Any, post: str, connected: Platform, place: Any, engine: Any
) -> None:
    """What is deleted, as the platform says, is closed by a decision of nobody, and the next job is
    handed out; child safety and appeals are handed out all the same."""
    queue = org.default_queue_id
    await closing(admin, queue)
    for item_id in ("post-1", "post-2", "post-3", "post-4"):
        await place(queue, post, item_id, csam=item_id == "post-3")
        gone = item_id != "post-4"
        connected.items[item_id] = {"id": item_id, "typeId": post, "data": {"gone": gone}}
    first = (await admin.call("POST", f"/v1/queues/{queue}/claims")).json()
    assert first["job"]["itemId"] == "post-3"
    second = (await admin.call("POST", f"/v1/queues/{queue}/claims")).json()
    assert second["job"]["itemId"] == "post-4"
    assert await closed_by_itself(engine, org.org_id) == ["post-1", "post-2"]
    await place(org.appeals_queue_id, post, "post-1", kind=JobKind.APPEAL)
    appeal = await admin.call("POST", f"/v1/queues/{org.appeals_queue_id}/claims")
    assert appeal.json()["job"]["itemId"] == "post-1"


async def test_a_queue_that_does_not_want_it_asks_nobody(
    admin: Any, org: Any, post: str, connected: Platform, place: Any
) -> None:
    """Without autoCloseJobs the platform is not asked."""
    await place(org.default_queue_id, post, "post-1")
    connected.items["post-1"] = {"id": "post-1", "typeId": post, "data": {"gone": True}}
    answer = await admin.call("POST", f"/v1/queues/{org.default_queue_id}/claims")
    assert answer.json()["job"]["itemId"] == "post-1"
    assert connected.asked == []


async def test_a_platform_that_fails_hides_no_job(
    admin: Any,
    org: Any,
    post: str,
    connected: Platform,
    place: Any,
    engine: Any,
    context: Any,
) -> None:
    """Down, wrong or silent: the job is handed out as it is."""
    queue = org.default_queue_id
    await closing(admin, queue)
    limit_closing(context, seconds=0.5)
    for number in range(3):
        await place(queue, post, f"post-{number}")
    connected.status = 500
    one = await admin.call("POST", f"/v1/queues/{queue}/claims")
    connected.status, connected.body = 200, b"not json"
    two = await admin.call("POST", f"/v1/queues/{queue}/claims")
    connected.silent = True
    three = await admin.call("POST", f"/v1/queues/{queue}/claims")
    assert [a.json()["job"]["itemId"] for a in (one, two, three)] == ["post-0", "post-1", "post-2"]
    assert await closed_by_itself(engine, org.org_id) == []


async def test_a_claim_closes_so_many_and_then_hands_out(
    admin: Any,
    org: Any,
    post: str,
    connected: Platform,
    place: Any,
    engine: Any,
    context: Any,
) -> None:
    """A queue full of deleted items holds no claim up for long."""
    queue = org.default_queue_id
    await closing(admin, queue)
    limit_closing(context, jobs=3, seconds=60.0)
    for number in range(6):
        await place(queue, post, f"post-{number}")
        item = {"id": f"post-{number}", "typeId": post, "data": {"gone": True}}
        connected.items[f"post-{number}"] = item
    answer = await admin.call("POST", f"/v1/queues/{queue}/claims")
    assert answer.json()["job"]["itemId"] == "post-3"
    assert len(await closed_by_itself(engine, org.org_id)) == 3


async def test_claims_at_once_close_each_job_once(
    admin: Any, sign_in: Any, org: Any, post: str, connected: Platform, place: Any, engine: Any
) -> None:
    """Four reviewers at once: each deleted item's job is closed once, each other has one holder."""
    queue = org.default_queue_id
    await closing(admin, queue)
    for number in range(12):
        await place(queue, post, f"post-{number:02}")
        item = {"id": f"post-{number:02}", "typeId": post, "data": {"gone": number % 3 > 0}}
        connected.items[item["id"]] = item  # type: ignore[index]
    people = [await sign_in(Role.MODERATOR) for _ in range(4)]
    answers = await asyncio.gather(
        *(person.call("POST", f"/v1/queues/{queue}/claims") for person in people)
    )
    held = {answer.json()["job"]["itemId"] for answer in answers if answer.status_code == 200}
    assert held == {"post-00", "post-03", "post-06", "post-09"}
    query = select(jobs.c.item_id).where(jobs.c.org_id == org.org_id, jobs.c.state == "PENDING")
    async with transaction(engine) as connection:
        pending = set(await connection.scalars(query))
    assert pending >= held
    assert set(await closed_by_itself(engine, org.org_id)) | pending == set(connected.items)
