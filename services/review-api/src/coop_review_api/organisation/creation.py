"""A new organisation: everything it cannot start without, in one transaction.

Guarantees: all of it or nothing; what is shown once is in the answer, nowhere else in clear text.
Must not: be reachable over HTTP; an operator makes organisations (`org create`).
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import (
    Action,
    ActionType,
    Field,
    FieldRoles,
    ItemType,
    Kind,
    OrgSettings,
    Queue,
    ScalarType,
)
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.configuration import key
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import LockedConfiguration, begin, lock
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.email_address import check_email, normalize_email
from coop_review_api.kernel.error import Conflict, Invalid
from coop_review_api.organisation.slug import check_slug, slugs_of
from coop_review_api.people import user
from coop_review_api.people.password import Passwords, check_password
from coop_runtime.secret.vault import Vault

AUTHOR = "cli"
_PASSWORD_BYTES = 18

_BUILT_IN = (
    (
        "Enqueue Item to Manual Review",
        ActionType.ENQUEUE_TO_MRT,
        ("CONTENT", "USER", "THREAD"),
    ),
    ("Enqueue Author for Manual Review", ActionType.ENQUEUE_AUTHOR_TO_MRT, ("CONTENT",)),
    ("Enqueue for NCMEC Review", ActionType.ENQUEUE_TO_NCMEC, ("CONTENT", "USER")),
)


@dataclass(frozen=True, kw_only=True)
class Created:
    """What `org create` prints. Password, API key and webhook secret are never shown again."""

    org_id: str
    slug: str | None
    admin_id: str
    admin_email: str
    admin_password: str
    api_key_id: str
    api_key: str
    webhook_secret: str
    public_key: str
    default_user_type_id: str
    default_queue_id: str
    appeals_queue_id: str
    action_ids: dict[str, str]


async def create(
    connection: AsyncConnection,
    *,
    name: str,
    admin_email: str,
    admin_password: str | None,
    vault: Vault,
    passwords: Passwords,
    clock: Clock,
    slug: str | None = None,
) -> Created:
    """Make the organisation. Without `admin_password` one is made; without `slug` one of the name.
    Raises `Invalid`, `Conflict`."""
    email = normalize_email(admin_email)
    password = admin_password or secrets.token_urlsafe(_PASSWORD_BYTES)
    faults = check_email(email) + check_password(password, email=email, known=[name])
    if faults:
        raise Invalid(faults)
    org_id = new_id()
    slug = await begin_named(connection, org_id, name=name, slug=slug)
    configuration = await lock(connection, org_id, author=AUTHOR, clock=clock)
    await configuration.save(Kind.SETTINGS, OrgSettings(id=SETTINGS_ID, name=name, email=email))
    user_type = await _default_user_type(configuration)
    actions = await _built_in_actions(configuration)
    queue_id = await _queue(configuration, "Default", appeals=False)
    appeals_queue_id = await _queue(configuration, "Appeals", appeals=True)
    api_key = await key.create_api_key(configuration, name="First key", expires_at=None)
    rsa = await key.rotate_webhook_key(configuration, vault, scheme="RSA_SHA256")
    standard = await key.rotate_webhook_key(configuration, vault, scheme="STANDARD_WEBHOOKS")
    admin = await user.create(
        connection,
        org_id=org_id,
        email=email,
        name="Administrator",
        role=str(Role.ADMIN),
        password_hash=await passwords.hash(password),
        author=AUTHOR,
        now=clock(),
    )
    await user.mark_break_glass(connection, admin.user_id, is_break_glass=True)
    return Created(
        org_id=org_id,
        slug=slug,
        admin_id=admin.user_id,
        admin_email=admin.email,
        admin_password=password,
        api_key_id=api_key.entry.document.id,
        api_key=api_key.key or "",
        webhook_secret=standard.secret or "",
        public_key=rsa.entry.document.public_key or "",
        default_user_type_id=user_type.id,
        default_queue_id=queue_id,
        appeals_queue_id=appeals_queue_id,
        action_ids=actions,
    )


async def begin_named(
    connection: AsyncConnection, org_id: str, *, name: str, slug: str | None
) -> str | None:
    """Begin the organisation under the slug that is given, or the first free one of its name."""
    if slug is not None:
        check_slug(slug)
        await begin(connection, org_id, slug=slug)
        return slug
    for wanted in slugs_of(name):
        with suppress(Conflict):
            await begin(connection, org_id, slug=wanted)
            return wanted
    await begin(connection, org_id)
    return None


async def _default_user_type(configuration: LockedConfiguration) -> ItemType:
    document = ItemType(
        id=new_id(),
        name="User",
        kind="USER",
        fields=(Field(name="name", type=ScalarType.STRING),),
        field_roles=FieldRoles(display_name="name"),
        version="",  # given when it is saved
        is_default_user_type=True,
    )
    return (await configuration.save(Kind.ITEM_TYPE, document)).document


async def _built_in_actions(configuration: LockedConfiguration) -> dict[str, str]:
    ids = {}
    for name, action_type, kinds in _BUILT_IN:
        action = Action(
            id=new_id(),
            name=name,
            action_type=action_type,
            applies_to_all_items_of_kind=kinds,  # type: ignore[arg-type]
        )
        await configuration.save(Kind.ACTION, action)
        ids[str(action_type)] = action.id
    return ids


async def _queue(configuration: LockedConfiguration, name: str, *, appeals: bool) -> str:
    # Said, so that it is seen: somebody has to be able to begin.
    queue = Queue(
        id=new_id(),
        name=name,
        is_default_queue=True,
        is_appeals_queue=appeals,
        open_to_everyone=True,
    )
    await configuration.save(Kind.QUEUE, queue)
    return queue.id
