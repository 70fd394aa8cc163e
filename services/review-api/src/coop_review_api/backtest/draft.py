"""What a backtest is asked for: a rule, as it is saved or not yet, on the items of a time.

Guarantees: a rule that is not saved is checked as if it were; the time lies in the past.
Must not: start anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from coop_contracts.config import Kind, Rule
from coop_contracts.ids import new_id
from coop_review_api.configuration.check import DocumentChecks, Examined, kinds_to_check
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_rules.signal.catalogue import SignalCatalogue

ValueSource = Literal["RECORDED", "TODAY"]


@dataclass(frozen=True, kw_only=True)
class BacktestDraft:
    """What is asked for. `revision` is that of the saved rule; None: it is not saved like this."""

    rule: Rule
    revision: int | None
    start: datetime
    end: datetime
    values: ValueSource
    acts: bool = False
    rate: float | None = None
    backtest_id: str = field(default_factory=new_id)
    retroaction_id: str | None = None


async def draft_of(
    configuration: LockedConfiguration,
    *,
    rule_id: str | None,
    rule: Mapping[str, Any] | None,
    start: datetime,
    end: datetime,
    values: ValueSource,
    signals: SignalCatalogue,
) -> BacktestDraft:
    """What is asked for, checked: the saved rule, or `rule` (its JSON, without an id), which is not
    saved. Raises `Invalid`, `Conflict`, `NotFound`."""
    if rule is None and rule_id is None:
        raise Invalid([Fault("", "give ruleId, rule, or both")])
    if start >= end:
        raise Invalid([Fault("/start", "must be before end")])
    saved = None
    if rule_id is not None:
        saved = await configuration.get(Kind.RULE, Rule, rule_id)
    if rule is None:
        assert saved is not None
        tried, revision = saved.document, saved.revision
    else:
        tried, revision = msgspec.convert({**rule, "id": rule_id or new_id()}, Rule), None
        previous = saved.document if saved is not None else None
        await _check_unsaved(configuration, tried, previous, signals=signals)
    end = min(end, configuration.now)
    if start >= end:
        raise Invalid([Fault("/start", "must be in the past")])
    return BacktestDraft(rule=tried, revision=revision, start=start, end=end, values=values)


async def _check_unsaved(
    configuration: LockedConfiguration,
    rule: Rule,
    previous: Rule | None,
    *,
    signals: SignalCatalogue,
) -> None:
    """Raises what saving the rule would raise, with the pointers below `/rule`."""
    catalogue = await configuration.catalogue(*kinds_to_check(Kind.RULE))
    try:
        DocumentChecks().check_save(
            Kind.RULE,
            Examined(document=rule, previous=previous, catalogue=catalogue, signals=signals),
        )
    except Invalid as error:
        raise Invalid([Fault("/rule" + f.pointer, f.reason) for f in error.faults]) from None
    except Conflict as error:
        faults = [Fault("/rule" + f.pointer, f.reason) for f in error.faults]
        raise Conflict(str(error), faults=faults, used_by=error.used_by) from None
