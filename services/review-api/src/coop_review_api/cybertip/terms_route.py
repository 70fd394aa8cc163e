"""What a report to NCMEC of a child-safety job would be: whether it can be made, where it would go,
and what was reported of the user before.

    GET /v1/jobs/{id}/report-terms

Guarantees: who may not see the job gets what they get for one that does not exist; the environment
is the one that the decision is checked against.
Must not: ask anything of NCMEC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from msgspec import to_builtins
from pydantic import Field

from coop_contracts.config import Kind, NcmecSettings
from coop_contracts.cybertip import LIST_CYBERTIPS, CybertipsQuestion
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import JobKind
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.cybertip.route import KIND
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.error import Conflict, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.desk import Desk, require_readable
from coop_review_api.review.reporting import environment_in
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["reports to NCMEC"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]

_MOST_EARLIER = 20


class EarlierReportView(Model):
    """A report about the same user."""

    id: str
    environment: Literal["TEST", "PRODUCTION"]
    state: str
    report_id: str | None
    requested_at: datetime
    filed_at: datetime | None
    reviewer_id: str
    reviewer: PersonBeside = None


class ReportTermsView(Model):
    """`isEnabled`: reports can be made; if not, `missing` are the settings that they still need
    (none: they are complete, and reporting is off). `environment`: where a report of this job goes.
    `earlier`: reports about the same user, the newest first; null: they cannot be asked for now."""

    is_enabled: bool
    missing: list[str]
    environment: Literal["TEST", "PRODUCTION"]
    earlier: list[EarlierReportView] | None = Field(default=None)


@router.get(
    "/jobs/{job_id}/report-terms", operation_id="getReportTerms", response_model=ReportTermsView
)
async def get_report_terms(request: Request, principal: Reviewer, job_id: str) -> Any:
    """What a report of this child-safety job would be."""
    context = context_of(request)
    desk = context.part(Desk)
    async with transaction(context.engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        await require_readable(connection, principal, summary)
        if summary.kind is not JobKind.NCMEC:
            raise Conflict("only a job about child safety can become a report to NCMEC")
        wanted = [(Kind.NCMEC_SETTINGS, SETTINGS_ID)]
        documents = await load_documents(connection, principal.org_id, wanted)
        await child_safety.viewed(connection, principal, ("job", job_id), now=context.clock())
    settings = documents.get(Kind.NCMEC_SETTINGS, NcmecSettings, SETTINGS_ID)
    settings = settings or NcmecSettings(id=SETTINGS_ID)
    return {
        "isEnabled": settings.enabled,
        "missing": list(settings.missing()),
        "environment": environment_in(summary.queue_id, settings, files_real=desk.files_real),
        "earlier": await _earlier(request, principal, summary.item),
    }


async def _earlier(request: Request, principal: Principal, user: ItemRef) -> Any:
    """None: the reporter is away, which keeps nobody from deciding; it asks once more itself."""
    context = context_of(request)
    asked = CybertipsQuestion(limit=_MOST_EARLIER, user_type_id=user.type_id, user_id=user.id)
    try:
        found = await context.part(CybertipReporter).ask(principal.org_id, LIST_CYBERTIPS, asked)
    except Unavailable:
        return None
    async with transaction(context.engine) as connection:
        ids = [one.id for one in found.cybertips]
        await child_safety.listed(connection, principal, KIND, ids, now=context.clock())
    shown = to_builtins(found.cybertips)
    names = [field.alias or name for name, field in EarlierReportView.model_fields.items()]
    return [{name: one[name] for name in names if name in one} for one in shown]
