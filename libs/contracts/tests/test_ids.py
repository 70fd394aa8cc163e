"""Ids: derived ones repeat, random ones do not, and no two causes meet."""

from __future__ import annotations

import uuid

from hypothesis import assume, given
from hypothesis import strategies as st

from coop_contracts import ids
from coop_contracts.error import pointer

PARTS = st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))


@given(PARTS, PARTS)
def test_executions_of_different_causes_never_meet(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    """Two executions share an id exactly when cause, action and target are the same."""
    first = ids.execution_id(cause=one[0], action=one[1], target=one[2])
    second = ids.execution_id(cause=other[0], action=other[1], target=other[2])
    assert (first == second) == (one == other)


def test_separators_inside_parts_do_not_confuse_ids() -> None:
    """Moving a character across a part's border makes another id."""
    assert ids.execution_id(cause="a", action="bc", target="d") != ids.execution_id(
        cause="ab", action="c", target="d"
    )


@given(st.integers(min_value=0, max_value=5), st.integers(min_value=0, max_value=5))
def test_a_new_generation_is_a_new_job(one: int, other: int) -> None:
    """A job id repeats within its generation only."""
    assume(one != other)
    job = {"org_id": "o", "queue_id": "q", "item_type_id": "t", "item_id": "i"}
    assert ids.job_id(**job, generation=one) == ids.job_id(**job, generation=one)
    assert ids.job_id(**job, generation=one) != ids.job_id(**job, generation=other)


def test_new_ids_are_uuid7_and_rise() -> None:
    """New ids sort by the time they were made."""
    made = [ids.new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {uuid.UUID(one).version for one in made} == {7}


def test_pointers_escape_what_rfc_6901_reserves() -> None:
    """A slash or tilde in a field's name stays inside its part."""
    assert pointer("items", 3, "a/b~c") == "/items/3/a~1b~0c"


@given(st.text(), st.text())
def test_the_id_of_what_an_evaluation_says_never_changes(cause: str, what: str) -> None:
    """It is the UUIDv5 of both, each with its length before it, as the standard library has it."""
    namespace = uuid.UUID("0b9d6c1e-4f2a-5d83-9a57-2c8e61f0b3d5")
    name = f"{len(cause)}:{cause}{len(what)}:{what}"
    assert ids.evaluation_id(cause=cause, what=what) == str(uuid.uuid5(namespace, name))
