"""The rules that are compared: what each was when it came from Coop, and whether it is that still.

Guarantees: a rule, or a bank that it names, which somebody changed since the import is told from
one that is as it came; turning a rule on is no change.
Must not: say what a rule decides; the evaluations do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Action, ActionType, Kind, Rule, RuleStatus
from coop_review_api.configuration.relation import CURRENT, LOG
from coop_review_api.moving.live import WAS_LIVE
from coop_review_api.moving.mover import AUTHOR

_BANKS: Final = {
    "textBankIds": Kind.TEXT_BANK,
    "locationBankIds": Kind.LOCATION_BANK,
    "imageBankIds": Kind.HASH_BANK,
}


class ImportReportError(Exception):
    """A file that is no report of `coop import`: a sentence."""


@dataclass(slots=True)
class ComparedRule:
    """A rule of ours. `was_live`: it acts in Coop."""

    rule: Rule
    imported_at: datetime | None = None
    edited: frozenset[int] = frozenset()
    banks_edited: bool = False
    actions: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    was_live: bool = False

    def runs(self, at: datetime) -> bool:
        """Whether it is evaluated here at all."""
        is_on = self.rule.status in (RuleStatus.LIVE, RuleStatus.BACKGROUND)
        return is_on and (self.rule.expiration_time is None or self.rule.expiration_time > at)

    def was_edited(self, revision: int) -> bool:
        return self.banks_edited or revision in self.edited

    def action_ids(self, revision: int) -> tuple[str, ...]:
        """What it carried under a revision of its own."""
        return self.actions.get(revision, self.rule.action_ids)


@dataclass(frozen=True, kw_only=True)
class ComparedRules:
    """All of an organisation. `differing` are those that mean something else here, with reasons, as
    the import said; `sending` are the actions for which there is a webhook."""

    rules: Mapping[str, ComparedRule]
    differing: Mapping[str, str]
    action_names: Mapping[str, str]
    sending: frozenset[str]


async def rulebook_of(
    connection: AsyncConnection, org_id: str, *, differing: Mapping[str, str]
) -> ComparedRules:
    """As it is now, with what its log says of the time since the import."""
    actions = {
        row.id: msgspec.convert(row.document, Action)
        for row in await _current(connection, org_id, Kind.ACTION)
    }
    sending = frozenset(
        id_ for id_, one in actions.items() if one.action_type is ActionType.CUSTOM_ACTION
    )
    edited_banks = await _edited_banks(connection, org_id)
    rules = {
        row.id: ComparedRule(msgspec.convert(row.document, Rule))
        for row in await _current(connection, org_id, Kind.RULE)
    }
    await _read_log(connection, org_id, rules)
    for one in rules.values():
        one.was_live = WAS_LIVE in one.rule.tags or one.rule.status is RuleStatus.LIVE
        one.banks_edited = not edited_banks.isdisjoint(_banks_in(one.rule.condition_set))
    return ComparedRules(
        rules=rules,
        differing=differing,
        action_names={id_: one.name for id_, one in actions.items()},
        sending=sending,
    )


async def _current(connection: AsyncConnection, org_id: str, kind: Kind) -> Any:
    current = CURRENT.of.c
    return await connection.execute(
        select(current.id, current.document).where(
            current.org_id == org_id, current.kind == kind, current.document.is_not(None)
        )
    )


async def _read_log(
    connection: AsyncConnection, org_id: str, rules: Mapping[str, ComparedRule]
) -> None:
    log = LOG.of.c
    found = await connection.stream(
        select(log.id, log.revision, log.document, log.author, log.time)
        .where(log.org_id == org_id, log.kind == Kind.RULE, log.document.is_not(None))
        .order_by(log.id, log.revision)
    )
    base: dict[str, Any] = {}
    edited: dict[str, set[int]] = {}
    carried: dict[str, dict[int, tuple[str, ...]]] = {}
    async for row in found:
        one = rules.get(row.id)
        if one is None:
            continue
        carried.setdefault(row.id, {})[row.revision] = tuple(row.document.get("actionIds", ()))
        meaning = _meaning(row.document)
        if row.author == AUTHOR:
            base[row.id], one.imported_at = meaning, row.time
        elif row.id in base and base[row.id] != meaning:
            edited.setdefault(row.id, set()).add(row.revision)
    for rule_id, one in rules.items():
        one.edited = frozenset(edited.get(rule_id, ()))
        one.actions = carried.get(rule_id, {})


def _meaning(document: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("conditionSet", "itemTypeIds", "actionIds", "expirationTime")
    return tuple(document.get(name) for name in names)


async def _edited_banks(connection: AsyncConnection, org_id: str) -> set[tuple[str, str]]:
    """Banks that came with the import, and were changed or deleted by somebody else since."""
    log, current = LOG.of.c, CURRENT.of.c
    kinds = tuple(_BANKS.values())
    came = select(log.kind, log.id).where(
        log.org_id == org_id, log.kind.in_(kinds), log.author == AUTHOR
    )
    now = select(current.kind, current.id).where(
        current.org_id == org_id, current.kind.in_(kinds), current.author != AUTHOR
    )
    imported = {(row.kind, row.id) for row in await connection.execute(came.distinct())}
    return imported & {(row.kind, row.id) for row in await connection.execute(now)}


def _banks_in(conditions: Any) -> Iterator[tuple[str, str]]:
    if isinstance(conditions, dict):
        for name, value in conditions.items():
            if name in _BANKS and isinstance(value, list):
                yield from ((_BANKS[name], id_) for id_ in value)
            else:
                yield from _banks_in(value)
    elif isinstance(conditions, list):
        for one in conditions:
            yield from _banks_in(one)


class _Finding(msgspec.Struct):
    kind: str
    id: str
    reason: str


class _ImportReport(msgspec.Struct):
    differs: list[_Finding]
    cannot: list[_Finding]


def differing_in(path: Path) -> dict[str, str]:
    """The rules of which `coop import coop --format json` said that they mean something else here,
    with what it said first. Raises `ImportReportError`."""
    try:
        report = msgspec.json.decode(path.read_bytes(), type=_ImportReport)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ImportReportError(f"{path} is no report of coop import as JSON: {error}") from None
    found: dict[str, str] = {}
    for one in (*report.cannot, *report.differs):
        if one.kind == Kind.RULE:
            found.setdefault(one.id, one.reason)
    return found
