"""Bulk actions as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from coop_review_api.enforcement.bulk import BulkOrder, BulkState
from coop_review_api.enforcement.bulk_lookup import BulkItem, DeliveryState, ItemState
from coop_review_api.enforcement.bulk_order import Preview
from coop_review_api.http.body import Model
from coop_review_api.http.person_view import PersonBeside


class BulkItemView(Model):
    """`deliveries` are the states of its executions; PENDING until one has ended."""

    position: int
    item_id: str
    item_type_id: str
    state: ItemState
    reason: str | None
    execution_ids: list[str]
    deliveries: list[DeliveryState]
    reverses: str | None


class ReversalOfView(Model):
    """Of a rule: what it did from `since` to before `until`."""

    kind: Literal["DECISION", "BULK_ACTION", "RULE", "EXECUTION"]
    id: str
    since: datetime | None
    until: datetime | None


class BulkActionView(Model):
    """`total` items, of which `requested` were asked for and `refused` could not be.
    `needsTotal`: the confirmation has to say the total. `reversalOf` is what a reversal takes
    back."""

    id: str
    kind: Literal["ACTION", "REVERSAL"]
    state: BulkState
    item_type_id: str | None
    action_ids: list[str]
    policy_ids: list[str]
    parameters: dict[str, Any]
    note: str | None
    reversal_of: ReversalOfView | None
    total: int
    requested: int
    refused: int
    needs_total: bool
    created_by: str
    created_by_person: PersonBeside = None
    confirmed_by: str | None
    confirmed_by_person: PersonBeside = None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class PreviewView(BulkActionView):
    """What it would touch. `duplicates` were named more than once, `inReview` are pending in review
    queues; `sample` are the first items."""

    duplicates: int
    in_review: int
    sample: list[BulkItemView]


class BulkActionPage(Model):
    items: list[BulkActionView]
    next_cursor: str | None = None


class BulkItemPage(Model):
    items: list[BulkItemView]
    next_cursor: str | None = None


def bulk_view(job: Any, *, confirmation_above: int) -> BulkActionView:
    """A row of `bulk_jobs`; of more than `confirmation_above` items the confirmation has to say the
    number."""
    return BulkActionView(**_fields(job, confirmation_above))


def preview_view(preview: Preview) -> PreviewView:
    return PreviewView(
        **_fields(preview.job, preview.confirmation_above),
        duplicates=preview.duplicates,
        in_review=preview.in_review,
        sample=[item_view(one) for one in preview.sample],
    )


def _fields(job: Any, confirmation_above: int) -> dict[str, Any]:
    order = msgspec.convert(job.order, BulkOrder)
    return {
        "id": job.bulk_id,
        "kind": job.kind,
        "state": job.state,
        "item_type_id": order.item_type_id,
        "action_ids": list(order.action_ids),
        "policy_ids": list(order.policy_ids),
        "parameters": order.parameters,
        "note": order.note,
        "reversal_of": order.of and ReversalOfView(**msgspec.structs.asdict(order.of)),
        "total": job.total,
        "requested": job.requested,
        "refused": job.refused,
        "needs_total": job.total > confirmation_above,
        "created_by": job.created_by,
        "confirmed_by": job.confirmed_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def item_view(item: BulkItem) -> BulkItemView:
    row = item.row
    return BulkItemView(
        position=row.position,
        item_id=row.item_id,
        item_type_id=row.item_type_id,
        state=row.state,
        reason=row.reason,
        execution_ids=row.execution_ids or [],
        deliveries=list(item.deliveries),
        reverses=row.reverses and row.reverses["executionId"],
    )
