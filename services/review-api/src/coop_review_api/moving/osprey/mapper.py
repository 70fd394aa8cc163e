"""A set of Osprey's rules as what can be made here: an item type of its events, actions, rules.

    Name = Rule(…)   a rule that can be said            ─▶ in the background
                     … of which a part cannot be said   ─▶ a draft with the rest, and each reason

Guarantees: the same files give the same documents under the same ids; no rule comes in as one that
acts, and none in part as one that could be turned on unseen; what is not taken over is told with
`file:line:column`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from coop_contracts.config import ItemType, Kind, Rule, RuleStatus
from coop_review_api.configuration.log import format_version
from coop_review_api.moving.live import LIVE_IN_OSPREY
from coop_review_api.moving.mapped import Finding, Mapped
from coop_review_api.moving.osprey.effect import Effects
from coop_review_api.moving.osprey.expression import Condition, Meaning, all_of
from coop_review_api.moving.osprey.feature import Features, UnmappedError
from coop_review_api.moving.osprey.gate import Gates
from coop_review_api.moving.osprey.ruleset import Definition, Ruleset, arguments_of

EVENT_TYPE: Final = "osprey-event"
_FEATURES: Final = frozenset({"JsonData", "EntityJson", "GetActionName"})
_REASONS: Final = 1_000  # characters of a draft's description


@dataclass(frozen=True, kw_only=True)
class OspreyWishes:
    """What the operator says: `type_id` of an item type that is here (else one is made), the
    address of the effects' webhooks, fields by path."""

    now: datetime
    type_id: str | None = None
    callback: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def mapped(ruleset: Ruleset, wishes: OspreyWishes) -> list[Mapped | Finding]:
    """Everything, in the order in which it can be made."""
    features = Features(wishes.names)
    meaning = Meaning(ruleset, features, wishes.type_id or EVENT_TYPE)
    gates = Gates(ruleset)
    effects = Effects(meaning, wishes.callback)
    for statement in ruleset.effects:
        effects.read(statement)
    found: list[Mapped | Finding] = []
    for made in _of_all(ruleset):
        if _is_rule(made):
            found.append(_rule(made, meaning, gates, effects))
        else:
            found += _feature(made, features)
    told = [*ruleset.refused, *gates.refused, *effects.refused]
    findings: list[Mapped | Finding] = [_finding(place, place, why) for place, why in told]
    events = [] if wishes.type_id else [_events(features, wishes.now)]
    return [*events, *effects.mapped(), *found, *findings]


def _of_all(ruleset: Ruleset) -> Iterator[Definition]:
    yield from ruleset.shared.values()
    yield from ruleset.local.values()


def _is_rule(made: Definition) -> bool:
    return _function(made) == "Rule"


def _function(made: Definition) -> str:
    match made.value:
        case ast.Call(func=ast.Name(id=name)):
            return name
    return ""


def _feature(made: Definition, features: Features) -> Iterator[Finding]:
    """Something that is no rule: told where nothing of the kind is here."""
    name = _function(made)
    if name in _FEATURES:
        try:
            features.of(made)
        except UnmappedError as error:
            yield _finding(made.name, error.place, error.reason)
    elif name and name not in ("RegexMatch", "TextContains", "StringStartsWith", "StringEndsWith"):
        yield _finding(made.name, made.place, f"{name} has no counterpart here")


def _rule(made: Definition, meaning: Meaning, gates: Gates, effects: Effects) -> Mapped:
    rule_id = f"osprey-{made.name}"
    assert isinstance(made.value, ast.Call)
    meaning.begin()
    findings: list[Finding] = []
    parts: list[Condition] = []
    lacking: list[UnmappedError] = []
    try:
        gate = gates.condition(made.file, meaning) if gates.is_run(made.file) else None
        parts += [] if gate is None else [gate]
    except UnmappedError as error:
        lacking.append(error)
    try:
        truth, refused = meaning.rule(made.value, made.file)
        lacking += refused
        parts.append(truth.condition)
    except UnmappedError as error:
        lacking.append(error)
    for one in lacking:
        place = one.place or made.place
        findings.append(_of_rule(rule_id, made, "CANNOT", place, one.reason, is_draft=True))
    for place, reason in dict.fromkeys(meaning.notes):
        findings.append(_of_rule(rule_id, made, "DIFFERS", place, reason))
    is_run = gates.is_run(made.file)
    if not is_run:
        reason = "no way leads from main.sml to its file: a draft"
        findings.append(_of_rule(rule_id, made, "DIFFERS", made.place, reason))
    acts = made.name in effects.acting
    document = Rule(
        id=rule_id,
        name=made.name,
        status=RuleStatus.DRAFT if lacking or not is_run else RuleStatus.BACKGROUND,
        item_type_ids=(meaning.type_id,),
        condition_set=_as_set(parts),
        description=_description(made, lacking),
        action_ids=tuple(sorted(effects.of_rule.get(made.name, ()))),
        tags=(LIVE_IN_OSPREY,) if acts and is_run and not lacking else (),
    )
    return Mapped(kind=Kind.RULE, document=document, findings=tuple(findings))


def _as_set(parts: list[Condition]) -> Condition:
    joined = all_of(parts) if parts else {"conjunction": "AND", "conditions": []}
    return joined if "conjunction" in joined else {"conjunction": "AND", "conditions": [joined]}


def _description(made: Definition, lacking: list[UnmappedError]) -> str:
    """Osprey's words, behind what is lacking."""
    assert isinstance(made.value, ast.Call)
    given = (arguments_of(made.value) or {}).get("description")
    said = ""
    match given:
        case ast.Constant(value=str() as text):
            said = text
        case ast.JoinedStr(values=pieces):
            said = "".join(
                str(one.value) if isinstance(one, ast.Constant) else "{" + _shown(one) + "}"
                for one in pieces
            )
    if not lacking:
        return said
    reasons = "; ".join(f"{one.place or made.place}: {one.reason}" for one in lacking)
    return f"Only a part of it is here: {reasons[:_REASONS]}\n{said}".strip()


def _shown(node: ast.expr) -> str:
    match node:
        case ast.FormattedValue(value=ast.Name(id=name)):
            return name
    return "…"


def _events(features: Features, now: datetime) -> Mapped:
    """The item type as which events are sent here."""
    fields = [one.as_field() for _, one in sorted(features.needed.items())]
    return Mapped(
        kind=Kind.ITEM_TYPE,
        document=ItemType(
            id=EVENT_TYPE,
            name="Osprey event",
            kind="CONTENT",
            fields=tuple(fields),
            version=format_version(now),
            description="An event as Osprey gets it: each field is a path into its JSON.",
        ),
    )


def _finding(name: str, place: str, reason: str) -> Finding:
    return Finding(
        verdict="CANNOT", kind="osprey", id=name, name=name, reason=reason, pointer=place
    )


def _of_rule(
    rule_id: str,
    made: Definition,
    verdict: str,
    place: str,
    reason: str,
    *,
    is_draft: bool = False,
) -> Finding:
    return Finding(
        verdict="CANNOT" if verdict == "CANNOT" else "DIFFERS",
        kind=Kind.RULE,
        id=rule_id,
        name=made.name,
        reason=reason,
        pointer=place,
        is_draft=is_draft,
    )
