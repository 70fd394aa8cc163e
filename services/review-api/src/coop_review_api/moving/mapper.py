"""All of an organisation of Coop's, in the order in which it can be made: each needs those before
it.

Guarantees: nothing is read or written here; the same source gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from coop_review_api.moving.account import (
    api_keys,
    identity_provider,
    integrations,
    webhook_key,
)
from coop_review_api.moving.action import actions
from coop_review_api.moving.bank import banks
from coop_review_api.moving.coop_table import NOT_IMPORTED
from coop_review_api.moving.item_type import item_types
from coop_review_api.moving.mapped import Finding, Mapped, MappedPerson
from coop_review_api.moving.person import people, roles
from coop_review_api.moving.policy import policies
from coop_review_api.moving.queue import queues
from coop_review_api.moving.rule import routing_rules, rules
from coop_review_api.moving.settings import ncmec_settings, settings
from coop_review_api.moving.source import CoopSource
from coop_signals.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the mapping has to know of this system, and of what Coop does not keep; and which
    tables somebody else carries over."""

    manifests: Mapping[str, Manifest]
    now: datetime
    saml_entity_id: str | None = None
    carried: frozenset[str] = frozenset()


def mapped(source: CoopSource, known: Known) -> Iterator[Mapped | MappedPerson | Finding]:
    """Everything, and what is not taken over."""
    yield from roles(source)
    yield from people(source)
    yield from item_types(source)
    yield from policies(source)
    yield from banks(source)
    yield from integrations(source, known.manifests)
    yield from actions(source)
    yield from queues(source)
    yield from rules(source)
    yield from routing_rules(source)
    yield settings(source)
    yield from ncmec_settings(source)
    yield from api_keys(source)
    yield from webhook_key(source, now=known.now)
    yield from identity_provider(source, entity_id=known.saml_entity_id)
    yield from _left(source, known.carried)


def _left(source: CoopSource, carried: frozenset[str]) -> Iterator[Finding]:
    for table, count in source.left.items():
        if table in carried:
            continue
        rows = "row" if count == 1 else "rows"
        yield Finding(
            verdict="CANNOT",
            kind="table",
            id=table,
            name=f"{count} {rows}",
            reason=NOT_IMPORTED[table],
        )
    for unknown in source.unknown:
        yield Finding(
            verdict="CANNOT",
            kind="schema",
            id=unknown,
            name=unknown,
            reason="is not known to this release: what is in it is not read",
        )
