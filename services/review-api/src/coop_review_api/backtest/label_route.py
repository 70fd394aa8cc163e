"""What people decided of a backtest's items, beside what the rule says, over HTTP.

    GET /v1/backtests/{id}/labels   ?agreement=MATCHED_LEFT …

Must not: show what is about child safety to whoever may not see it, or who decided.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.backtest import label_store, store
from coop_review_api.backtest.label_store import Agreement
from coop_review_api.backtest.measure import Measured, Share
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["backtests"])

Runner = Annotated[Principal, Depends(requires(Permission.RUN_BACKTEST))]


class ShareView(Model):
    """From 0 to 1; `low` and `high` are the ends of its interval at 95 %."""

    share: float
    low: float
    high: float


class MeasuredView(Model):
    """By what people decided of items of the time: `labelled` are the newest thousand of them at
    most, none about child safety. `matched…` the rule matches, `missed…` it does not, `undecided`
    it cannot say; the rest was not submitted in the time, or not read yet. `…Acted` people acted
    on, `…Left` they left as they are. `precision`: of what it matches, the share that people acted
    on; `recall`: of what people acted on, the share that it matches; null where there is none. Only
    what came to people is known, so both are about that."""

    labelled: int
    undecided: int
    matched_acted: int
    matched_left: int
    missed_acted: int
    missed_left: int
    precision: ShareView | None
    recall: ShareView | None


class LabelItem(Model):
    id: str
    type_id: str


class LabelView(Model):
    """`acted`: what a person decided last; `passed`: what the rule says, null: it cannot, or was
    not asked so far."""

    item: LabelItem
    job_id: str
    acted: bool
    passed: bool | None
    decided_at: datetime


class LabelPage(Model):
    items: list[LabelView]
    next_cursor: str | None = None


def measured_view(measured: Measured | None) -> MeasuredView | None:
    """None where people decided nothing."""
    if measured is None:
        return None
    return MeasuredView(
        labelled=measured.labelled,
        undecided=measured.undecided,
        matched_acted=measured.matched_acted,
        matched_left=measured.matched_left,
        missed_acted=measured.missed_acted,
        missed_left=measured.missed_left,
        precision=_share(measured.precision),
        recall=_share(measured.recall),
    )


def _share(share: Share | None) -> ShareView | None:
    if share is None:
        return None
    return ShareView(share=share.share, low=share.low, high=share.high)


@router.get(
    "/backtests/{backtest_id}/labels",
    operation_id="listBacktestLabels",
    response_model=LabelPage,
)
async def list_labels(
    request: Request,
    principal: Runner,
    backtest_id: str,
    agreement: Annotated[Agreement | None, Query(description="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> LabelPage:
    """Items that people decided, with what the rule says of them, the newest decision first."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await store.get(connection, principal.org_id, backtest_id)
        found = await label_store.page(
            connection,
            backtest_id,
            agreement=agreement,
            after=_position_in(cursor),
            limit=limit + 1,
        )
        rows, next_cursor = cut(found, limit, lambda row: str(row.position))
        rows = await child_safety.shown(
            connection,
            principal,
            "backtest-labels",
            rows,
            item_of=lambda row: ItemRef(id=row.item_id, type_id=row.item_type_id),
            id_of=lambda row: row.job_id,
            now=context.clock(),
        )
    shown = [
        LabelView(
            item=LabelItem(id=row.item_id, type_id=row.item_type_id),
            job_id=row.job_id,
            acted=row.acted,
            passed=_PASSED.get(row.said),
            decided_at=row.decided_at,
        )
        for row in rows
    ]
    return LabelPage(items=shown, next_cursor=next_cursor)


_PASSED: dict[str, Literal[True, False]] = {"P": True, "F": False}


def _position_in(cursor: str | None) -> int | None:
    position = decode_cursor(cursor)
    if position is None:
        return None
    if not (position.isascii() and position.isdigit() and len(position) < 7):
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return int(position)
