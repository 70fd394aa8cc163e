"""The order in which routing rules are tried, changed as a whole.

Guarantees: the order is given to exactly the rules that there are; only rules whose place changes
get a revision; default and appeal rules are each other's business in nothing.
Must not: change anything else of a rule, or refuse an order for what is wrong with one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from coop_contracts.config import Kind, RoutingRule
from coop_contracts.error import pointer
from coop_review_api.configuration.history import current_page
from coop_review_api.configuration.log import Entry, LockedConfiguration
from coop_review_api.kernel.error import Conflict, Fault, Invalid, RevisionMismatch

_PAGE = 500


async def reorder(
    configuration: LockedConfiguration,
    rule_ids: Sequence[str],
    *,
    for_appeals: bool,
    expected: int | None = None,
) -> list[Entry[RoutingRule]]:
    """Puts the rules of a class into this order; the rules as they are now.

    `expected`: the newest revision of any of them that the author saw. Raises Invalid for an id
    that is there twice, Conflict where these are not the rules any more, RevisionMismatch.
    """
    repeated = [n for n, rule_id in enumerate(rule_ids) if rule_id in rule_ids[:n]]
    if repeated:
        raise Invalid([Fault(pointer("ruleIds", n), "is there already") for n in repeated])
    entries = await _entries(configuration, for_appeals=for_appeals)
    newest = max((entry.revision for entry in entries.values()), default=0)
    if expected is not None and expected != newest:
        raise RevisionMismatch(expected=expected, current=newest)
    _check_whole(rule_ids, entries)
    numbers = _numbers(entries)
    ordered = []
    for number, rule_id in zip(numbers, rule_ids, strict=True):
        entry = entries[rule_id]
        if entry.document.sequence_number != number:
            moved = replace(entry.document, sequence_number=number)
            revision = await configuration.restate(Kind.ROUTING_RULE, rule_id, moved)
            entry = Entry(
                document=moved,
                revision=revision,
                author=configuration.author,
                time=configuration.now,
            )
        ordered.append(entry)
    return ordered


async def _entries(
    configuration: LockedConfiguration, *, for_appeals: bool
) -> dict[str, Entry[RoutingRule]]:
    found: dict[str, Entry[RoutingRule]] = {}
    after: str | None = None
    while True:
        page = await current_page(
            configuration.connection,
            configuration.org_id,
            Kind.ROUTING_RULE,
            RoutingRule,
            after=after,
            limit=_PAGE,
        )
        found |= {one.document.id: one for one in page if one.document.for_appeals == for_appeals}
        if len(page) < _PAGE:
            return found
        after = page[-1].document.id


def _check_whole(rule_ids: Sequence[str], entries: dict[str, Entry[RoutingRule]]) -> None:
    faults = [
        Fault(pointer("ruleIds", n), "there is no such rule, or it is of the other class")
        for n, rule_id in enumerate(rule_ids)
        if rule_id not in entries
    ]
    left_out = [entry.document.name for id_, entry in entries.items() if id_ not in rule_ids]
    if faults or left_out:
        raise Conflict(
            "the rules are not these any more: read them again", faults=faults, used_by=left_out
        )


def _numbers(entries: dict[str, Entry[RoutingRule]]) -> list[int]:
    """The numbers to give, in order: those that the rules have, where they are different."""
    held = sorted(entry.document.sequence_number for entry in entries.values())
    return held if len(set(held)) == len(held) else list(range(1, len(held) + 1))
