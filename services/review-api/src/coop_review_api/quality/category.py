"""What two decisions on one job are compared by.

Guarantees: pure; equal decisions have equal categories, in whatever order their parts were given.
Must not: look at parameters, notes or reasons: two people never write the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

_SCALE = 2**64


class By(StrEnum):
    """How finely decisions are compared."""

    OUTCOME = "OUTCOME"
    ACTIONS = "ACTIONS"
    POLICIES = "POLICIES"


class Part(Protocol):
    """A component of a decision, of whichever model."""

    @property
    def type(self) -> str: ...
    @property
    def action_ids(self) -> tuple[str, ...]: ...
    @property
    def policy_ids(self) -> tuple[str, ...]: ...


class Categories(Struct, frozen=True, kw_only=True):
    """One decision, named in three ways.

    `outcome`: IGNORED, ACTED, ESCALATED, APPEAL_ACCEPTED or APPEAL_REJECTED. `actions`: the ids of
    what was done to the item, and the types of everything else, sorted and apart by a space.
    `policies`: the ids of the policies, likewise; without any the outcome.
    """

    outcome: str
    actions: str
    policies: str


def categories_of(parts: Iterable[Part]) -> Categories:
    """The categories of a decision's components."""
    done, policies, types = set[str](), set[str](), set[str]()
    for part in parts:
        types.add(part.type)
        policies.update(part.policy_ids)
        if part.type == "CUSTOM_ACTION":
            done.update(part.action_ids)
        else:
            done.add(part.type)
    outcome = _outcome(types)
    return Categories(
        outcome=outcome,
        actions=" ".join(sorted(done)),
        policies=" ".join(sorted(policies)) or outcome,
    )


def _outcome(types: set[str]) -> str:
    for kind, outcome in (
        ("ACCEPT_APPEAL", "APPEAL_ACCEPTED"),
        ("REJECT_APPEAL", "APPEAL_REJECTED"),
        ("ESCALATE_TO_NCMEC", "ESCALATED"),
    ):
        if kind in types:
            return outcome
    return "IGNORED" if types <= {"IGNORE"} else "ACTED"


def is_sampled(job_id: str, share: float) -> bool:
    """Whether a job is among the `share` (0 to 1) whose decisions are reviewed again.

    The same job always has the same answer, and what is sampled at a share is sampled at every
    larger one: a hash of the id falls below the share.
    """
    digest = hashlib.sha256(b"second review\0" + job_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * _SCALE
