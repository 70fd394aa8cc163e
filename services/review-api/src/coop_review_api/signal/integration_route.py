"""Integrations: an organisation's accounts with providers of signals; and the signals there are.

Guarantees: a secret is written, never read: an answer has the names of those that are stored.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response

from coop_contracts.config import Integration, Kind
from coop_contracts.permission import Permission
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.log import Entry, read
from coop_review_api.configuration.resource import Presentation, Resource, fields_of
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.signal import credential, trial
from coop_review_api.signal.integration import INTEGRATIONS, save_account, unavailable
from coop_review_api.signal.signals import Signals, integrations
from coop_review_api.signal.view import (
    AvailableView,
    IntegrationBody,
    IntegrationList,
    IntegrationTrialView,
    IntegrationView,
    PluginProblemView,
    SignalList,
    signal_view,
)
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["integrations"])

_manages = requires(Permission.MANAGE_ORG)
_writes_rules = requires(
    Permission.VIEW_RULES_DASHBOARD,
    Permission.MUTATE_NON_LIVE_RULES,
    Permission.MANAGE_ROUTING_RULES,
)
Manager = Annotated[Principal, Depends(_manages)]
RuleAuthor = Annotated[Principal, Depends(_writes_rules)]


def _shown(shown: Presentation[Integration]) -> dict[str, Any]:
    fields, vault = shown.fields, shown.context.vault
    stored = fields.pop("credential", None)
    secret = bound_to(shown.principal.org_id, Kind.INTEGRATION, shown.document.id)
    return {**fields, "credentialNames": credential.names(vault, stored, context=secret)}


_resource = Resource(
    documents=INTEGRATIONS,
    path="integrations",
    plural="Integrations",
    body=IntegrationBody,
    view=IntegrationView,
    read=_manages,
    write=_manages,
    present=_shown,
)
_body = JsonBody(IntegrationBody)


@router.get("/integrations", operation_id="listIntegrations", response_model=IntegrationList)
async def list_integrations(request: Request, principal: Manager) -> IntegrationList:
    """Every integration there is, my account with it, and the plugins that are broken."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        entries = {e.document.id: e for e in await integrations(connection, principal.org_id)}
    known = context.part(Signals).known
    ids = [*known.manifests, *(one for one in entries if one not in known.manifests)]
    return IntegrationList(
        items=[_available(context, principal, one, entries.get(one)) for one in ids],
        problems=[
            PluginProblemView(
                entry_point=problem.entry_point,
                distribution=problem.distribution,
                reason=problem.reason,
            )
            for problem in known.problems
        ],
    )


@router.get(
    "/integrations/{document_id}", operation_id="getIntegration", response_model=AvailableView
)
async def get_integration(
    request: Request, response: Response, principal: Manager, document_id: str
) -> AvailableView:
    """An integration and my account with it."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        entry = await read(connection, principal.org_id, Kind.INTEGRATION, Integration, document_id)
    if entry is not None:
        response.headers["ETag"] = etag_of(entry.revision)
    elif document_id not in context.part(Signals).known.manifests:
        raise NotFound(f"no integration {document_id}")
    return _available(context, principal, document_id, entry)


@router.put(
    "/integrations/{document_id}",
    operation_id="replaceIntegration",
    response_model=IntegrationView,
    openapi_extra=_body.openapi(),
)
async def replace_integration(
    request: Request,
    response: Response,
    principal: Manager,
    document_id: str,
    body: Annotated[IntegrationBody, Depends(_body)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    """Make or replace my account. It counts with the next call to the provider."""
    context = context_of(request)
    manifest = context.part(Signals).known.manifests.get(document_id)
    if manifest is None:
        raise NotFound(f"no integration {document_id}")
    expected = expected_revision(if_match)
    async with changing(context, principal) as configuration:
        entry = await save_account(
            configuration,
            principal,
            manifest,
            fields=fields_of(body),
            expected=expected,
            vault=context.vault,
        )
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.post(
    "/integrations/{document_id}/trial",
    operation_id="tryIntegration",
    response_model=IntegrationTrialView,
)
async def try_integration(
    request: Request, principal: Manager, document_id: str
) -> IntegrationTrialView:
    """Try my account as it is stored, switched on or not: one small question to the provider, with
    nothing of mine but the credential. 429 after a few in a minute."""
    tried = await trial.run(context_of(request), principal, document_id)
    return IntegrationTrialView(verdict=tried.verdict, reason=tried.reason or None)


@router.delete("/integrations/{document_id}", operation_id="deleteIntegration", status_code=204)
async def delete_integration(
    request: Request,
    principal: Manager,
    document_id: str,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Response:
    """Forget my account. Conditions that need it are unavailable from now on."""
    expected = expected_revision(if_match)
    async with changing(context_of(request), principal) as configuration:
        await INTEGRATIONS.delete(configuration, principal, document_id, expected=expected)
    return Response(status_code=204)


@router.get("/signals", operation_id="listSignals", response_model=SignalList)
async def list_signals(request: Request, principal: RuleAuthor) -> SignalList:
    """Every signal, and whether my organisation can use it."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        entries = await integrations(connection, principal.org_id)
    accounts = {entry.document.id: entry.document for entry in entries}
    manifests = context.part(Signals).known.manifests
    return SignalList(
        items=[
            signal_view(
                signal, unavailable(signal, manifests.get(signal.integration or ""), accounts)
            )
            for signal in context.signals.values()
        ]
    )


add_revisions(router, _resource)


def _available(
    context: Context, principal: Principal, id_: str, entry: Entry[Integration] | None
) -> AvailableView:
    manifest = context.part(Signals).known.manifests.get(id_)
    account = _resource.view_of(context, principal, entry) if entry else None
    return AvailableView.model_validate(
        {
            "id": id_,
            "manifest": manifest
            and {
                **msgspec.to_builtins(manifest),
                "signals": [signal.name for signal in manifest.signals],
            },
            "account": account and account.model_dump(),
        }
    )
