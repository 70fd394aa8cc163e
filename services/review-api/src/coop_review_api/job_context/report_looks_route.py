"""Who looked at a report to NCMEC, at its job, and at the media in it.

    GET /v1/cybertips/{id}/looks

Guarantees: nobody sees it without the permission for child-safety data; asking is a look itself;
newest first, from the audit log and the log of reveals.
Must not: say what was seen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request

from coop_contracts.cybertip import GET_CYBERTIP, CybertipQuestion
from coop_contracts.permission import Permission
from coop_review_api.audit.look import Look, looks
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import MAX_BIGINT, Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.media.looks import MediumLook, looks_of_job
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["reports to NCMEC"])

Reader = Annotated[Principal, Depends(requires(Permission.VIEW_CHILD_SAFETY_DATA))]
CybertipId = Annotated[str, Path(pattern="^[A-Za-z0-9-]{1,64}$")]

What = Literal[
    "REPORT",
    "DOCUMENT",
    "RECEIPT",
    "JOB",
    "MEDIUM",
    "RETRIED",
    "HELD",
    "HOLD_LIFTED",
    "DESTRUCTION_ASKED",
    "DESTRUCTION_CONFIRMED",
    "DESTRUCTION_REFUSED",
    "OTHER",
]
_ACTIONS: dict[str, What] = {
    "cybertip.retried": "RETRIED",
    "cybertip.held": "HELD",
    "cybertip.hold-lifted": "HOLD_LIFTED",
    "cybertip.destruction-asked": "DESTRUCTION_ASKED",
    "cybertip.destruction-confirmed": "DESTRUCTION_CONFIRMED",
    "cybertip.destruction-refused": "DESTRUCTION_REFUSED",
}


class EvidenceLookView(Model):
    """One look, or deed. Of a MEDIUM: at which `stage` it was seen, and for how many `seconds`, as
    far as is known."""

    at: datetime
    what: What
    actor: str
    actor_person: PersonBeside = None
    stage: str | None = None
    seconds: float | None = None


class EvidenceLookPage(Model):
    """Newest first."""

    items: list[EvidenceLookView]
    next_cursor: str | None = None


@router.get(
    "/cybertips/{cybertip_id}/looks",
    operation_id="listCybertipLooks",
    response_model=EvidenceLookPage,
)
async def list_cybertip_looks(
    request: Request,
    principal: Reader,
    cybertip_id: CybertipId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EvidenceLookPage:
    """Who looked at the report, its documents, its job and its media, or changed something."""
    context, org_id = context_of(request), principal.org_id
    asked = CybertipQuestion(cybertip_id=cybertip_id)
    found = await context.part(CybertipReporter).ask(org_id, GET_CYBERTIP, asked)
    tip = found.cybertip
    deeds_before, reveals_before = _places(decode_cursor(cursor))
    async with transaction(context.engine) as connection:
        await child_safety.viewed(connection, principal, ("cybertip", tip.id), now=context.clock())
        deeds = await looks(
            connection, org_id, tip=tip.id, job=tip.job_id, before=deeds_before, limit=limit + 1
        )
        reveals = await looks_of_job(
            connection, org_id, tip.job_id, before=reveals_before, limit=limit + 1
        )
    both: list[Look | MediumLook] = [*deeds, *reveals]
    both.sort(key=_order, reverse=True)
    page, next_cursor = cut(both, limit, _position)
    return EvidenceLookPage(items=[_view(one) for one in page], next_cursor=next_cursor)


def _order(one: Look | MediumLook) -> tuple[datetime, bool, int | str]:
    """Of the same moment, reveals come before deeds in the list."""
    if isinstance(one, Look):
        return one.at, False, one.audit_id
    return one.at, True, one.reveal_id


def _position(one: Look | MediumLook) -> str:
    kind = f"a{one.audit_id}" if isinstance(one, Look) else f"r{one.reveal_id}"
    return f"{one.at.isoformat()}/{kind}"


def _places(
    position: str | None,
) -> tuple[tuple[datetime, int] | None, tuple[datetime, str] | None]:
    """Below which deed and which reveal the page begins."""
    if position is None:
        return None, None
    moment, _, name = position.partition("/")
    try:
        at = datetime.fromisoformat(moment)
        number = int(name[1:]) if name.startswith("a") else MAX_BIGINT
    except ValueError:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")]) from None
    # Behind a deed no reveal of its moment is left; behind a reveal all deeds of its moment are.
    return (at, number), (at, "" if name.startswith("a") else name[1:])


def _view(one: Look | MediumLook) -> EvidenceLookView:
    if isinstance(one, MediumLook):
        return EvidenceLookView(
            at=one.at, what="MEDIUM", actor=one.user_id, stage=one.stage, seconds=one.seconds
        )
    return EvidenceLookView(at=one.at, what=_what(one), actor=one.actor)


def _what(one: Look) -> What:
    if one.action == "child-safety.viewed":
        by_document: dict[str | None, What] = {"document": "DOCUMENT", "receipt": "RECEIPT"}
        return by_document.get(one.document, "JOB" if one.of_job else "REPORT")
    return _ACTIONS.get(one.action, "OTHER")
