"""What an item is found by, taken from what platforms send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from coop_contracts.event import ItemRef, ReportSubmitted
from coop_contracts.ids import new_id
from coop_queues.reading import item_key
from coop_review_api.history.version import Indexing, ItemShape, spelled, versions_of

from .history_world import NOW, ref, searched, submitted, submitted_item, version


def test_an_item_is_found_by_what_its_type_says() -> None:
    """Author, thread, parent, time, address, media and texts are those of the fields' roles."""
    item = submitted_item(
        "i",
        text="river",
        author=ref("u"),
        thread=ref("t", "topic"),
        parent=ref("p", "post"),
        said="2026-01-01T00:00:00.000Z",
        ip=" 2001:DB8::0001",
        pictures=[{"url": "https://x.example/a.png"}],
    )
    made = version("o", item, NOW)
    assert made.author_key == item_key("member", "u")
    assert made.thread_key == item_key("topic", "t")
    assert made.parent_key == item_key("post", "p")
    assert made.said_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert (made.address, made.has_media, made.text) == ("2001:db8::1", True, "river")


@pytest.mark.parametrize(
    "data",
    [
        {"said": "0000-13-99"},
        {"said": 7},
        {"said": "0001-01-01T00:00:00+14:00"},
        {"thread": "t", "parent": {"id": 1, "typeId": 2}},
        {"thread": {}},
        {"ip": ""},
        {"ip": 4},
        {"pictures": []},
        {"text": ["a\0b", 3]},
        {},
    ],
)
def test_odd_values_are_missing(data: dict[str, Any]) -> None:
    """Nothing that a platform sends makes keeping it fail; what cannot be read is not there."""
    made = version("o", submitted_item("i", **data), NOW)
    assert (made.thread_key, made.parent_key, made.address) == (None, None, None)
    assert (made.said_at, made.has_media) == (NOW, False)
    assert made.text in (None, "a b")


def test_a_type_that_is_gone_says_nothing() -> None:
    """The item is kept, and found by its id and its author."""
    item = submitted_item("i", "gone", text="river", author=ref("u"), ip="10.0.0.1")
    unknown = Indexing(ItemShape.of(None), searched=True)
    (made,) = versions_of(submitted("o", item, NOW), lambda _org_id, _item: unknown)
    assert made.author_key == item_key("member", "u")
    assert (made.address, made.text, made.is_user) == (None, None, False)


def test_a_report_brings_each_item_once() -> None:
    """The reported item comes first: the same again in its thread is not another version."""
    first, other = submitted_item("i", text="one"), submitted_item("j", text="two")
    report = ReportSubmitted(
        event_id=new_id(),
        org_id="o",
        time=NOW,
        correlation_id="c",
        report_id="r",
        reporter=ItemRef("u", "member"),
        reported_at=NOW,
        item=first,
        thread_items=(other, submitted_item("i", text="three")),
        additional_items=(other,),
        config_revision=1,
    )
    made = versions_of(report, searched)
    assert [(one.item_id, one.text, one.source) for one in made] == [
        ("i", "one", "REPORT"),
        ("j", "two", "REPORT"),
    ]
    assert {one.submission_id for one in made} == {"r"}
    assert msgspec.json.decode(made[0].item)["id"] == "i"


def test_addresses_have_one_spelling() -> None:
    """What is the same address is found as the same; what is none stays what it is."""
    assert spelled("2001:DB8:0:0::1") == spelled(" 2001:db8::1 ") == "2001:db8::1"
    assert spelled("Not Known") == spelled(" not known")
    assert spelled("  ") is None
