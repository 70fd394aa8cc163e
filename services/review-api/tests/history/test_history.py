"""The history of items: every way to find one, against a plain model; what comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_queues.reading import item_key
from coop_review_api.history.port import ItemPage, Mark, Slice, Span
from coop_review_api.history.reader import ItemReader
from coop_review_api.history.store import ItemStore
from coop_review_api.history.table import item_marks, item_versions
from coop_runtime.database.engine import transaction

from .history_world import (
    NOW,
    WORDS,
    Model,
    by_talk,
    by_time,
    populated,
    ref,
    submitted_item,
    version,
)

pytestmark = pytest.mark.engines

Way = Callable[[Slice], Awaitable[ItemPage]]


MONTH = timedelta(days=30)


async def month(_connection: object, _org_id: str) -> datetime:
    return NOW - MONTH


@pytest.fixture
def reader(history_engine: Any) -> ItemReader:
    return ItemReader(history_engine, month, clock=lambda: NOW)


@pytest.fixture
def org_ids() -> tuple[str, str]:
    return new_id(), new_id()


@pytest.fixture
async def model(store: ItemStore, org_ids: tuple[str, str]) -> Model:
    made = populated(org_ids, NOW, count=600, seed=7)
    await store.add([row for row, _ in made.rows])
    return made


async def everything(way: Way, limit: int) -> list[str]:
    """The submissions of all pages; no page is larger than asked for."""
    found: list[str] = []
    part = Slice(limit)
    for _ in range(400):
        page = await way(part)
        assert len(page.items) <= limit
        found += [item.submission_id for item in page.items]
        if page.next is None:
            return found
        part = Slice(limit, page.next)
    raise AssertionError("it does not end")


async def counted(engine: Any, org_id: str, table: Any = item_versions) -> int:
    async with transaction(engine) as connection:
        found = await connection.scalar(
            select(func.count()).select_from(table).where(table.c.org_id == org_id)
        )
    return found or 0


async def test_replay_writes_nothing_twice(
    store: ItemStore, history_engine: Any, org_id: str
) -> None:
    """The same batch again, alone, within itself, or by two writers at once, adds nothing."""
    rows = [version(org_id, submitted_item(f"i{n}", text="a"), NOW) for n in range(50)]
    marks = [Mark(org_id, "i1", "post", "REPORTED")]
    assert await store.add([*rows, *rows[:9]], marks) == 50
    assert await store.add(rows, marks) == 0
    added = await asyncio.gather(*(store.add(rows[::step], marks) for step in (1, -1, 1, -1)))
    assert added == [0] * 4
    assert await counted(history_engine, org_id) == 50
    assert await counted(history_engine, org_id, item_marks) == 1


async def test_a_repeated_request_is_one_submission(
    store: ItemStore, history_engine: Any, org_id: str
) -> None:
    """A submission of an Idempotency-Key that was published twice, hours apart, is one version."""
    id_ = "c9d2e7a1-73b4-5f6d-a1b8-3e5f9c0d4a33"  # derived, as such a submission's is
    first, second = (
        version(org_id, submitted_item("i", text="a"), NOW + timedelta(hours=h), submission_id=id_)
        for h in (0, 20)
    )
    assert await store.add([first]) == 1
    assert await store.add([second]) == 0
    assert await store.add([first, second]) == 0
    assert await counted(history_engine, org_id) == 1


async def test_several_at_once_and_when_somebody_was_seen(
    reader: ItemReader, model: Model, org_ids: tuple[str, str]
) -> None:
    """The latest of each that is known, as one by one; an author's first and last moment."""
    rows = [row for row, _ in model.rows if row.org_id == org_ids[0]]
    wanted = [ItemRef(id=row.item_id, type_id=row.type_id) for row in rows[:40]]
    found = await reader.latest_of(org_ids[0], [*wanted, ItemRef(id="none", type_id="post")])
    single = {one: await reader.latest(org_ids[0], one) for one in wanted}
    assert {ref: one.submission_id for ref, one in found.items()} == {
        ref: one.submission_id for ref, one in single.items() if one is not None
    }
    author = rows[0].author_key
    times = [row.time for row in rows if row.author_key == author and row.time >= NOW - MONTH]
    made = next(one for one in rows if one.author_key == author)
    item = msgspec.json.decode(made.item)
    ref_ = item.get("creator") or item
    seen = await reader.seen(org_ids[0], ItemRef(id=ref_["id"], type_id=ref_["typeId"]))
    assert (seen.since, seen.until) == (min(times), max(times))
    assert (await reader.seen(org_ids[0], ItemRef(id="none", type_id="member"))) == Span()


async def test_by_item(reader: ItemReader, model: Model, org_ids: tuple[str, str]) -> None:
    """Latest, versions and the look-up by an id alone are what was sent, the newest first."""
    seen = 0
    for org_id in org_ids:
        for id_ in [str(n) for n in range(0, 300, 10)] + ["u1", "nobody"]:
            types = {}
            for type_id in ("post", "note", "member"):
                rows = [
                    row
                    for row, _ in model.rows
                    if (row.org_id, row.item_id, row.type_id) == (org_id, id_, type_id)
                ]
                item = ItemRef(id_, type_id)
                expected = by_time(rows)
                way: Way = lambda part, item=item: reader.versions(org_id, item, part)  # type: ignore[misc] # noqa: E731, B023
                assert await everything(way, 2) == expected
                latest = await reader.latest(org_id, item)
                assert (latest and latest.submission_id) == (expected[0] if expected else None)
                if expected:
                    types[type_id] = expected[0]
                    seen += 1
            found = await reader.of_id(org_id, id_)
            assert {one.item.type_id: one.submission_id for one in found} == types
    assert seen > 30


@pytest.mark.parametrize("limit", [3, 200])
async def test_by_author(
    reader: ItemReader, model: Model, org_ids: tuple[str, str], limit: int
) -> None:
    """What a user made: all, of one type, of some days, what has media; the user among it."""
    span = Span(NOW - timedelta(days=6), NOW - timedelta(days=2))
    for org_id in org_ids:
        author = ItemRef("u1", "member")
        key = item_key("member", "u1")
        ways: list[tuple[Way, list[str]]] = [
            (
                lambda part: reader.by_author(org_id, author, part),  # noqa: B023
                by_time(model.find(org_id, lambda row, _: row.author_key == key)),  # noqa: B023
            ),
            (
                lambda part: reader.by_author(org_id, author, part, type_id="note"),  # noqa: B023
                by_time(
                    model.find(
                        org_id,
                        lambda row, _: row.author_key == key and row.type_id == "note",  # noqa: B023
                    )
                ),
            ),
            (
                lambda part: reader.by_author(org_id, author, part, span=span),  # noqa: B023
                by_time(
                    row
                    for row in model.find(
                        org_id,
                        lambda row, _: row.author_key == key,  # noqa: B023
                        until=span.until,
                    )
                    if span.since is not None and row.time >= span.since
                ),
            ),
            (
                lambda part: reader.media_of(org_id, author, part),  # noqa: B023
                by_time(
                    model.find(
                        org_id,
                        lambda row, data: (
                            row.author_key == key  # noqa: B023
                            and bool(data.get("pictures") or data.get("face"))
                        ),
                    )
                ),
            ),
        ]
        for way, expected in ways:
            assert await everything(way, limit) == expected
            assert expected


@pytest.mark.parametrize("limit", [2, 200])
async def test_around_an_item(
    reader: ItemReader, model: Model, org_ids: tuple[str, str], limit: int
) -> None:
    """Before and after an item, and the answers to one, in the conversation's order."""
    for org_id in org_ids:
        thread = ItemRef("t3", "topic")
        rows = model.find(org_id, lambda _, data: data.get("thread") == ref("t3", "topic"))
        order = by_talk(rows)
        assert len(order) > 10
        assert await everything(lambda p: reader.after(org_id, thread, p), limit) == order  # noqa: B023
        assert await everything(lambda p: reader.before(org_id, thread, p), limit) == order[::-1]  # noqa: B023
        middle = next(row for row in rows if row.submission_id == order[5])
        of = await reader.latest(org_id, ItemRef(middle.item_id, middle.type_id))
        assert of is not None
        found = await everything(lambda p: reader.after(org_id, thread, p, of=of), limit)  # noqa: B023
        assert found == order[6:]
        found = await everything(lambda p: reader.before(org_id, thread, p, of=of), limit)  # noqa: B023
        assert found == order[:5][::-1]
        answers = by_talk(
            model.find(org_id, lambda _, data: data.get("parent") == ref("2", "post"))
        )
        parent = ItemRef("2", "post")
        assert await everything(lambda p: reader.by_parent(org_id, parent, p), limit) == answers  # noqa: B023
        assert answers


@pytest.mark.parametrize("limit", [2, 200])
async def test_by_address_and_text(
    reader: ItemReader, model: Model, org_ids: tuple[str, str], limit: int
) -> None:
    """An address is found in any spelling, words in the texts of the last days."""
    spellings = {"2001:DB8:0::1", "2001:db8::1"}
    since = NOW - timedelta(days=7)
    for org_id in org_ids:
        expected = by_time(model.find(org_id, lambda _, data: data.get("ip") in spellings))
        for spelling in ("2001:db8::1", " 2001:0DB8::0001"):
            way: Way = lambda p, s=spelling: reader.by_address(org_id, s, p)  # type: ignore[misc] # noqa: E731, B023
            assert await everything(way, limit) == expected
        assert expected
        word, other = WORDS[0], WORDS[1]
        texts = model.find(org_id, lambda _, data: word in data.get("text", ""))  # noqa: B023
        recent = [row for row in texts if row.time >= since]
        way = lambda p: reader.by_text(org_id, word, p)  # noqa: E731, B023
        assert await everything(way, limit) == by_time(recent)
        without = [row for row in recent if other.encode() not in row.item]
        way = lambda p: reader.by_text(org_id, f"{word} -{other}", p)  # noqa: E731, B023
        assert await everything(way, limit) == by_time(without)
        assert len(recent) > len(without) > 0


async def test_another_organisation_sees_nothing(
    reader: ItemReader, store: ItemStore, org_id: str
) -> None:
    """Each way, asked for another organisation, is empty, though the ids are the same."""
    item = submitted_item(
        "i",
        text="river",
        author=ref("u"),
        thread=ref("t", "topic"),
        parent=ref("p", "post"),
        said="2026-01-01T00:00:00Z",
        ip="10.0.0.1",
        pictures=[{"url": "https://x.example/a.png"}],
    )
    await store.add([version(org_id, item, NOW - timedelta(hours=1))])

    async def found(asker: str) -> list[int]:
        user, thread, parent = ItemRef("u", "member"), ItemRef("t", "topic"), ItemRef("p", "post")
        pages = [
            await reader.versions(asker, ItemRef("i", "post")),
            await reader.by_author(asker, user),
            await reader.by_author(asker, user, type_id="post"),
            await reader.media_of(asker, user),
            await reader.before(asker, thread),
            await reader.after(asker, thread),
            await reader.by_parent(asker, parent),
            await reader.by_address(asker, "10.0.0.1"),
            await reader.by_text(asker, "river"),
        ]
        latest = await reader.latest(asker, ItemRef("i", "post"))
        by_id = await reader.of_id(asker, "i")
        return [*(len(page.items) for page in pages), int(latest is not None), len(by_id)]

    assert await found(org_id) == [1] * 11
    assert await found(new_id()) == [0] * 11


async def test_what_is_searched_is_said_by_the_settings(
    reader: ItemReader, store: ItemStore, org_id: str
) -> None:
    """A text that is not to be searched is found by its item, and by no word."""
    made = version(org_id, submitted_item("i", text="river"), NOW)
    plain = msgspec.structs.replace(made, text=None)
    await store.add([plain])
    assert await reader.latest(org_id, ItemRef("i", "post")) is not None
    assert (await reader.by_text(org_id, "river")).items == ()
