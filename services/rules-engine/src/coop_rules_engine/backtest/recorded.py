"""What the engine recorded of past submissions: the values it had, whether a rule passed, what was
asked for; joined to the items of one partition as they are read again.

Guarantees: both topics have the same key, so an item's results are in the partition of the same
number; the results of the fast lane are in the order of the items, those of the others later, and
are waited for up to `LATE_SECONDS` of the log's time. What is kept in memory is bounded; what is
not found is not known, and not "no".
Must not: evaluate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from confluent_kafka import Message as KafkaMessage
from msgspec import Struct

from coop_contracts.event import RequestedExecution, SignalValue
from coop_rules_engine.backtest.partition_reader import CLOCK_SKEW, PartitionReader

LATE_SECONDS = 900.0
MAX_HELD = 100_000
"""Submissions of one partition whose results are held while their items are not read yet."""

_CHUNK = 2_000
_STRAY = 5_000  # results of other submissions in a row, after which a missing one is not there
_READ_SECONDS = 0.02


class _Ref(Struct):
    id: str


class _Outcome(Struct):
    rule: _Ref
    status: Literal["LIVE", "BACKGROUND"]
    passed: bool | None = None


class _Result(Struct, rename="camel"):
    """A RulesEvaluated, as far as it is needed: what is not named here is not decoded."""

    time: datetime
    submission_id: str
    config_revision: int
    rules: tuple[_Outcome, ...] = ()
    executions: tuple[RequestedExecution, ...] = ()
    signals: tuple[SignalValue, ...] = ()
    lane: str = "FAST"
    submitted_at: datetime | None = None


class RecordedSubmission(Struct):
    """What is known of one submission. `fast`: the fast lane's result was seen, so that a rule that
    is not named did not pass."""

    time: datetime
    revision: int
    fast: bool = False
    passed: bool | None = False
    signals: tuple[SignalValue, ...] = ()
    executions: frozenset[str] = frozenset()

    @property
    def live(self) -> bool | None:
        """Whether the live rule passed then; None: not known."""
        return self.passed if self.fast or self.passed else None


class RecordedResults:
    """The results of one partition. `late`: results of the other lanes are wanted as well."""

    def __init__(
        self, reader: PartitionReader, *, prefixes: tuple[bytes, ...], rule_id: str, late: bool
    ) -> None:
        self._reader = reader
        self._prefixes = prefixes
        self._rule_id = rule_id
        self._late = timedelta(seconds=LATE_SECONDS) if late else timedelta()
        self._decode = msgspec.json.Decoder(_Result).decode
        self._held: dict[str, RecordedSubmission] = {}
        self._newest: datetime | None = None  # submission whose fast result was read
        self._stray = 0
        self._synchronised = False

    def find(self, submission_id: str) -> RecordedSubmission | None:
        """What is known of it."""
        return self._held.get(submission_id)

    def forget(self, submission_id: str) -> None:
        """Its item was judged: the result is not needed any more."""
        self._held.pop(submission_id, None)

    def catch_up(self, submissions: Collection[str], *, first: datetime, last: datetime) -> bool:
        """Read on until the results of these submissions, which were made from `first` to `last`,
        are there or cannot come any more; False when there is more to read: call again."""
        missing = {s for s in submissions if s not in self._held or not self._held[s].fast}
        latest = max((self._held[s].time for s in submissions if s in self._held), default=last)
        self._forget_before(first)
        if self._reader.done or not self._wanted(missing, latest, last):
            return True
        for result in self._results():
            self._hold(result)
            if result.submission_id in submissions:
                self._synchronised, self._stray = True, 0
                latest = max(latest, result.time)
            elif self._synchronised:
                self._stray += 1
        missing = {s for s in missing if s not in self._held or not self._held[s].fast}
        return self._reader.done or not self._wanted(missing, latest, last)

    def _wanted(self, missing: Collection[str], latest: datetime, last: datetime) -> bool:
        if len(self._held) >= MAX_HELD:
            return False
        beyond = self._newest is not None and self._newest > last + CLOCK_SKEW
        if missing and not beyond and self._stray < _STRAY:
            return True
        newest = next(reversed(self._held.values())).time if self._held else latest
        return bool(self._late) and newest < latest + self._late

    def _results(self) -> Iterable[_Result]:
        messages: list[KafkaMessage] = self._reader.read(_CHUNK, _READ_SECONDS)
        for message in messages:
            key, value = message.key(), message.value()
            if key is None or value is None or not key.startswith(self._prefixes):
                continue
            try:
                yield self._decode(value)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                continue  # not a result of ours: then nothing is known of that submission

    def _hold(self, result: _Result) -> None:
        found = self._held.get(result.submission_id)
        if found is None:
            time = result.submitted_at or result.time
            found = RecordedSubmission(time=time, revision=result.config_revision)
            self._held[result.submission_id] = found
        if result.lane == "FAST":
            found.fast = True
            submitted = result.submitted_at
            if submitted is not None and (self._newest is None or submitted > self._newest):
                self._newest = submitted
        for outcome in result.rules:
            if outcome.rule.id == self._rule_id and outcome.status == "LIVE":
                found.passed = outcome.passed if not found.passed else True
        if result.signals:
            # A later lane knows what an earlier one did not.
            newer = {value.key for value in result.signals}
            older = tuple(value for value in found.signals if value.key not in newer)
            found.signals = older + result.signals
        if result.executions:
            found.executions |= {execution.execution_id for execution in result.executions}

    def _forget_before(self, first: datetime) -> None:
        """Results of submissions before `first`: their items were judged."""
        oldest = first - CLOCK_SKEW
        while self._held:
            submission_id = next(iter(self._held))
            if self._held[submission_id].time >= oldest:
                return
            del self._held[submission_id]
