"""Lists of jobs: orders, counts, what a glance shows, what I skipped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Container, Field, ItemType, Policy, Queue, ScalarType
from coop_contracts.event import SubmittedItem
from coop_contracts.permission import Role
from coop_queues.store import Ranking
from coop_review_api.review.preview import MAX_TEXT, preview_of

pytestmark = pytest.mark.engines


@pytest.fixture
async def queue(admin: Any, kit: Any) -> dict[str, str]:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made = (await admin.make("/v1/queues", {"name": "List", "openToEveryone": True}))["id"]
    return {"id": made, "post": post}


async def listed(person: Any, **query: str) -> list[Any]:
    """All pages of two."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await person.call("GET", "/v1/jobs", params={**query, **cursor, "limit": "2"})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        cursor = {"cursor": page["nextCursor"]}


async def test_a_queue_in_the_order_in_which_it_is_handed_out(
    queue: dict[str, str], sign_in: Any, place: Any
) -> None:
    """By deadline, where no deadline comes last; by severity, equals in their turn; and as claims
    find them, whatever the page's size."""
    moderator = await sign_in(Role.MODERATOR)

    async def put(**more: Any) -> str:
        return str(await place(queue["id"], queue["post"], ranking=Ranking(**more)))

    plain = await put()
    soon = await put(target=30)
    later = await put(target=90)
    bad = str(
        await place(
            queue["id"],
            queue["post"],
            ranking=Ranking.of(
                Queue(id=queue["id"], name="List"),
                [Policy(id="law", name="Law", penalty="SEVERE")],
                revision=1,
            ),
            policy_ids=("law",),
        )
    )
    wanted = {"queueId": queue["id"]}
    by_deadline = [job["id"] for job in await listed(moderator, **wanted, sort="deadline")]
    assert by_deadline[:2] == [soon, later]
    assert set(by_deadline[2:]) == {plain, bad}
    handed = [job["id"] for job in await listed(moderator, **wanted, sort="handout")]
    for job_id in handed:
        claim = await moderator.call("POST", f"/v1/queues/{queue['id']}/claims")
        assert claim.json()["job"]["id"] == job_id
    by_severity = [job["id"] for job in await listed(moderator, **wanted, sort="severity")]
    assert by_severity == [bad, *(job_id for job_id in handed if job_id != bad)]


async def test_orders_of_one_queue_need_it(queue: dict[str, str], admin: Any, kit: Any) -> None:
    """And none but the order of coming can be turned round."""
    for sort in ("handout", "deadline", "severity"):
        answer = await admin.call("GET", f"/v1/jobs?sort={sort}")
        assert kit.pointers(answer) == ["#/query/queueId"]
        turned = f"/v1/jobs?sort={sort}&queueId={queue['id']}&newestFirst=true"
        assert kit.pointers(await admin.call("GET", turned)) == ["#/query/newestFirst"]
    assert (await admin.call("GET", "/v1/jobs?sort=other")).status_code == 422


async def test_a_cursor_of_another_order_is_refused(
    queue: dict[str, str], admin: Any, kit: Any, place: Any
) -> None:
    """It would begin anywhere."""
    for _ in range(3):
        await place(queue["id"], queue["post"])
    wanted = {"queueId": queue["id"], "limit": "1"}
    orders = ("age", "handout", "severity")
    for sort in orders:
        page = (await admin.call("GET", "/v1/jobs", params={**wanted, "sort": sort})).json()
        for other in orders:
            query = {**wanted, "sort": other, "cursor": page["nextCursor"]}
            answer = await admin.call("GET", "/v1/jobs", params=query)
            assert answer.status_code == (200 if other == sort else 422), (sort, other)


async def test_a_glance_at_each_job(queue: dict[str, str], sign_in: Any, place: Any) -> None:
    """The words of the newest version of the item, and no words of what is about child safety; not
    asked for, there is none."""
    viewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    plain = await place(queue["id"], queue["post"])
    grave = await place(queue["id"], queue["post"], csam=True)
    wanted = {"queueId": queue["id"]}
    jobs = {job["id"]: job for job in await listed(viewer, **wanted, include="preview")}
    assert jobs[plain]["preview"] == {"text": "buy now \u0000", "media": {"count": 0}}
    assert jobs[grave]["preview"] is None
    assert all(job["preview"] is None for job in await listed(viewer, **wanted))


async def test_a_bounded_count(queue: dict[str, str], admin: Any, place: Any) -> None:
    """How many jobs fit, whatever the page; where it is not asked for, nobody counts."""
    for _ in range(3):
        await place(queue["id"], queue["post"])
    path = f"/v1/jobs?queueId={queue['id']}&limit=1"
    assert (await admin.call("GET", f"{path}&count=true")).json()["count"] == {
        "value": 3,
        "more": False,
    }
    assert (await admin.call("GET", path)).json()["count"] is None


async def test_what_i_skipped_and_when_it_is_back(
    queue: dict[str, str], sign_in: Any, place: Any
) -> None:
    """For me alone."""
    anna, bert = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    job_id = await place(queue["id"], queue["post"])
    claim = (await anna.call("POST", f"/v1/jobs/{job_id}/claims")).json()
    token = {"leaseToken": claim["lease"]["token"]}
    assert (await anna.call("POST", f"/v1/jobs/{job_id}/skip", token)).status_code == 204
    [mine] = await listed(anna, queueId=queue["id"])
    until = datetime.fromisoformat(mine["skippedUntil"])
    assert timedelta(minutes=29) < until - datetime.now(until.tzinfo) <= timedelta(minutes=30)
    [theirs] = await listed(bert, queueId=queue["id"])
    assert theirs["skippedUntil"] is None


def test_what_a_preview_shows() -> None:
    """Fields in the order of the type, none that is hidden, or says when, where and who; media are
    counted, other items left out; it ends after 200 characters, however deep or long the data
    is."""
    fields = ("title", "body", "secret", "pictures", "author")
    addresses = Container(container_type="ARRAY", value_scalar_type=ScalarType.IP_ADDRESS)
    item_type = ItemType(
        id="t",
        name="T",
        kind="CONTENT",
        version="2026-01-01T00:00:00.000000Z",
        fields=(
            Field(name="sent", type="DATETIME"),
            Field(name="from", type="ARRAY", container=addresses),
            *(Field(name=name, type="STRING") for name in fields),
        ),
        hidden_fields=("secret",),
    )
    data = {
        "author": {"id": "u1", "typeId": "user"},
        "secret": "hidden",
        "sent": "2026-01-01T00:00:00Z",
        "from": ["192.0.2.1"],
        "body": "  two\n words ",
        "title": "first",
        "pictures": [{"url": "https://a.example/1"}, {"url": "https://a.example/2"}],
    }

    def seen(value: Any, known: ItemType | None = item_type) -> tuple[str, int]:
        item = SubmittedItem(
            id="i", type_id="t", type_version="v", data=msgspec.Raw(msgspec.json.encode(value))
        )
        shown = preview_of(item, known)
        return shown.text, shown.media

    assert seen(data) == ("first · two words", 2)
    assert seen({"a": "x"}, None) == ("x", 0)
    assert len(seen({"title": "x" * 10_000})[0]) == MAX_TEXT
    deep: Any = "end"
    for _ in range(500):
        deep = [deep]
    assert seen({"title": deep}) == ("end", 0)
