"""One item while rules are evaluated on it: what is given, and what has been found out so far.

Guarantees: an input is read, a text scanned and a score computed at most once for an item.
Must not: outlive the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import msgspec
from msgspec import Struct

from coop_contracts.event import ItemRef, SignalValue

Outcome = bool | None  # None: unknown, because a condition errored; counts as not passing

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Facts(Struct, frozen=True):
    """What is given of one item. `at` is the event's time; `source` and `policy_ids` are for
    routing rules; `item` makes a user item its own author."""

    data: dict[str, Any]
    at: datetime
    creator: ItemRef | None = None
    source: str | None = None
    policy_ids: Sequence[str] = ()
    item: ItemRef | None = None

    @classmethod
    def read(
        cls,
        data: bytes | msgspec.Raw | dict[str, Any],
        *,
        at: datetime,
        creator: ItemRef | None = None,
        source: str | None = None,
        policy_ids: Sequence[str] = (),
        item: ItemRef | None = None,
    ) -> Self:
        """The facts of an item whose data is a JSON object, as bytes or decoded.

        Raises:
            msgspec.DecodeError: the bytes are not a JSON object.
        """
        decoded = data if isinstance(data, dict) else _decode(data)
        return cls(decoded, at, creator, source, policy_ids, item)


class MissingValue:
    """A value that could not be had, and why."""

    __slots__ = ("error",)

    def __init__(self, error: str) -> None:
        self.error = error


class ScanResult:
    """What one scanner found in the values of one input.

    `found`: by position of the pattern set, what matched in some value; `every`: those that matched
    in every text; `texts`: how many texts there are; `bad`: whether a value is no text.
    """

    __slots__ = ("bad", "every", "found", "texts")

    def __init__(
        self, found: dict[int, str], every: dict[int, str], texts: int, *, bad: bool
    ) -> None:
        self.found = found
        self.every = every
        self.texts = texts
        self.bad = bad


class Score:
    """What a signal says of one value: `score` as it is recorded, `compared` as it is compared
    (None: it has none, `error` says why)."""

    __slots__ = ("compared", "error", "matched", "score")

    def __init__(
        self, score: Any, compared: Any, matched: str | None = None, error: str | None = None
    ) -> None:
        self.score = score
        self.compared = compared
        self.matched = matched
        self.error = error


class EvaluationState:
    """What is known of one item; `inputs`, `scans` and `scores` are filled as they are needed."""

    __slots__ = ("candidates", "data", "facts", "inputs", "scans", "scores", "signals")

    data: dict[str, Any]
    facts: Facts
    signals: Mapping[str, Sequence[SignalValue]]
    inputs: list[list[Any] | None]
    scans: list[ScanResult | None]
    scores: list[list[Score] | None]
    candidates: list[int]

    def __init__(
        self,
        facts: Facts,
        signals: Mapping[str, Sequence[SignalValue]],
        *,
        inputs: int,
        scans: int,
        scores: int,
    ) -> None:
        self.facts = facts
        self.data = facts.data
        self.signals = signals
        self.inputs = [None] * inputs
        self.scans = [None] * scans
        self.scores = [None] * scores
        self.candidates = []


Test = Callable[[EvaluationState], Outcome]
Read = Callable[[EvaluationState], list[Any]]
"""Gives the values that an item provides, without nulls."""
