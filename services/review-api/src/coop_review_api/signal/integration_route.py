"""Integrations: an organisation's accounts with providers of signals; and the signals there are.

Guarantees: a secret is written, never read: an answer has the names of those that are stored.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field, JsonValue

from coop_contracts.config import Integration, Kind
from coop_contracts.permission import Permission
from coop_review_api.configuration import credential
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.header import context_of as bound_to
from coop_review_api.configuration.log import Entry, read
from coop_review_api.configuration.resource import Handlers, Resource, etag_of, expected_revision
from coop_review_api.configuration.revision_route import add_revisions
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.signal.signals import Signals, integrations
from coop_rules.signal.signal import SignalType
from coop_runtime.database.engine import transaction
from coop_signals.manifest import Manifest

router = APIRouter(prefix="/v1", tags=["integrations"])

_manages = requires(Permission.MANAGE_ORG)
_writes_rules = requires(
    Permission.VIEW_RULES_DASHBOARD,
    Permission.MUTATE_NON_LIVE_RULES,
    Permission.MANAGE_ROUTING_RULES,
)
Manager = Annotated[Principal, Depends(_manages)]
RuleAuthor = Annotated[Principal, Depends(_writes_rules)]


class IntegrationBody(Body):
    """An account. `credential` holds the manifest's secret fields and is never returned: leave it
    out to keep what is stored, send a null value to keep that secret. `config` holds the others."""

    credential: dict[str, str | None] | None = None
    config: dict[str, JsonValue] = Field(default_factory=dict)
    enabled: bool = True


class IntegrationView(Stamped):
    """An account. `credentialNames` are the secrets that are stored."""

    config: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True
    credential_names: list[str] = Field(default_factory=list)


class ConfigFieldView(Model):
    key: str
    label: str
    required: bool
    input_type: str
    description: str


class ModelCardView(Model):
    training_data: str
    policy_and_taxonomy: str
    annotation_methodology: str
    performance_benchmarks: str
    bias_and_limitations: str
    implementation_guidance: str
    relevant_links: list[str]


class ManifestView(Model):
    """What an integration says of itself. `signals` are names; see `/v1/signals`."""

    id: str
    name: str
    version: str
    docs_url: str
    requires_config: bool
    config_fields: list[ConfigFieldView]
    signals: list[str]
    model_card: ModelCardView


class AvailableView(Model):
    """An integration. `manifest` is null where an account is kept of one that is not installed, or
    is broken; `account` is null where there is none."""

    id: str
    manifest: ManifestView | None
    account: IntegrationView | None


class PluginProblemView(Model):
    """A plugin that was left out, and why."""

    entry_point: str
    distribution: str
    reason: str


class IntegrationList(Model):
    items: list[AvailableView]
    problems: list[PluginProblemView]


class ThresholdsView(Model):
    high_precision: float
    high_recall: float


class SignalView(Model):
    """A signal, for whoever writes conditions. `order` are the values of an ENUM, lowest first;
    `needsMatchingValues` what it looks for; with `subcategories` a condition names one. Where it is
    not `available`, `reason` says why. `allowedInRules` false: in routing rules only;
    `allowedInRoutingRules` false: in the others only."""

    name: str
    display_name: str
    description: str
    docs_url: str
    inputs: list[str]
    output: str
    order: list[str]
    cost: int
    lane: str
    needs_matching_values: list[str]
    subcategories: bool
    full_item: bool
    derivation: str | None
    allowed_in_rules: bool
    allowed_in_routing_rules: bool
    integration: str | None
    recommended_thresholds: ThresholdsView | None
    languages: list[str]
    available: bool
    reason: str | None


class SignalList(Model):
    items: list[SignalView]


class Integrations(Resource[IntegrationBody, Integration]):
    """For its revisions: an account is made by PUT, under the integration's own id."""

    kind, path, noun, plural = Kind.INTEGRATION, "integrations", "Integration", "Integrations"
    document, body, view = Integration, IntegrationBody, IntegrationView
    read = write = _manages

    def present(
        self, context: Context, principal: Principal, document: Integration, fields: dict[str, Any]
    ) -> dict[str, Any]:
        stored = fields.pop("credential", None)
        bound = bound_to(principal.org_id, self.kind, document.id)
        return {**fields, "credentialNames": credential.names(context.vault, stored, context=bound)}


_resource = Integrations()
_handlers = Handlers(_resource)
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
        current = await read(
            configuration.connection, principal.org_id, Kind.INTEGRATION, Integration, document_id
        )
        previous = current.document if current else None
        fields = body.model_dump(by_alias=True, mode="json")
        fields["credential"] = credential.updated(
            context.vault,
            manifest,
            previous,
            credential=body.credential,
            config=body.config,
            context=bound_to(principal.org_id, Kind.INTEGRATION, document_id),
        )
        after = msgspec.convert({**fields, "id": document_id}, Integration)
        entry = await _handlers.commit(
            configuration, principal, before=previous, after=after, expected=expected
        )
    response.headers["ETag"] = etag_of(entry.revision)
    return _resource.view_of(context, principal, entry)


@router.delete("/integrations/{document_id}", operation_id="deleteIntegration", status_code=204)
async def delete_integration(
    request: Request,
    principal: Manager,
    document_id: str,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Response:
    """Forget my account. Conditions that need it are unavailable from now on."""
    expected = expected_revision(if_match)
    await _handlers.delete(request, principal, document_id, expected=expected)
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
            _signal(signal, _unavailable(signal, manifests.get(signal.integration or ""), accounts))
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


def _unavailable(
    signal: SignalType, manifest: Manifest | None, accounts: dict[str, Integration]
) -> str | None:
    if signal.integration is None:
        return None
    account = accounts.get(signal.integration)
    if account is None:
        needed = manifest is None or manifest.requires_config
        return f"the integration {signal.integration} is not set up" if needed else None
    return None if account.enabled else f"the integration {signal.integration} is switched off"


def _signal(signal: SignalType, reason: str | None) -> SignalView:
    thresholds = signal.recommended_thresholds
    return SignalView(
        name=signal.name,
        display_name=signal.display_name,
        description=signal.description,
        docs_url=signal.docs_url,
        inputs=sorted(signal.inputs),
        output=signal.output,
        order=list(signal.order),
        cost=signal.cost,
        lane=signal.lane,
        needs_matching_values=sorted(signal.needs_matching_values),
        subcategories=signal.subcategories,
        full_item=signal.full_item,
        derivation=signal.derivation,
        allowed_in_rules=signal.allowed_in_rules,
        allowed_in_routing_rules=not signal.unfit_for_routing,
        integration=signal.integration,
        recommended_thresholds=None
        if thresholds is None
        else ThresholdsView(
            high_precision=thresholds.high_precision, high_recall=thresholds.high_recall
        ),
        languages=list(signal.languages),
        available=reason is None,
        reason=reason,
    )
