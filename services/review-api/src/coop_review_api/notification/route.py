"""Notifications: what a person was told. Everyone sees their own, and no one else's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, TypeAdapter
from sqlalchemy.engine import Row

from coop_review_api.http.authentication import signed_in
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_number
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification import store
from coop_review_api.notification.kind import (
    AppealData,
    AssignedData,
    BulkAppealData,
    BulkData,
    EndpointData,
    EvidenceLateData,
    ExportData,
    MentionData,
    NotificationKind,
    ProposalData,
    ProposalDecidedData,
    RuleTrippedData,
    ThresholdData,
)
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["notifications"])

Reader = Annotated[Principal, Depends(signed_in)]


class _Notification(Model):
    id: str
    created_at: datetime
    read_at: datetime | None


class RuleTrippedNotification(_Notification):
    """A rule did more than its ceiling allows."""

    kind: Literal[NotificationKind.RULE_TRIPPED]
    data: Annotated[dict[str, Any], Shape(RuleTrippedData)]


class EndpointNotification(_Notification):
    """An endpoint was paused, or resumed."""

    kind: Literal[NotificationKind.ENDPOINT_PAUSED, NotificationKind.ENDPOINT_RESUMED]
    data: Annotated[dict[str, Any], Shape(EndpointData)]


class MentionNotification(_Notification):
    """Somebody mentioned one in a comment."""

    kind: Literal[NotificationKind.COMMENT_MENTION]
    data: Annotated[dict[str, Any], Shape(MentionData)]


class AssignedNotification(_Notification):
    """Somebody gave one a job, or holds one for one."""

    kind: Literal[NotificationKind.JOB_ASSIGNED, NotificationKind.JOB_HELD]
    data: Annotated[dict[str, Any], Shape(AssignedData)]


class ExportNotification(_Notification):
    """One's export is ready, or failed."""

    kind: Literal[NotificationKind.EXPORT_READY, NotificationKind.EXPORT_FAILED]
    data: Annotated[dict[str, Any], Shape(ExportData)]


class BulkNotification(_Notification):
    """A bulk action or a reversal that one made or confirmed has ended."""

    kind: Literal[NotificationKind.BULK_DONE]
    data: Annotated[dict[str, Any], Shape(BulkData)]


class AppealNotification(_Notification):
    """An appeal came in against a decision of one's own."""

    kind: Literal[NotificationKind.APPEAL_OF_MY_DECISION]
    data: Annotated[dict[str, Any], Shape(AppealData)]


class BulkAppealNotification(_Notification):
    """An appeal came in against a bulk action that one made or confirmed."""

    kind: Literal[NotificationKind.APPEAL_OF_MY_BULK_ACTION]
    data: Annotated[dict[str, Any], Shape(BulkAppealData)]


class ThresholdNotification(_Notification):
    """Users reached a threshold of strikes: told once an hour and threshold."""

    kind: Literal[NotificationKind.STRIKE_THRESHOLD]
    data: Annotated[dict[str, Any], Shape(ThresholdData)]


class EvidenceLateNotification(_Notification):
    """Actions left before the evidence of a report to NCMEC was held."""

    kind: Literal[NotificationKind.EVIDENCE_LATE]
    data: Annotated[dict[str, Any], Shape(EvidenceLateData)]


class ProposalNotification(_Notification):
    """One's approval of a change of a rule is asked for."""

    kind: Literal[NotificationKind.RULE_PROPOSED]
    data: Annotated[dict[str, Any], Shape(ProposalData)]


class ProposalDecidedNotification(_Notification):
    """A change of a rule that one proposed was approved or declined."""

    kind: Literal[NotificationKind.RULE_PROPOSAL_DECIDED]
    data: Annotated[dict[str, Any], Shape(ProposalDecidedData)]


NotificationView = Annotated[
    RuleTrippedNotification
    | EndpointNotification
    | MentionNotification
    | AssignedNotification
    | ExportNotification
    | BulkNotification
    | AppealNotification
    | BulkAppealNotification
    | ThresholdNotification
    | EvidenceLateNotification
    | ProposalNotification
    | ProposalDecidedNotification,
    Field(discriminator="kind"),
]
"""`kind` says what is in `data`."""

_notification: TypeAdapter[NotificationView] = TypeAdapter(NotificationView)


class NotificationPage(Model):
    """`unread` is the number of all unread ones."""

    items: list[NotificationView]
    unread: int
    next_cursor: str | None = None


class ReadBody(Body):
    """All, or those up to and with the one that was seen last."""

    up_to: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = None


class MarkedView(Model):
    """How many were marked."""

    marked: int


_read_body = JsonBody(ReadBody)


@router.get("/notifications", operation_id="listNotifications", response_model=NotificationPage)
async def list_notifications(
    request: Request,
    principal: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
    unread_only: Annotated[bool, Query(alias="unreadOnly")] = False,
) -> NotificationPage:
    """Yours, newest first."""
    before = decode_number(cursor)
    async with transaction(context_of(request).engine) as connection:
        found = await store.page(
            connection,
            principal.user_id,
            before=before,
            limit=limit + 1,
            unread_only=unread_only,
        )
        unread = await store.unread(connection, principal.user_id)
    rows, next_cursor = cut(found, limit, lambda row: str(row.notification_id))
    return NotificationPage(
        items=[_view_of(row) for row in rows], unread=unread, next_cursor=next_cursor
    )


@router.post(
    "/notifications/read",
    operation_id="markNotificationsRead",
    response_model=MarkedView,
    openapi_extra=_read_body.openapi(),
)
async def mark_notifications_read(
    request: Request, principal: Reader, body: Annotated[ReadBody, Depends(_read_body)]
) -> MarkedView:
    """Mark all of yours as read. Those that came after `upTo` stay unread."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        marked = await store.mark_all_read(
            connection,
            principal.user_id,
            up_to=None if body.up_to is None else int(body.up_to),
            now=context.clock(),
        )
    return MarkedView(marked=marked)


@router.post(
    "/notifications/{notification_id}/read",
    operation_id="markNotificationRead",
    response_model=NotificationView,
)
async def mark_notification_read(
    request: Request, principal: Reader, notification_id: str
) -> NotificationView:
    """Mark one of yours as read."""
    context = context_of(request)
    row = None
    if notification_id.isascii() and notification_id.isdigit() and len(notification_id) <= 18:
        async with transaction(context.engine) as connection:
            row = await store.mark_read(
                connection, principal.user_id, int(notification_id), now=context.clock()
            )
    if row is None:
        raise NotFound(f"no notification {notification_id}")
    return _view_of(row)


def _view_of(row: Row[Any]) -> NotificationView:
    return _notification.validate_python(
        {
            "id": str(row.notification_id),
            "kind": NotificationKind(row.kind),
            "data": row.data,
            "createdAt": row.created_at,
            "readAt": row.read_at,
        }
    )
