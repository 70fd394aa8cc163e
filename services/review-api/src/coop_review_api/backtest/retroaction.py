"""Acting on the past, in two steps: first how many it would be, then, confirmed, the actions.

Guarantees: nothing acts before a person has confirmed the very number of the preview; confirming
again is no more than once; what is confirmed is the rule as it was previewed.
Must not: act; the engine does, through the log.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
from sqlalchemy import insert, update

from coop_contracts.config import Rule
from coop_contracts.ids import new_id
from coop_review_api.backtest import request, store
from coop_review_api.backtest.draft import BacktestDraft
from coop_review_api.backtest.request import BacktestLimits
from coop_review_api.backtest.store import Retroaction
from coop_review_api.backtest.table import retroactions
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid


async def create(
    configuration: LockedConfiguration,
    draft: BacktestDraft,
    *,
    rate: float,
    author: str,
    limits: BacktestLimits,
) -> Retroaction:
    """Record it, and have its preview started. Raises `Conflict`, `Invalid`."""
    if not draft.rule.action_ids:
        raise Invalid([Fault("/rule/actionIds", "the rule has no action to take")])
    connection, retroaction_id, preview_id = configuration.connection, new_id(), new_id()
    await connection.execute(
        insert(retroactions).values(
            retroaction_id=retroaction_id,
            org_id=configuration.org_id,
            rate=rate,
            preview_id=preview_id,
            created_by=author,
            created_at=configuration.now,
        )
    )
    preview = replace(draft, backtest_id=preview_id, retroaction_id=retroaction_id)
    await request.start(configuration, preview, author=author, limits=limits)
    return await store.retroaction(connection, configuration.org_id, retroaction_id)


async def confirm(
    configuration: LockedConfiguration,
    retroaction_id: str,
    *,
    passed: int,
    author: str,
    limits: BacktestLimits,
) -> Retroaction:
    """Act on what the preview found; `passed` is its number. Raises `NotFound`, `Conflict`."""
    connection, org_id = configuration.connection, configuration.org_id
    found = await store.retroaction(connection, org_id, retroaction_id, lock=True)
    if found.run is None and found.state != "AWAITING_CONFIRMATION":
        raise Conflict(f"a retroaction that is {found.state} cannot be confirmed")
    if found.preview.passed != passed:
        raise Conflict(f"the preview says {found.preview.passed}, not {passed}: look again")
    if found.run is not None:
        return found
    run_id = new_id()
    await connection.execute(
        update(retroactions)
        .where(retroactions.c.retroaction_id == retroaction_id)
        .values(run_id=run_id, confirmed_by=author, confirmed_at=configuration.now)
    )
    preview = found.preview
    run = BacktestDraft(
        rule=msgspec.json.decode(preview.rule, type=Rule),
        revision=preview.rule_revision,
        start=preview.start_time,
        end=preview.end_time,
        values=preview.values_of,
        acts=True,
        rate=found.rate,
        backtest_id=run_id,
        retroaction_id=retroaction_id,
    )
    await request.start(configuration, run, author=author, limits=limits)
    await audit.record(
        connection,
        org_id=org_id,
        actor=author,
        action="retroaction.confirmed",
        target=("retroaction", retroaction_id),
        detail={"passed": passed, "rate": found.rate},
        time=configuration.now,
    )
    return await store.retroaction(connection, org_id, retroaction_id)


async def cancel(
    configuration: LockedConfiguration, retroaction_id: str, *, author: str
) -> Retroaction:
    """End what is under way of it, or refuse to act. Raises `NotFound`."""
    connection, org_id, now = configuration.connection, configuration.org_id, configuration.now
    found = await store.retroaction(connection, org_id, retroaction_id, lock=True)
    if found.cancelled_at is None and found.state not in ("COMPLETE", "CANCELLED", "FAILED"):
        await connection.execute(
            update(retroactions)
            .where(retroactions.c.retroaction_id == retroaction_id)
            .values(cancelled_at=now)
        )
        part = found.preview if found.run is None else found.run
        await request.cancel(connection, org_id, part.backtest_id, author=author, now=now)
        await audit.record(
            connection,
            org_id=org_id,
            actor=author,
            action="retroaction.cancelled",
            target=("retroaction", retroaction_id),
            time=now,
        )
    return await store.retroaction(connection, org_id, retroaction_id)
