"""What listed evaluations found, at a glance: each rule's outcome, and the beginning of the item.

Guarantees: a page costs the same few statements, whatever is in it; what is about child safety has
no text; of an evaluation or an item that is too large for a list nothing is read.
Must not: explain; `report` does, one submission at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import FromClause, case, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import (
    ConditionResult,
    ItemRef,
    RuleOutcome,
    RulesEvaluated,
    SubmittedItem,
)
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.explanation.record import FoundEvaluation
from coop_review_api.projection import relation as projected
from coop_review_api.review.child_safety import grave_among
from coop_review_api.review.preview import preview_of

MOST_RULES: Final = 20  # of an evaluation
_LARGEST_EVENT: Final = 256 * 1024  # characters
_LARGEST_ITEM: Final = 64 * 1024

_event = msgspec.json.Decoder(RulesEvaluated)
_item = msgspec.json.Decoder(SubmittedItem)


@dataclass(frozen=True, kw_only=True)
class RuleGlance:
    """`passed` None: it could not be decided. `score` and `matched_value` are those of its first
    condition that has one and came out as the rule did."""

    rule_id: str
    name: str
    revision: int
    passed: bool | None
    score: float | bool | str | None
    matched_value: str | None


@dataclass(frozen=True, kw_only=True)
class Glance:
    """`rules` are None where the evaluation is too large; `text` where the item is, where it is no
    longer kept, or where it is not for lists."""

    rules: Sequence[RuleGlance] | None
    creator: ItemRef | None
    text: str | None


async def glances_of(
    connection: AsyncConnection,
    org_id: str,
    found: Sequence[FoundEvaluation],
    *,
    rule_id: str | None,
) -> dict[FoundEvaluation, Glance]:
    """Of each. With `rule_id` only that rule's outcome."""
    events = await _events(connection, org_id, found)
    items = await _items(connection, org_id, found)
    refs = {ItemRef(id=one.item_id, type_id=one.item_type_id) for one in found}
    grave = await grave_among(connection, org_id, refs)
    wanted = {(Kind.ITEM_TYPE, item.type_id) for item in items.values()}
    catalogue = await load_documents(connection, org_id, wanted)
    types = catalogue.all(Kind.ITEM_TYPE, ItemType)
    glances = {}
    for one in found:
        event = events.get((one.submission_id, one.lane))
        item = items.get(one.submission_id)
        creator = event.creator if event is not None else None
        text = None
        if item is not None:
            creator = creator or item.creator
            if ItemRef(id=item.id, type_id=item.type_id) not in grave:
                text = preview_of(item, types.get(item.type_id)).text
        rules = None if event is None else _rules(event, rule_id)
        glances[one] = Glance(rules=rules, creator=creator, text=text)
    return glances


async def _events(
    connection: AsyncConnection, org_id: str, found: Sequence[FoundEvaluation]
) -> dict[tuple[str, str], RulesEvaluated]:
    """By submission and lane."""
    table = projected.EVALUATIONS.of.c
    keys = [(one.submission_id, one.lane, one.time) for one in found]
    rows = await connection.execute(
        select(table.submission_id, table.lane, table.event).where(
            table.org_id == org_id,
            table.time.in_({one.time for one in found}),  # chooses the partitions
            tuple_(table.submission_id, table.lane, table.time).in_(keys),
            func.length(table.event) <= _LARGEST_EVENT,
        )
    )
    return {(row.submission_id, row.lane): _event.decode(row.event) for row in rows}


async def _items(
    connection: AsyncConnection, org_id: str, found: Sequence[FoundEvaluation]
) -> dict[str, SubmittedItem]:
    """By submission: of those whose evaluation was kept first, of the others among the recent."""
    missing = {one.submission_id: one.time for one in found}
    items: dict[str, SubmittedItem] = {}
    for table in (projected.SUBMISSIONS.of, projected.RECENT_SUBMISSIONS.of):
        if not missing:
            break
        read = await _items_in(connection, org_id, table, missing)
        items |= {name: item for name, item in read.items() if item is not None}
        missing = {name: time for name, time in missing.items() if name not in read}
    return items


async def _items_in(
    connection: AsyncConnection,
    org_id: str,
    table: FromClause,
    wanted: Mapping[str, datetime],
) -> dict[str, SubmittedItem | None]:
    """None where one is too large."""
    columns = table.c
    small = func.length(columns.item) <= _LARGEST_ITEM
    rows = await connection.execute(
        select(
            columns.submission_id,
            case((small, columns.item), else_=literal_column("NULL")).label("item"),
        ).where(
            columns.org_id == org_id,
            columns.time.in_(set(wanted.values())),
            columns.submission_id.in_(wanted),
        )
    )
    return {row.submission_id: None if row.item is None else _item.decode(row.item) for row in rows}


def _rules(event: RulesEvaluated, rule_id: str | None) -> list[RuleGlance]:
    """Those that passed first."""
    chosen = [one for one in event.rules if rule_id in (None, one.rule.id)]
    chosen.sort(key=lambda one: (one.passed is not True, one.passed is False))
    return [_rule(event, one) for one in chosen[:MOST_RULES]]


def _rule(event: RulesEvaluated, outcome: RuleOutcome) -> RuleGlance:
    told = _telling(event, outcome)
    return RuleGlance(
        rule_id=outcome.rule.id,
        name=outcome.rule.name,
        revision=outcome.rule.revision,
        passed=outcome.passed,
        score=None if told is None else told.score,
        matched_value=None if told is None else told.matched_value,
    )


def _telling(event: RulesEvaluated, outcome: RuleOutcome) -> ConditionResult | None:
    as_it = {True: "PASSED", False: "FAILED", None: "ERRORED"}[outcome.passed]
    for index in outcome.conditions:
        one = event.conditions[index]
        if one.outcome == as_it and (one.score is not None or one.matched_value is not None):
            return one
    return None
