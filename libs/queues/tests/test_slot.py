"""Keys of items: short, of fixed size, the same for ever."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from coop_queues.slot import item_key, reporter_key

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
def test_a_key_is_a_uuid_of_its_name(type_id: str, id_: str) -> None:
    """Keys that are in tables already are found: they are what `uuid.uuid5` makes."""
    name = f"{len(type_id)}:{type_id}{id_}"
    of_items = uuid.UUID("7d0f8c52-94a1-5c7b-8a44-1f6e0b3d9c55")
    of_reporters = uuid.UUID("e3b1a0c6-5f27-5d1e-9b38-6c4d2a7f8e66")
    assert item_key(type_id, id_) == str(uuid.uuid5(of_items, name))
    assert reporter_key(type_id, id_) == str(uuid.uuid5(of_reporters, name))


def test_types_and_ids_do_not_run_into_each_other() -> None:
    """("a", "bc") and ("ab", "c") are two items."""
    assert item_key("a", "bc") != item_key("ab", "c")
