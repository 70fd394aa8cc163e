"""What a body's faults point at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coop_review_api.configuration.document_model import ItemTypeBody
from coop_review_api.http.body import Body, parse
from coop_review_api.kernel.error import Invalid
from coop_review_api.review.decision_route import DecisionBody

LEASE = {"leaseToken": "t"}


class Either(Body):
    """A field that may be of two shapes."""

    x: list[int] | int


@pytest.mark.parametrize(
    ("model", "sent", "pointers"),
    [
        (DecisionBody, LEASE | {"components": [{"type": "MOVE"}]}, ["/components/0/queueId"]),
        (
            DecisionBody,
            LEASE | {"components": [{"type": "IGNORE"}, {"type": "CUSTOM_ACTION", "extra": 1}]},
            ["/components/1/actionIds", "/components/1/extra"],
        ),
        (DecisionBody, LEASE | {"components": [{"type": "NOPE"}]}, ["/components/0"]),
        (DecisionBody, {"components": 3}, ["/leaseToken", "/components"]),
        (
            ItemTypeBody,
            {"name": "A", "kind": "CONTENT", "fields": [{"name": "x", "type": "NOPE"}]},
            ["/fields/0/type", "/fields/0/type"],
        ),
        (Either, {"x": [1, "a"]}, ["/x/1", "/x"]),
    ],
)
def test_a_fault_points_into_the_body_as_it_was_sent(
    model: type[Body], sent: dict[str, object], pointers: list[str]
) -> None:
    """Names of a union's members, which only the model knows, are no part of a pointer."""
    with pytest.raises(Invalid) as refused:
        parse(model, json.dumps(sent).encode())
    assert [fault.pointer for fault in refused.value.faults] == pointers


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 5000])
def test_what_is_not_json_is_one_fault_of_the_whole_body(data: bytes) -> None:
    """Bytes that cannot be read are refused without a place in them."""
    with pytest.raises(Invalid) as refused:
        parse(DecisionBody, data)
    assert [fault.pointer for fault in refused.value.faults] == [""]


class Nested(Body):
    """Anything inside of a field."""

    x: int
    anything: dict[str, Any]


def test_of_a_repeated_name_the_last_value_counts() -> None:
    """At every depth, as on the public wire: no two readers of a body see two things."""
    sent = b'{"x":"no","x":2,"anything":{"a":1},"anything":{"b":1,"b":{"c":1,"c":2}}}'
    assert parse(Nested, sent) == Nested(x=2, anything={"b": {"c": 2}})
