"""Names of what figures are grouped by, also of what was removed.

Guarantees: a document has the name that it had last; people keep theirs; one look-up for all keys
of an answer.
Must not: name what the answer has no key of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.analytics.answer import Answer
from coop_review_api.analytics.asked import GroupName
from coop_review_api.configuration.relation import LOG
from coop_review_api.directory.person import PEOPLE

_KINDS: Final[Mapping[GroupName, Kind]] = {
    "ACTION": Kind.ACTION,
    "ITEM_TYPE": Kind.ITEM_TYPE,
    "POLICY": Kind.POLICY,
    "QUEUE": Kind.QUEUE,
    "RULE": Kind.RULE,
}
_NAMES = text(
    f"""
    SELECT wanted.kind, wanted.id, last.name
      FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS wanted (kind, id)
     CROSS JOIN LATERAL (
        SELECT l.document ->> 'name' AS name FROM {LOG.sql} l
         WHERE l.org_id = :org AND l.kind = wanted.kind AND l.id = wanted.id
           AND l.document IS NOT NULL
         ORDER BY l.revision DESC LIMIT 1) AS last
     WHERE last.name IS NOT NULL
    UNION ALL
    SELECT 'REVIEWER', p.user_id, p.name FROM {PEOPLE.sql} p
     WHERE p.org_id = :org AND p.user_id = ANY(CAST(:people AS text[]))
    """  # noqa: S608 - constants; values are bound
)
_BY_KIND: Final[Mapping[str, GroupName]] = {
    **{kind.value: name for name, kind in _KINDS.items()},
    "REVIEWER": "REVIEWER",
}

Names = dict[str, dict[str, str]]
"""By what was grouped by, and id."""


async def names_of(connection: AsyncConnection, org_id: str, answers: Iterable[Answer]) -> Names:
    """The names of all keys of the answers that have one."""
    keys: dict[GroupName, set[str]] = defaultdict(set)
    for answer in answers:
        for position, name in enumerate(answer.group_by):
            keys[name] |= {one for series in answer.series if (one := series.keys[position])}
    wanted = [
        (kind.value, one) for name, kind in _KINDS.items() for one in sorted(keys.get(name, ()))
    ]
    people = sorted(keys.get("REVIEWER", ()))
    found: Names = {}
    if not wanted and not people:
        return found
    asked = {
        "org": org_id,
        "kinds": [kind for kind, _ in wanted],
        "ids": [one for _, one in wanted],
        "people": people,
    }
    for kind, one, name in await connection.execute(_NAMES, asked):
        found.setdefault(_BY_KIND[kind], {})[one] = name
    return found
