"""What the author of a document should know of it, although it is saved.

Guarantees: what will not do what it seems to (a model without an account, a time that has passed, a
regex that JavaScript reads otherwise, a place that is not known) says so in the answer that saves
it.
Must not: refuse anything; `check` does. Read thousands of patterns on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Integration, Kind, LocationBank, RoutingRule, Rule, TextBank
from coop_contracts.error import pointer
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.resource import Written
from coop_review_api.kernel.error import Fault
from coop_rules.language.model import ConditionProblem
from coop_rules.language.warning import MAX_WARNINGS, condition_warnings, regex_bank_warnings
from coop_rules.matching.location import is_unknown
from coop_rules.signal.catalogue import SignalCatalogue


async def of_rule(written: Written[Rule]) -> list[Fault]:
    """Of a rule."""
    rule = written.document
    return [
        *expiry(rule, written.context.clock()),
        *await conditions(
            written.connection, written.principal.org_id, rule, written.context.signals
        ),
    ]


async def of_routing_rule(written: Written[RoutingRule]) -> list[Fault]:
    """Of a routing rule."""
    return await conditions(
        written.connection, written.principal.org_id, written.document, written.context.signals
    )


async def of_text_bank(written: Written[TextBank]) -> list[Fault]:
    """Of a text bank with all its entries."""
    return await asyncio.to_thread(bank, written.document)


async def of_location_bank(written: Written[LocationBank]) -> list[Fault]:
    """Of a location bank with all its entries."""
    return await asyncio.to_thread(bank, written.document)


def bank(found: TextBank | LocationBank) -> list[Fault]:
    """Of a bank's entries."""
    if isinstance(found, LocationBank):
        return list(islice(_of_places(found), MAX_WARNINGS))
    return _faults(regex_bank_warnings(found.strings), "") if found.type == "REGEX" else []


def _of_places(found: LocationBank) -> Iterator[Fault]:
    for index, location in enumerate(found.locations):
        place = location.google_place_info
        if place is None or (place.resolved_at is not None and not place.problem):
            continue
        known = "its area is not known yet" if is_unknown(location) else "its area was not renewed"
        at = pointer("locations", index, "googlePlaceInfo")
        yield Fault(at, f"{known}: {place.problem}" if place.problem else known)


def expiry(rule: Rule, now: datetime) -> list[Fault]:
    """That a rule does not run any more."""
    if rule.expiration_time is None or rule.expiration_time > now:
        return []
    return [Fault("/expirationTime", "has passed: the rule does not run")]


async def conditions(
    connection: AsyncConnection, org_id: str, rule: Rule | RoutingRule, signals: SignalCatalogue
) -> list[Fault]:
    """Of a rule's conditions."""
    found = await load_catalogue(connection, org_id, [Kind.INTEGRATION])
    accounts = {one.id for one in found.all(Kind.INTEGRATION, Integration).values() if one.enabled}
    problems = condition_warnings(rule.condition_set, catalogue=signals, accounts=accounts)
    return _faults(problems, "/conditionSet")


def _faults(problems: list[ConditionProblem], at: str) -> list[Fault]:
    return [Fault(at + one.pointer, one.reason) for one in problems]
