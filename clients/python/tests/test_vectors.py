"""Every request of the vectors gets the verdict that stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from coop_client import Refused, Verified
from coop_client.webhook import Unreadable, read

from .conftest import VECTORS, body_of, verifier_of

CASES: list[dict[str, Any]] = VECTORS["cases"]


def cases_with(verdict: str) -> pytest.MarkDecorator:
    found = [case for case in CASES if verdict in case]
    return pytest.mark.parametrize("case", found, ids=lambda case: str(case["name"]))


def verified(case: dict[str, Any]) -> Verified:
    headers = [(name, value) for name, value in case["headers"]]
    return verifier_of(case).verify(headers, body_of(case))


@cases_with("kind")
def test_what_is_coops_is_taken_for_what_it_is(case: dict[str, Any]) -> None:
    """Both signatures verify, the id is the signed one, and the body is of its kind."""
    found = verified(case)
    assert read(found.body).kind == case["kind"]
    assert found.id == (None if case.get("unstamped") else VECTORS["id"])


@cases_with("refused")
def test_what_is_not_coops_is_refused(case: dict[str, Any]) -> None:
    """For the very reason, with the status that says whose fault it is."""
    with pytest.raises(Refused) as refused:
        verified(case)
    assert (refused.value.reason, refused.value.status) == (
        case["refused"],
        case.get("status", 401),
    )


@cases_with("unreadable")
def test_what_nobody_can_read_is_told(case: dict[str, Any]) -> None:
    """It is Coop's, and none of the kinds that are known here."""
    with pytest.raises(Unreadable, match=case["unreadable"]):
        read(verified(case).body)


def test_every_case_has_one_verdict_and_a_name_of_its_own() -> None:
    """Nothing of the file is passed over."""
    verdicts = [sum(key in case for key in ("kind", "refused", "unreadable")) for case in CASES]
    assert set(verdicts) == {1}
    assert len({case["name"] for case in CASES}) == len(CASES)
