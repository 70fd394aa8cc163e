"""The counts and samples of a backtest.

Guarantees: counts are from the beginning of the backtest; samples are at most `SAMPLES` of each
class (what the rule says now and what the live rule said then), those with the lowest MD5 of the
submission id: the same ones whatever the order of reading, so that a restart ends with the same.
So is what the rule says of an item that people decided, however often it was submitted.
Must not: grow with the number of items.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from coop_contracts.event import BacktestProgressed, BacktestSample

SAMPLES = 100
SAMPLES_AT_ONCE = 25
"""In one event, so that it stays well below what the broker takes."""

_REASONS = 50
_OTHER = "other"
_REASON_CHARACTERS = 120

BacktestState = Literal["RUNNING", "COMPLETE", "CANCELLED", "FAILED"]
OutcomePair = tuple[bool | None, bool | None]

UNREAD = "-"
_LETTERS = {True: "P", None: "U", False: "F"}
_STRONGER = f"{UNREAD}FUP"  # of two submissions of an item, the later letter is what is said of it


class BacktestTally:
    """`passed` counts items, not samples; `reached` is the largest progress told so far."""

    def __init__(self) -> None:
        self.scanned = 0
        self.evaluated = 0
        self.passed = 0
        self.unknown = 0
        self.newly_passing = 0
        self.no_longer_passing = 0
        self.acted = 0
        self.skipped = 0
        self.reached = 0.0
        self.data_from: datetime | None = None
        self.unavailable: dict[str, int] = {}
        self.judged: list[str] = []  # a letter for each labelled item
        # The highest of the lowest ranks on top: (-rank, submission id) by class.
        self._kept: dict[OutcomePair, list[tuple[int, str]]] = {}
        self._new: dict[str, BacktestSample] = {}

    @classmethod
    def of(cls, event: BacktestProgressed, samples: Sequence[BacktestSample]) -> BacktestTally:
        """The tally as it stood at an event, all of whose samples so far are `samples`."""
        found = cls()
        found.scanned = event.scanned
        found.evaluated = event.evaluated
        found.passed = event.passed
        found.unknown = event.unknown
        found.newly_passing = event.newly_passing
        found.no_longer_passing = event.no_longer_passing
        found.acted = event.acted
        found.skipped = event.skipped
        found.reached = event.progress
        found.data_from = event.data_from
        found.unavailable = dict(event.unavailable)
        found.judged = list(event.judged)
        for sample in samples:
            found._keep((sample.passed, sample.live), sample.submission_id)
        return found

    def count(self, passed: bool | None, live: bool | None) -> None:
        """One item was judged."""
        self.scanned += 1
        self.evaluated += 1
        if passed:
            self.passed += 1
            self.newly_passing += live is False
        elif passed is None:
            self.unknown += 1
        elif live:
            self.no_longer_passing += 1

    def expect(self, labelled: int) -> None:
        """So many items are labelled; what was said of them already stays."""
        if len(self.judged) != labelled:
            self.judged = [UNREAD] * labelled

    def judge(self, label: int, passed: bool | None) -> None:
        """A submission of that labelled item was judged."""
        self.judged[label] = max(self.judged[label], _LETTERS[passed], key=_STRONGER.index)

    def skip(self) -> None:
        """One item cannot be read."""
        self.scanned += 1
        self.skipped += 1

    def lacks(self, reasons: Sequence[str]) -> None:
        """Counts an undecided item by the reasons for it."""
        for reason in reasons:
            name = reason[:_REASON_CHARACTERS]
            if name not in self.unavailable and len(self.unavailable) >= _REASONS:
                name = _OTHER
            self.unavailable[name] = self.unavailable.get(name, 0) + 1

    def reaches_back_to(self, time: datetime) -> None:
        """A partition holds nothing older than this."""
        if self.data_from is None or time > self.data_from:
            self.data_from = time

    def offer(
        self, class_: OutcomePair, submission_id: str, make: Callable[[], BacktestSample]
    ) -> None:
        """Keep the submission as a sample of its class, if it is one of the lowest."""
        out = self._keep(class_, submission_id)
        if out == submission_id:
            return
        if out is not None:
            self._new.pop(out, None)
        self._new[submission_id] = make()

    def _keep(self, class_: OutcomePair, submission_id: str) -> str | None:
        """The submission that is left out: the new one, one that it displaces, or None."""
        heap = self._kept.setdefault(class_, [])
        entry = (-rank_of(submission_id), submission_id)
        if len(heap) < SAMPLES:
            if entry in heap:
                return submission_id
            heapq.heappush(heap, entry)
            return None
        if entry <= heap[0] or entry in heap:
            return submission_id
        return heapq.heappushpop(heap, entry)[1]

    def new_samples(self) -> tuple[BacktestSample, ...]:
        """Up to `SAMPLES_AT_ONCE` that were not published yet."""
        return tuple(list(self._new.values())[:SAMPLES_AT_ONCE])

    def published(self, samples: Sequence[BacktestSample]) -> None:
        """These were published."""
        for sample in samples:
            if self._new.get(sample.submission_id) is sample:
                del self._new[sample.submission_id]

    def unpublished(self) -> int:
        """How many samples are not published yet."""
        return len(self._new)

    def event(
        self,
        *,
        event_id: str,
        org_id: str,
        backtest_id: str,
        time: datetime,
        state: BacktestState,
        progress: float,
        position: Mapping[str, int],
        error: str | None = None,
    ) -> BacktestProgressed:
        """The event to publish now."""
        return BacktestProgressed(
            event_id=event_id,
            org_id=org_id,
            time=time,
            correlation_id=backtest_id,
            backtest_id=backtest_id,
            state=state,
            scanned=self.scanned,
            evaluated=self.evaluated,
            passed=self.passed,
            unknown=self.unknown,
            newly_passing=self.newly_passing,
            no_longer_passing=self.no_longer_passing,
            acted=self.acted,
            progress=progress,
            samples=self.new_samples(),
            unavailable=dict(self.unavailable),
            error=error,
            skipped=self.skipped,
            data_from=self.data_from,
            position=dict(position),
            judged="".join(self.judged),
        )


def rank_of(submission_id: str) -> int:
    """The submission's place among all samples of its class."""
    digest = hashlib.md5(submission_id.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return int.from_bytes(digest, "big")
