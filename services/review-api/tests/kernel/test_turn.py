"""Organisations take turns at work that is done beside requests."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from coop_review_api.export.table import log_exports
from coop_review_api.kernel.turn import OrgTurns, take_in_turn
from coop_runtime.database.engine import transaction


def test_whoever_was_served_longest_ago_is_next() -> None:
    """Never served first, then the longest ago; an organisation is remembered once."""
    turns = OrgTurns()
    assert turns.in_order(["b", "a"]) == ["a", "b"]
    turns.served("a")
    turns.served("b")
    turns.served("a")
    assert turns.in_order(["a", "b", "c"]) == ["c", "b", "a"]


@pytest.mark.engines
async def test_one_with_much_work_keeps_nobody_waiting(
    context: Any, organisations: Any, clock: Any
) -> None:
    """30 jobs of one organisation, all older than the one of another: that one is second; what
    another process is at is passed over."""
    many, one = await organisations.make(context), await organisations.make(context)
    work = select(log_exports).where(
        log_exports.c.org_id.in_([many.org_id, one.org_id]), log_exports.c.state == "RUNNING"
    )
    work = work.order_by(log_exports.c.due_at, log_exports.c.export_id)

    def row(made: Any, age: int) -> dict[str, Any]:
        return {
            "export_id": str(uuid.uuid4()),
            "org_id": made.org_id,
            "created_by": made.admin_id,
            "format": "CSV",
            "wanted": {},
            "scope": {},
            "due_at": clock() - timedelta(hours=age),
            "created_at": clock(),
            "expires_at": clock() + timedelta(days=1),
        }

    rows = [*(row(many, 100 - n) for n in range(30)), row(one, 1)]
    async with transaction(context.engine) as connection:
        await connection.execute(insert(log_exports), rows)
    turns, served = OrgTurns(), []
    for _ in range(4):
        async with transaction(context.engine) as connection:
            found = await take_in_turn(
                connection, work, log_exports.c.org_id, turns, of=log_exports
            )
            assert found is not None
            served.append(found.org_id)
            await connection.execute(
                delete(log_exports).where(log_exports.c.export_id == found.export_id)
            )
    assert sorted(served[:2]) == sorted([many.org_id, one.org_id])
    assert served[2:] == [many.org_id] * 2
    async with transaction(context.engine) as first, transaction(context.engine) as second:
        mine = await take_in_turn(first, work, log_exports.c.org_id, turns, of=log_exports)
        other = await take_in_turn(second, work, log_exports.c.org_id, turns, of=log_exports)
        assert mine is not None
        assert other is not None
        assert mine.export_id != other.export_id
    async with transaction(context.engine) as connection:
        await connection.execute(
            delete(log_exports).where(log_exports.c.org_id.in_([many.org_id, one.org_id]))
        )
