"""API keys and webhook keys.

Guarantees: a key's text is in exactly one answer, that of its making; lists never hold hashes or
ciphertext.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field
from redis.asyncio import Redis

from coop_contracts.config import ApiKey, ApiScope, Kind, WebhookKey
from coop_contracts.permission import Permission
from coop_review_api.configuration import history, key
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import Name
from coop_review_api.configuration.log import Entry
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction
from coop_runtime.redis.key_use import last_used

MAX_OVERLAP_HOURS = 24 * 90

router = APIRouter(prefix="/v1", tags=["keys"])

_manages_org = requires(Permission.MANAGE_ORG)
Manager = Annotated[Principal, Depends(_manages_org)]


class ApiKeyBody(Body):
    """A new key of the public API. Keys are valid side by side: make one, change over, revoke.
    `keyHash`: of a key that the platform has already, such as one of Coop's: the SHA-256 of its
    text in hex. How hard such a key is to guess is for whoever takes it over to know."""

    name: Name
    expires_at: AwareDatetime | None = None
    scopes: Annotated[list[ApiScope], Field(max_length=len(ApiScope), default_factory=list)]
    description: Annotated[str, Field(max_length=500)] = ""
    key_hash: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None


class ApiKeyRotation(Body):
    """How long the old key is good beside the new one."""

    overlap_hours: Annotated[float, Field(ge=0, le=MAX_OVERLAP_HOURS)] = 24.0


class ApiKeyView(Model):
    """A key with no `scopes` may be used for everything. `replacedBy` is the key that a rotation
    made in its place; `createdBy` made the key, was shown it, and may have it still. `lastUsedAt`
    is null when that is not known, and some seconds behind."""

    id: str
    name: str
    description: str
    scopes: list[ApiScope]
    created_at: datetime
    created_by: str | None
    created_by_person: PersonBeside = None
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None
    last_used_at: datetime | None = None
    revision: int


class CreatedApiKeyView(ApiKeyView):
    """`key` is shown this once; null of one that was taken over by its hash."""

    key: str | None


class ApiKeyPage(Model):
    items: list[ApiKeyView]
    next_cursor: str | None = None


class RotateBody(Body):
    """Which kind of signature gets a new key."""

    scheme: Literal["RSA_SHA256", "STANDARD_WEBHOOKS"]


class WebhookKeyView(Model):
    """`publicKey` is the PEM of an RSA_SHA256 key."""

    id: str
    scheme: Literal["RSA_SHA256", "STANDARD_WEBHOOKS"]
    status: Literal["ACTIVE", "RETIRING", "REVOKED"]
    created_at: datetime
    public_key: str | None
    revision: int


class RotatedWebhookKeyView(WebhookKeyView):
    """`secret`, the `whsec_` text of a STANDARD_WEBHOOKS key, is shown this once."""

    secret: str | None


class WebhookKeyPage(Model):
    items: list[WebhookKeyView]
    next_cursor: str | None = None


_api_key_body = JsonBody(ApiKeyBody)
_rotation_body = JsonBody(ApiKeyRotation)
_rotate_body = JsonBody(RotateBody)


@router.get("/api-keys", operation_id="listApiKeys", response_model=ApiKeyPage)
async def list_api_keys(
    request: Request, principal: Manager, limit: Limit = 50, cursor: Cursor = None
) -> ApiKeyPage:
    """The keys of the public API, revoked ones too."""
    async with transaction(context_of(request).engine) as connection:
        found = await history.current_page(
            connection,
            principal.org_id,
            Kind.API_KEY,
            ApiKey,
            after=decode_cursor(cursor),
            limit=limit + 1,
        )
    entries, next_cursor = cut(found, limit, lambda entry: entry.document.id)
    key_ids = [entry.document.id for entry in entries]
    used = await last_used(part_of(request, Redis), principal.org_id, key_ids)
    return ApiKeyPage(
        items=[_api_key(entry, used.get(entry.document.id)) for entry in entries],
        next_cursor=next_cursor,
    )


@router.post(
    "/api-keys",
    operation_id="createApiKey",
    response_model=CreatedApiKeyView,
    status_code=201,
    openapi_extra=_api_key_body.openapi(),
)
async def create_api_key(
    request: Request, principal: Manager, body: Annotated[ApiKeyBody, Depends(_api_key_body)]
) -> CreatedApiKeyView:
    """Make a key. It acts within a second."""
    context = context_of(request)
    if body.expires_at is not None and body.expires_at <= context.clock():
        raise Invalid([Fault("/expiresAt", "lies in the past")])
    async with changing(context, principal) as configuration:
        made = await key.create_api_key(
            configuration,
            name=body.name,
            expires_at=body.expires_at,
            scopes=body.scopes,
            description=body.description,
            key_hash=body.key_hash,
        )
    return CreatedApiKeyView(**_api_key(made.entry).model_dump(), key=made.key)


@router.post(
    "/api-keys/{key_id}/rotate",
    operation_id="rotateApiKey",
    response_model=CreatedApiKeyView,
    status_code=201,
    openapi_extra=_rotation_body.openapi(),
)
async def rotate_api_key(
    request: Request,
    principal: Manager,
    key_id: str,
    body: Annotated[ApiKeyRotation, Depends(_rotation_body)],
) -> CreatedApiKeyView:
    """Make a key in the place of another; both are good until the overlap ends."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        overlap = timedelta(hours=body.overlap_hours)
        made = await key.rotate_api_key(configuration, key_id, overlap=overlap)
    return CreatedApiKeyView(**_api_key(made.entry).model_dump(), key=made.key)


@router.post("/api-keys/{key_id}/revoke", operation_id="revokeApiKey", response_model=ApiKeyView)
async def revoke_api_key(request: Request, principal: Manager, key_id: str) -> ApiKeyView:
    """Refuse a key from now on."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        return _api_key(await key.revoke_api_key(configuration, key_id))


@router.get("/webhook-keys", operation_id="listWebhookKeys", response_model=WebhookKeyPage)
async def list_webhook_keys(
    request: Request, principal: Manager, limit: Limit = 50, cursor: Cursor = None
) -> WebhookKeyPage:
    """The keys that sign webhooks."""
    async with transaction(context_of(request).engine) as connection:
        found = await history.current_page(
            connection,
            principal.org_id,
            Kind.WEBHOOK_KEY,
            WebhookKey,
            after=decode_cursor(cursor),
            limit=limit + 1,
        )
    entries, next_cursor = cut(found, limit, lambda entry: entry.document.id)
    items = [_webhook_key(entry) for entry in entries]
    return WebhookKeyPage(items=items, next_cursor=next_cursor)


@router.post(
    "/webhook-keys/rotate",
    operation_id="rotateWebhookKey",
    response_model=RotatedWebhookKeyView,
    status_code=201,
    openapi_extra=_rotate_body.openapi(),
)
async def rotate_webhook_key(
    request: Request, principal: Manager, body: Annotated[RotateBody, Depends(_rotate_body)]
) -> RotatedWebhookKeyView:
    """A new key signs from now on; the one before it is retiring."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        made = await key.rotate_webhook_key(configuration, context.vault, scheme=body.scheme)
    return RotatedWebhookKeyView(**_webhook_key(made.entry).model_dump(), secret=made.secret)


@router.post(
    "/webhook-keys/{key_id}/revoke", operation_id="revokeWebhookKey", response_model=WebhookKeyView
)
async def revoke_webhook_key(request: Request, principal: Manager, key_id: str) -> WebhookKeyView:
    """Let a retiring key sign no more."""
    context = context_of(request)
    async with changing(context, principal) as configuration:
        return _webhook_key(await key.revoke_webhook_key(configuration, key_id))


def _api_key(entry: Entry[ApiKey], last_used_at: datetime | None = None) -> ApiKeyView:
    document = entry.document
    return ApiKeyView(
        id=document.id,
        name=document.name,
        description=document.description,
        scopes=list(document.scopes),
        created_at=document.created_at,
        created_by=document.created_by,
        expires_at=document.expires_at,
        revoked_at=document.revoked_at,
        replaced_by=document.replaced_by,
        last_used_at=last_used_at,
        revision=entry.revision,
    )


def _webhook_key(entry: Entry[WebhookKey]) -> WebhookKeyView:
    document = entry.document
    return WebhookKeyView(
        id=document.id,
        scheme=document.scheme,
        status=document.status,
        created_at=document.created_at,
        public_key=document.public_key,
        revision=entry.revision,
    )
