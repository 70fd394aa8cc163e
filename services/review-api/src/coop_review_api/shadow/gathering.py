"""Fills the ledger: what was evaluated here, and what Coop said.

Guarantees: an hour of evaluations is one transaction, so that no long one is in the way of others;
what lies a while before and after the time asked for is there too, because the two sides take
their time; memory does not grow with either side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import RuleOutcome
from coop_review_api.history.relation import VERSIONS
from coop_review_api.projection.relation import EVALUATIONS
from coop_review_api.shadow.ledger import FAILED, PASSED, UNDECIDED, Ledger
from coop_review_api.shadow.logbook import BEAT, Listening
from coop_review_api.shadow.said import Acted, Judged, Said, Seen, said
from coop_runtime.database.engine import transaction

_HOUR: Final = timedelta(hours=1)
_WITHIN: Final = 600.0  # seconds for an hour of evaluations
_BATCH: Final = 5_000
_SILENCE: Final = 3 * BEAT.total_seconds()
"""Seconds after which a receiver that says nothing is not there."""


class _Evaluation(msgspec.Struct):
    """What is read of a RulesEvaluated."""

    rules: tuple[RuleOutcome, ...] = ()


_evaluation = msgspec.json.Decoder(_Evaluation)


@dataclass(frozen=True)
class Window:
    """The time that is compared, and how far apart the two sides may be."""

    since: datetime
    until: datetime
    slack: timedelta

    @property
    def begin(self) -> datetime:
        return self.since - self.slack

    @property
    def end(self) -> datetime:
        return self.until + self.slack

    def hours(self) -> Iterator[tuple[datetime, datetime]]:
        """The whole of it, in pieces."""
        start = self.begin
        while start < self.end:
            stop = min(start + _HOUR, self.end)
            yield start, stop
            start = stop


@dataclass(slots=True)
class Told:
    """What the files had: rows of each kind; actions that no rule asked for; when the receiver was
    there, as spans of seconds."""

    judged: int = 0
    acted: int = 0
    seen: int = 0
    without_rule: int = 0
    heard: bool = False
    present: list[tuple[float, float]] = field(default_factory=list)

    def was_present(self, first: float, last: float) -> bool:
        """Whether a receiver was there at one of these times, or at one between them."""
        return any(start <= last and first <= end for start, end in self.present)


async def gather_ours(
    engine: AsyncEngine,
    org_id: str,
    window: Window,
    ledger: Ledger,
    tell: Callable[[str], None],
) -> None:
    """Evaluations and items of here. Raises `Retryable`."""
    for start, stop in window.hours():
        async with transaction(engine, within=_WITHIN) as connection:
            count = await _evaluations(connection, org_id, start, stop, ledger)
            await _items(connection, org_id, start, stop, ledger)
        if count:
            tell(f"{start:%Y-%m-%d %H:%M}: {count} evaluations")


async def _evaluations(
    connection: AsyncConnection, org_id: str, start: datetime, stop: datetime, ledger: Ledger
) -> int:
    table, count = EVALUATIONS.of.c, 0
    rows = await connection.stream(
        select(table.time, table.item_type_id, table.item_id, table.event).where(
            table.org_id == org_id, table.time >= start, table.time < stop
        )
    )
    async for part in rows.partitions(_BATCH):
        count += len(part)
        ledger.add_ours(
            (
                row.item_type_id,
                row.item_id,
                outcome.rule.id,
                _verdict(outcome.passed),
                row.time.timestamp(),
                row.time.timestamp(),
                outcome.rule.revision,
            )
            for row in part
            for outcome in _evaluation.decode(row.event).rules
        )
    return count


def _verdict(passed: bool | None) -> int:
    if passed is None:
        return UNDECIDED
    return PASSED if passed else FAILED


async def _items(
    connection: AsyncConnection, org_id: str, start: datetime, stop: datetime, ledger: Ledger
) -> None:
    table = VERSIONS.of.c
    rows = await connection.stream(
        select(table.type_id, table.item_id, func.count().label("times"))
        .where(
            table.org_id == org_id,
            table.time >= start,
            table.time < stop,
            table.source == "ITEM",
        )
        .group_by(table.type_id, table.item_id)
    )
    async for part in rows.partitions(_BATCH):
        ledger.add_items((row.type_id, row.item_id, row.times, 0) for row in part)


def gather_theirs(files: Iterable[Path], org_id: str, window: Window, ledger: Ledger) -> Told:
    """What the files say. Raises `SaidError`."""
    told = Told()
    for path in files:
        rows = said(path, org_id)
        last: Listening | None = None
        while batch := list(islice(rows, _BATCH)):
            _take(batch, window, ledger, told)
            last = next((one for one in reversed(batch) if isinstance(one, Listening)), last)
        if last is not None and last.what != "stopped":
            # It has not said that it left, and its next word was not due yet.
            start, end = told.present[-1]
            told.present[-1] = (start, end + _SILENCE)
    told.present.sort()
    return told


def _take(batch: Sequence[Said], window: Window, ledger: Ledger, told: Told) -> None:
    for presence in (one for one in batch if isinstance(one, Listening)):
        told.heard = True
        _note(told.present, presence)
    within = [
        one
        for one in batch
        if not isinstance(one, Listening) and window.begin <= one.at < window.end
    ]
    judged = [one for one in within if isinstance(one, Judged)]
    acted = [one for one in within if isinstance(one, Acted)]
    told.judged += len(judged)
    told.acted += len(acted)
    told.seen += sum(isinstance(one, Seen) for one in within)
    told.without_rule += sum(not one.rule_ids for one in acted)
    ledger.add_theirs([_judged(one) for one in judged])
    ledger.add_acts(
        (one.type_id, one.item_id, one.action_id, rule_id, one.at.timestamp(), one.at.timestamp())
        for one in acted
        for rule_id in one.rule_ids
    )
    ledger.add_items(
        (one.type_id, one.item_id, 0, 1) for one in within if not isinstance(one, Acted)
    )


def _judged(one: Judged) -> tuple[str, str, str, int, float, float, float | None]:
    at = one.at.timestamp()
    version = None if one.version is None else one.version.timestamp()
    verdict = PASSED if one.passed else FAILED
    return one.type_id, one.item_id, one.rule_id, verdict, at, at, version


def _note(present: list[tuple[float, float]], line: Listening) -> None:
    """A receiver says that it is there about every `BEAT`; after a longer silence it was not."""
    at = line.at.timestamp()
    if line.what == "started" or not present:
        present.append((at, at))
        return
    start, last = present[-1]
    if at - last > _SILENCE:
        present.append((at, at))
    else:
        present[-1] = (start, at)
