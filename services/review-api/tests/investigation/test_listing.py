"""What an item is called in a list, and how it begins."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from coop_contracts.config import Container, Field, FieldRoles, ItemType, ScalarType
from coop_contracts.event import SubmittedItem
from coop_review_api.investigation.listing import PREVIEW, Listing, listing_of


def field(name: str, scalar: str) -> Field:
    return Field(name=name, type=ScalarType(scalar))


def many(name: str, scalar: str) -> Field:
    container = Container(container_type="ARRAY", value_scalar_type=ScalarType(scalar))
    return Field(name=name, type="ARRAY", container=container)


MEMBER = ItemType(
    id="member",
    name="Member",
    kind="USER",
    version="v",
    fields=(
        field("name", "STRING"),
        field("bio", "STRING"),
        field("secret", "STRING"),
        many("tags", "STRING"),
        field("icon", "IMAGE"),
        many("films", "VIDEO"),
        field("age", "NUMBER"),
    ),
    field_roles=FieldRoles(display_name="name", profile_icon="icon"),
    hidden_fields=("secret",),
)


def listing(data: Any, item_type: ItemType | None = MEMBER) -> Listing:
    raw = msgspec.Raw(msgspec.json.encode(data))
    item = SubmittedItem(id="i", type_id="member", type_version="v", data=raw)
    return listing_of(item, item_type)


def test_the_roles_say_what_it_is_called() -> None:
    """Its name, its words without the name and what is hidden, its media, its picture's field."""
    found = listing(
        {
            "name": "Ann\n  B",
            "bio": "First line\nsecond",
            "secret": "no",
            "tags": ["a", "", "b"],
            "icon": {"url": "https://x.example/a.png"},
            "films": [{"url": "https://x.example/b.mp4"}, {"url": "https://x.example/c.mp4"}],
            "age": 7,
            "unknown": "not of the type",
        }
    )
    assert found == Listing(
        kind="USER",
        display_name="Ann B",
        preview="First line second · a · b",
        media_count=3,
        avatar_field="icon",
    )


def test_without_values_or_a_type_there_is_nothing_to_say() -> None:
    """No name, no words, no media; of a type that is gone not even its kind."""
    assert listing({}) == Listing(kind="USER")
    assert listing({"name": "x"}, None) == Listing()


def test_long_words_are_cut() -> None:
    """At the limit, with a sign that there was more."""
    found = listing({"bio": "x" * 300, "name": "n" * 300})
    assert found.preview == "x" * (PREVIEW - 1) + "…"
    assert found.display_name is not None
    assert len(found.display_name) == PREVIEW
    assert listing({"bio": "x" * PREVIEW}).preview == "x" * PREVIEW


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional={one.name: ANY for one in MEMBER.fields}))
def test_whatever_was_sent(data: dict[str, Any]) -> None:
    """Values of any shape make no list fail, and none of them makes it long."""
    found = listing(data)
    assert len(found.preview) <= PREVIEW
    assert len(found.display_name or "") <= PREVIEW
