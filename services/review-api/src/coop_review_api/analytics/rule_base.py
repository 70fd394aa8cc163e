"""On how many submissions each rule was tried: what its matches are a share of.

An evaluation says its item type, its lane and the revision of the configuration; which rules that
were, the log of documents says: those of the type and lane that were enabled at that revision.

Guarantees: a rule's figure is of its own revisions, also those of rules that were removed.
Must not: read one evaluation.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Rule
from coop_review_api.analytics.asked import AskedQuestion
from coop_review_api.configuration.relation import LOG
from coop_review_api.tally.reader import Sums, TallyQuestion, TallyReader
from coop_rules.language.lane import rule_lane
from coop_rules.program.program import EnabledRule
from coop_rules.signal.catalogue import SignalCatalogue

_VERSIONS = text(
    f"""
    SELECT l.id, l.revision, CAST(l.document AS text) AS document,
           lead(l.revision) OVER (PARTITION BY l.id ORDER BY l.revision) AS ended
      FROM {LOG.sql} l
     WHERE l.org_id = :org AND l.kind = '{Kind.RULE.value}'
       AND (CAST(:ids AS text[]) IS NULL OR l.id = ANY(CAST(:ids AS text[])))
    """  # noqa: S608 - constants; values are bound
)
_rule = msgspec.json.Decoder(Rule)


@dataclass(frozen=True, kw_only=True)
class _Version:
    """A rule as it was at the configuration's revisions from `revision` to before `ended`."""

    rule_id: str
    revision: int
    ended: int | None
    item_type_ids: frozenset[str]
    lane: str
    expires_at: datetime | None

    def ran(self, item_type_id: str, lane: str, revision: int) -> bool:
        return (
            self.revision <= revision
            and (self.ended is None or revision < self.ended)
            and lane == self.lane
            and item_type_id in self.item_type_ids
        )


async def evaluations_of_rules(
    connection: AsyncConnection,
    tallies: TallyReader,
    org_id: str,
    asked: AskedQuestion,
    *,
    signals: SignalCatalogue,
) -> Sums:
    """By rule, by its revision, or both, as is grouped by."""
    question = TallyQuestion(
        org_id=org_id,
        figure="evaluations",
        buckets=asked.buckets,
        group_by=("ITEM_TYPE", "LANE", "REVISION"),
    )
    types = asked.filters.get("ITEM_TYPE")
    if types:
        question = replace(question, filters={"ITEM_TYPE": types})
    evaluated = await tallies.read(connection, question)
    if not evaluated:
        return {}
    sums: Sums = {}
    for version in await _versions(connection, org_id, asked.filters.get("RULE"), signals):
        keys = tuple(
            version.rule_id if name == "RULE" else str(version.revision) for name in asked.group_by
        )
        for (item_type_id, lane, revision), counts in evaluated.items():
            if not version.ran(item_type_id, lane, int(revision)):
                continue
            tried = _until(counts, asked.buckets.edges, version.expires_at)
            known = sums.get(keys)
            sums[keys] = tried if known is None else list(map(operator.add, known, tried))
    return {keys: counts for keys, counts in sums.items() if any(counts)}


def _until(
    counts: Sequence[int], edges: Iterable[datetime], expires_at: datetime | None
) -> list[int]:
    """Without the buckets in which the rule had expired."""
    if expires_at is None:
        return list(counts)
    return [count if start < expires_at else 0 for count, start in zip(counts, edges, strict=False)]


async def _versions(
    connection: AsyncConnection,
    org_id: str,
    rule_ids: Sequence[str] | None,
    signals: SignalCatalogue,
) -> list[_Version]:
    ids = list(rule_ids) if rule_ids else None
    found = []
    for row in await connection.execute(_VERSIONS, {"org": org_id, "ids": ids}):
        if row.document is None:
            continue
        rule = _rule.decode(row.document)
        enabled = EnabledRule.of(rule, row.revision)
        if enabled is None:
            continue
        found.append(
            _Version(
                rule_id=row.id,
                revision=row.revision,
                ended=row.ended,
                item_type_ids=frozenset(rule.item_type_ids),
                lane=rule_lane(rule.condition_set, signals),
                expires_at=enabled.expires_at,
            )
        )
    return found
