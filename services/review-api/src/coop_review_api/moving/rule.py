"""Coop's rules, routing rules and reporting rules.

Guarantees: no rule comes in as one that acts: what is LIVE in Coop runs in the BACKGROUND and has
the tag `WAS_LIVE`, until `promotion` turns it on; the order of routing rules stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from coop_contracts.config import Kind, RoutingRule, Rule, RuleStatus
from coop_review_api.moving.condition import rewritten
from coop_review_api.moving.live import WAS_LIVE
from coop_review_api.moving.mapped import Finding, Mapped, Noter
from coop_review_api.moving.source import CoopSource, Row

_MRT: Final = "manual_review_tool"


def rules(source: CoopSource) -> Iterator[Mapped | Finding]:
    """Rules, and those on reports, of which there are none here."""
    types = source.grouped("public.rules_and_item_types", "rule_id", "item_type_id")
    policies = source.grouped("public.rules_and_policies", "rule_id", "policy_id")
    acting: dict[str, dict[str, Any]] = {}
    for row in source.of("public.rules_and_actions"):
        acting.setdefault(row["rule_id"], {})[row["action_id"]] = row.get("action_parameters")
    for row in source.of("public.rules"):
        note = Noter(Kind.RULE, row["id"], row["name"])
        given = types.get(row["id"], [])
        item_types = note.known(given, source.ids("public.item_types"), "item type", "/itemTypeIds")
        policy_ids = note.known(
            policies.get(row["id"], []), source.ids("public.policies"), "policy", "/policyIds"
        )
        yield _rule(row, item_types, policy_ids, acting.get(row["id"], {}), note)
    for row in source.of("reporting_rules.reporting_rules"):
        note = Noter("reporting-rule", row["id"], row["name"])
        note.cannot(
            "there are no rules on reports here: routing rules choose their queue, rules act on"
            " items",
            source={
                "name": row["name"],
                "status": row["status"],
                "conditionSet": row["condition_set"],
            },
        )
        yield note.findings[-1]


def _rule(
    row: Row,
    item_type_ids: tuple[str, ...],
    policy_ids: tuple[str, ...],
    acting: Mapping[str, Any],
    note: Noter,
) -> Mapped:
    if row["rule_type"] != "CONTENT":
        note.cannot(f"is of type {row['rule_type']}, which Coop never runs", "/itemTypeIds")
    tags = list(dict.fromkeys(tag for tag in row["tags"] or () if tag and tag.strip()))
    stated = row["status_if_unexpired"]
    status = RuleStatus.DRAFT
    if stated in RuleStatus.__members__:
        status = RuleStatus(stated)
    else:
        note.differs(f"its status in Coop is {stated}: a draft here", "/status")
    if status is RuleStatus.LIVE:
        status = RuleStatus.BACKGROUND
        tags.append(WAS_LIVE)
    document = Rule(
        id=row["id"],
        name=row["name"],
        description=row["description"] or "",
        status=status,
        item_type_ids=item_type_ids,
        condition_set=rewritten(row["condition_set"], note),
        action_ids=tuple(sorted(acting)),
        policy_ids=policy_ids,
        tags=tuple(dict.fromkeys(tags)),
        max_daily_actions=row["max_daily_actions"],
        expiration_time=row["expiration_time"],
        action_parameters={
            action_id: values
            for action_id, values in sorted(acting.items())
            if isinstance(values, dict) and values
        },
    )
    return Mapped(
        kind=Kind.RULE,
        document=document,
        findings=tuple(note.findings),
        source=row["condition_set"],
    )


def routing_rules(source: CoopSource) -> Iterator[Mapped | Finding]:
    """Of both tables. Names are one list here, two in Coop."""
    names: set[str] = set()
    for table, for_appeals in (("routing_rules", False), ("appeals_routing_rules", True)):
        relation, key = f"{_MRT}.{table}_to_item_types", f"{table.removesuffix('s')}_id"
        types = source.grouped(relation, key, "item_type_id")
        for row in source.of(f"{_MRT}.{table}"):
            note = Noter(Kind.ROUTING_RULE, row["id"], row["name"])
            name = row["name"]
            if name in names:
                name = f"{name} (appeals)"
                note.differs(f"another routing rule has this name: called {name}", "/name")
            names.add(name)
            there = source.ids("public.item_types")
            item_types = note.known(types.get(row["id"], []), there, "item type", "/itemTypeIds")
            yield Mapped(
                kind=Kind.ROUTING_RULE,
                document=RoutingRule(
                    id=row["id"],
                    name=name,
                    description=row["description"] or "",
                    sequence_number=row["sequence_number"],
                    item_type_ids=item_types,
                    condition_set=rewritten(row["condition_set"], note),
                    destination_queue_id=row["destination_queue_id"],
                    for_appeals=for_appeals,
                ),
                findings=tuple(note.findings),
                source=row["condition_set"],
            )
