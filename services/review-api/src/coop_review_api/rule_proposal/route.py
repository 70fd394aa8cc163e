"""Changes of rules that a second person answers.

    POST /v1/rule-proposals/preview                  does it need one, how much would it act on
    POST /v1/rule-proposals                          201: it is asked for
    GET  /v1/rule-proposals, /v1/rule-proposals/{id}
    POST /v1/rule-proposals/{id}/approve             the rule is saved; 412 if it changed since
    POST /v1/rule-proposals/{id}/decline, …/withdraw

Must not: decide anything; `proposal` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Rule
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_review_api.configuration import history
from coop_review_api.configuration.approval import Basis, approval_above, reaches_further
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.condition_shape import ConditionSet
from coop_review_api.configuration.difference import difference
from coop_review_api.configuration.document_model import Id, RuleBody, Text2000
from coop_review_api.configuration.resource import fields_of
from coop_review_api.configuration.revision import as_json
from coop_review_api.configuration.revision_route import ChangeView
from coop_review_api.configuration.scale import weigh_rule
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.principal import Principal
from coop_review_api.rule_proposal import proposal, store
from coop_review_api.rule_proposal.proposal import ProposedChange
from coop_review_api.rule_proposal.store import State
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["rule-proposals"])

_P = Permission
Reader = Annotated[Principal, Depends(requires(_P.VIEW_RULES_DASHBOARD))]
Writer = Annotated[Principal, Depends(requires(_P.MUTATE_NON_LIVE_RULES, _P.MUTATE_LIVE_RULES))]
Approver = Annotated[Principal, Depends(requires(_P.MUTATE_LIVE_RULES))]

RuleJson = Annotated[dict[str, Any], Shape(Rule, members={"conditionSet": ConditionSet})]


class ProposalPreviewBody(Body):
    """The rule as it would be; `ruleId` of one that is there."""

    rule_id: Id | None = None
    rule: RuleBody


class ForecastView(Model):
    """`acts`: the change lets the rule act on more, or otherwise. On `expected` items a day (null:
    nobody knows), which is known from `basis`; `above` is what one person may decide (null:
    everything). `approvers`: how many others may agree."""

    acts: bool
    expected: int | None
    basis: Basis | None
    above: int | None
    needs_approval: bool
    approvers: int


class ProposalBody(Body):
    """The rule as it would be, the `revision` that it was made of (0: it was deleted), and why."""

    rule_id: Id
    revision: Annotated[int, Field(ge=0, le=2**53)]
    rule: RuleBody
    note: Text2000 = ""


class DeclineBody(Body):
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class ProposalView(Model):
    """A change that waits for a second person, or what became of it. `changes` are from `revision`;
    `savedRevision` is the rule's with it. EXPIRED and OUTDATED ones (the rule was changed since)
    are asked for again. `mine`: the reader asked for it; `answerable`: they may approve it."""

    id: str
    rule_id: str
    revision: int
    rule: RuleJson
    changes: list[ChangeView]
    expected: int | None
    basis: Basis | None
    above: int
    note: str
    state: State
    proposed_by: str
    proposed_by_person: PersonBeside = None
    proposed_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_by_person: PersonBeside = None
    decided_at: datetime | None
    reason: str | None
    saved_revision: int | None
    mine: bool
    answerable: bool


class ProposalPage(Model):
    items: list[ProposalView]
    next_cursor: str | None = None


_preview_body = JsonBody(ProposalPreviewBody)
_body = JsonBody(ProposalBody)
_decline_body = JsonBody(DeclineBody)


@router.post(
    "/rule-proposals/preview",
    operation_id="previewRuleProposal",
    response_model=ForecastView,
    openapi_extra=_preview_body.openapi(),
)
async def preview_rule_proposal(
    request: Request,
    principal: Writer,
    body: Annotated[ProposalPreviewBody, Depends(_preview_body)],
) -> ForecastView:
    """What a change would make the rule act on, and whether a second person has to agree."""
    rule = _rule_of(body.rule, body.rule_id or new_id())
    async with changing(context_of(request), principal) as configuration:
        connection, org_id = configuration.connection, principal.org_id
        previous = None
        if body.rule_id is not None:
            previous = (await configuration.get(Kind.RULE, Rule, body.rule_id)).document
        forecast = await configuration.forecast(rule)
        needed = await configuration.approval_of(previous, rule)
        others = await store.approvers(connection, org_id, apart=principal.user_id)
        above = await approval_above(connection, org_id)
    return ForecastView(
        acts=reaches_further(previous, rule),
        expected=forecast.items,
        basis=forecast.basis,
        above=above,
        needs_approval=needed is not None,
        approvers=len(others),
    )


@router.post(
    "/rule-proposals",
    operation_id="createRuleProposal",
    response_model=ProposalView,
    status_code=201,
    openapi_extra=_body.openapi(),
)
async def create_rule_proposal(
    request: Request,
    response: Response,
    principal: Approver,
    body: Annotated[ProposalBody, Depends(_body)],
) -> ProposalView:
    """Ask for a second person's approval. Those who may give it are told."""
    context = context_of(request)
    await weigh_rule(context, principal, body.rule_id, fields_of(body.rule))
    asked = ProposedChange(
        rule=_rule_of(body.rule, body.rule_id), base=body.revision, note=body.note
    )
    async with changing(context, principal) as configuration:
        row = await proposal.propose(configuration, principal, asked, mail=_mails(context))
        view = await _view(configuration.connection, context, principal, row)
    response.headers["Location"] = f"/v1/rule-proposals/{view.id}"
    return view


@router.get("/rule-proposals", operation_id="listRuleProposals", response_model=ProposalPage)
async def list_rule_proposals(
    request: Request,
    principal: Reader,
    rule_id: Annotated[str | None, Query(alias="ruleId", max_length=128)] = None,
    state: Annotated[
        Literal["OPEN"] | None, Query(description="Only those that nobody answered.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ProposalPage:
    """The proposals, newest first."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await store.page(
            connection,
            principal.org_id,
            rule_id=rule_id,
            open_only=state is not None,
            before=decode_cursor(cursor),
            limit=limit + 1,
        )
        rows, next_cursor = cut(found, limit, lambda row: str(row.proposal_id))
        items = [await _view(connection, context, principal, row) for row in rows]
    return ProposalPage(items=items, next_cursor=next_cursor)


@router.get(
    "/rule-proposals/{proposal_id}", operation_id="getRuleProposal", response_model=ProposalView
)
async def get_rule_proposal(request: Request, principal: Reader, proposal_id: str) -> ProposalView:
    """One, with what it would change."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        row = await store.get(connection, principal.org_id, proposal_id)
        return await _view(connection, context, principal, row)


@router.post(
    "/rule-proposals/{proposal_id}/approve",
    operation_id="approveRuleProposal",
    response_model=ProposalView,
)
async def approve_rule_proposal(
    request: Request, principal: Approver, proposal_id: str
) -> ProposalView:
    """Save the rule as it was proposed."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        waiting = await store.get(connection, principal.org_id, proposal_id)
    fields = msgspec.json.decode(waiting.rule)
    fields.pop("id")
    await weigh_rule(context, principal, waiting.rule_id, fields)
    async with changing(context, principal) as configuration:
        row = await proposal.approve(configuration, principal, proposal_id, mail=_mails(context))
        return await _view(configuration.connection, context, principal, row)


@router.post(
    "/rule-proposals/{proposal_id}/decline",
    operation_id="declineRuleProposal",
    response_model=ProposalView,
    openapi_extra=_decline_body.openapi(),
)
async def decline_rule_proposal(
    request: Request,
    principal: Approver,
    proposal_id: str,
    body: Annotated[DeclineBody, Depends(_decline_body)],
) -> ProposalView:
    """Leave the rule as it is, and say why."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        row = await proposal.decline(
            configuration, principal, proposal_id, reason=body.reason, mail=_mails(context)
        )
        return await _view(configuration.connection, context, principal, row)


@router.post(
    "/rule-proposals/{proposal_id}/withdraw",
    operation_id="withdrawRuleProposal",
    response_model=ProposalView,
)
async def withdraw_rule_proposal(
    request: Request, principal: Approver, proposal_id: str
) -> ProposalView:
    """Take one's own back."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        row = await proposal.withdraw(configuration, principal, proposal_id)
        return await _view(configuration.connection, context, principal, row)


def _mails(context: Context) -> bool:
    return context.settings.mail_server is not None


def _rule_of(body: RuleBody, rule_id: str) -> Rule:
    return msgspec.convert({**fields_of(body), "id": rule_id}, Rule)


async def _view(
    connection: AsyncConnection, context: Context, principal: Principal, row: Row[Any]
) -> ProposalView:
    state = await store.state_of(connection, row, now=context.clock())
    before = await history.change_at(
        connection, row.org_id, Kind.RULE, Rule, row.rule_id, row.base_revision
    )
    rule = msgspec.json.decode(row.rule)
    was = None if before is None or before.document is None else _as_kept(before.document)
    mine = row.proposed_by == principal.user_id
    return ProposalView(
        id=row.proposal_id,
        rule_id=row.rule_id,
        revision=row.base_revision,
        rule=rule,
        changes=[ChangeView.model_validate(one) for one in as_json(difference(was, rule))],
        expected=row.expected,
        basis=row.basis,
        above=row.above,
        note=row.note,
        state=state,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
        saved_revision=row.revision,
        mine=mine,
        answerable=state == "OPEN" and not mine and principal.may(_P.MUTATE_LIVE_RULES),
    )


def _as_kept(rule: Rule) -> dict[str, Any]:
    """The document as the log keeps it."""
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rule))
    return kept
