"""One backtest under way: items read again, judged, counted, and acted on where that is asked.

    parked ──open──▶ reading ──last partition read──▶ finished
       ▲────park────────┘

Guarantees: after each slice, counts and positions belong together: what is before a position is
counted, what is not is not; effects of a slice carry the ids that the live evaluation would give
them. A partition's items are judged in order; partitions take turns.
Must not: publish, or be stepped by two threads at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

from coop_contracts.event import (
    BacktestRequested,
    BacktestSample,
    ItemSubmitted,
    RulesEvaluated,
)
from coop_rules_engine.backtest.effect import Effects
from coop_rules_engine.backtest.partition_reader import PartitionReader, Span
from coop_rules_engine.backtest.recorded import RecordedResults, RecordedSubmission
from coop_rules_engine.backtest.scan import ItemSelection, PartitionScan
from coop_rules_engine.backtest.tally import BacktestTally
from coop_rules_engine.backtest.trial import RuleTrials, conditions_of
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message
from coop_runtime.process.error import Poison
from coop_runtime.process.settings import RuntimeSettings

_ITEMS = 64  # items between looks at the clock
_MESSAGES = 1_000  # effects of one slice
_PREFETCH_KB = 4 * 1024
_GONE = "item type"  # why an item of a deleted type is undecided


class BacktestRun:
    """`partitions`: how many are read at a time. `tally` and `positions`: where to go on from."""

    def __init__(
        self,
        settings: RuntimeSettings,
        request: BacktestRequested,
        trials: RuleTrials,
        *,
        partitions: int,
        tally: BacktestTally | None = None,
        positions: Mapping[int, int] | None = None,
    ) -> None:
        self.request = request
        self.tally = tally or BacktestTally()
        self.due = 0.0  # monotonic seconds; before it a step has nothing to do
        self.finished = False
        self._settings = settings
        self._trials = trials
        self._compares = trials.around.known
        self._partitions = partitions
        self._positions = dict(positions or {})
        self._spans: dict[int, Span] = {}
        self._waiting: deque[Span] = deque()
        self._idle: list[tuple[PartitionReader, PartitionReader | None]] = []
        self._scans: deque[PartitionScan] = deque()
        self._labels = {item: place for place, item in enumerate(request.labelled)}
        self.tally.expect(len(request.labelled))
        self._effects = Effects(request, revision=trials.around.revision) if request.acts else None
        organisation = request.org_id.encode() + b"/"
        types = trials.rule.item_type_ids
        self._wanted = ItemSelection(
            organisation=organisation,
            prefixes=tuple(organisation + type_id.encode() + b"/" for type_id in types),
            start=request.start,
            end=request.end,
        )

    @property
    def is_open(self) -> bool:
        return bool(self._idle or self._scans)

    def open(self) -> None:
        """Connect and find the place to go on from. Raises Retryable."""
        try:
            joins = self._joins()
            for _ in range(self._partitions):
                results = self._reader(RulesEvaluated.topic) if joins else None
                self._idle.append((self._reader(ItemSubmitted.topic), results))
            spans = self._idle[0][0].spans(self.request.start, self.request.end)
        except BaseException:
            self.park()
            raise
        self._spans = {span.partition: span for span in spans}
        for span in spans:
            if self._positions.get(span.partition, span.first) < span.end or span.open_end:
                self._waiting.append(span)
            if not span.whole and span.first >= span.end:
                self.tally.reaches_back_to(self.request.end)

    def _joins(self) -> bool:
        """Whether it needs what the engine recorded of the items."""
        request = self.request
        return request.acts or request.values == "RECORDED" or self._trials.wants_record()

    def _reader(self, topic: str) -> PartitionReader:
        return PartitionReader(self._settings, topic, prefetch_kb=_PREFETCH_KB)

    def park(self) -> None:
        """Let go of the connections; `open` goes on from here."""
        for scan in self._scans:
            self._positions[scan.partition] = scan.position
            self._idle.append((scan.items, scan.results))
        self._scans.clear()
        self._waiting.clear()
        for items, results in self._idle:
            items.close()
            if results is not None:
                results.close()
        self._idle.clear()

    def positions(self) -> dict[int, int]:
        """The next offset by partition."""
        return self._positions | {scan.partition: scan.position for scan in self._scans}

    def progress(self) -> float:
        """From 0 to 1, never less than before."""
        if self.finished:
            return 1.0
        now, spans = self.positions(), self._spans.values()
        total = sum(span.end - span.first for span in spans)
        read = sum(
            min(span.end, max(span.first, now.get(span.partition, 0))) - span.first
            for span in spans
        )
        self.tally.reached = max(self.tally.reached, min(0.999, read / total if total else 0.0))
        return self.tally.reached

    def step(self, seconds: float) -> list[Message]:
        """Go on for about so long; the effects to publish before the position is told to anyone.

        Raises Retryable when the broker sends nothing.
        """
        until = time.perf_counter() + seconds
        effects: list[Message] = []
        while time.perf_counter() < until and len(effects) < _MESSAGES:
            self._take_up()
            if not self._scans:
                self.finished = True
                break
            scan = self._scans[0]
            self._scans.rotate(-1)
            if scan.ready():
                self._judge_all(scan, until, effects)
            self.tally.scanned += scan.take_others()
            if scan.done:
                self._positions[scan.partition] = scan.position
                self._scans.remove(scan)
                self._idle.append((scan.items, scan.results))
            if self.due > time.monotonic():
                break
        return effects

    def _take_up(self) -> None:
        while self._waiting and self._idle:
            span = self._waiting.popleft()
            items, results = self._idle.pop()
            scan = PartitionScan(
                self._wanted,
                items,
                results,
                record=self._record,
                begins=self.tally.reaches_back_to,
            )
            self._scans.append(scan)
            scan.open(span, self._positions.get(span.partition))

    def _record(self, results: PartitionReader) -> RecordedResults:
        return RecordedResults(
            results,
            prefixes=self._wanted.prefixes,
            rule_id=self._trials.rule.id,
            late=self._trials.late,
        )

    def _judge_all(self, scan: PartitionScan, until: float, effects: list[Message]) -> None:
        """Judge the items that are read, until the time is up or acting must wait."""
        count, more = 0, True
        while more:
            event = scan.entry()
            if event is None:
                self.tally.skip()
            elif not self._judge(event, scan.recorded(event.submission_id), effects):
                return
            more = scan.advance()
            count += 1
            if count % _ITEMS == 0 and time.perf_counter() > until:
                return

    def _judge(
        self, event: ItemSubmitted, recorded: RecordedSubmission | None, effects: list[Message]
    ) -> bool:
        """Judge one item; False when it must wait for its turn to be acted on."""
        tally = self.tally
        submission = Submission.of_event(event)
        revision = event.config_revision if recorded is None else recorded.revision
        trial = self._trials.of(submission, revision)
        if trial is None:
            tally.count(None, None)
            self._label(submission, None)
            tally.lacks([_GONE])
            return True
        known = trial.values_of(recorded)
        try:
            evaluation = trial.evaluate(submission, known)
        except Poison:
            tally.skip()
            return True
        outcomes = evaluation.outcomes
        passed = outcomes[0][1] if outcomes else False
        if passed and self._effects is not None:
            made = self._effects.of(trial, submission, evaluation, recorded)
            if made is None:
                self.due = self._effects.due
                return False
            effects += made
            tally.acted += bool(made)
        live = recorded.live if recorded is not None and self._compares else None
        tally.count(passed, live)
        self._label(submission, passed)
        if passed is None:
            tally.lacks(trial.lacking(evaluation))
        if passed is not False or live:

            def sample() -> BacktestSample:
                traced = evaluation if outcomes else trial.evaluate(submission, known, trace=True)
                return BacktestSample(
                    submission_id=submission.submission_id,
                    item=submission.ref,
                    time=submission.time,
                    passed=passed,
                    live=live,
                    conditions=conditions_of(traced),
                )

            tally.offer((passed, live), submission.submission_id, sample)
        return True

    def _label(self, submission: Submission, passed: bool | None) -> None:
        label = self._labels.get(submission.ref)
        if label is not None:
            self.tally.judge(label, passed)
