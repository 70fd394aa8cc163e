"""Invitations: how people come to have an account.

    OPEN ──accept──▶ ACCEPTED        (one use; the account has the invitation's address and role)
      │╲──revoke──▶ REVOKED
      ╰── 7 days ──▶ EXPIRED         resend: a new token and seven more days, the old token is dead

Guarantees: a token is good for one account of one address, role and organisation; nothing that the
invited person sends changes those; one open invitation an address and organisation; it is good for
as long as whoever sent it last may invite to that role (`entrusted`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_review_api.kernel.email_address import comparable
from coop_review_api.kernel.error import Conflict, Fault, NotFound
from coop_review_api.people import domain, user
from coop_review_api.people.table import invitations
from coop_review_api.people.token import hash_of, new_token
from coop_review_api.people.user import User

LIFETIME = timedelta(days=7)
MAX_OPEN = 1000
"""Of an organisation, at once."""

InvitationState = Literal["OPEN", "ACCEPTED", "REVOKED", "EXPIRED"]


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """Who is invited to what. With `requires_approval` the account waits for somebody's word."""

    invitation_id: str
    org_id: str
    email: str
    role: str
    requires_approval: bool
    created_by: str
    created_at: datetime
    sent_at: datetime
    sent_by: str
    expires_at: datetime
    state: InvitationState


@dataclass(frozen=True, kw_only=True)
class IssuedInvitation:
    """An invitation and its token, which is shown this once."""

    invitation: Invitation
    token: str


async def create(
    connection: AsyncConnection,
    *,
    org_id: str,
    email: str,
    role: str,
    requires_approval: bool,
    author: str,
    now: datetime,
) -> IssuedInvitation:
    """Invite an address, the organisation's lock held. `Conflict` where it has an account here, or
    an open invitation, `Invalid` where its domain is another organisation's."""
    await domain.check(connection, org_id, email)
    if await user.find_by_email(connection, org_id, email) is not None:
        raise Conflict(
            "this address has an account",
            faults=[Fault("/email", "an account has this address, or one that looks like it")],
        )
    await _close_expired(connection, org_id, now)
    opened = await connection.scalar(
        select(func.count()).select_from(invitations).where(*_is_open(org_id))
    )
    if (opened or 0) >= MAX_OPEN:
        raise Conflict(f"at most {MAX_OPEN} invitations may be open")
    token = new_token()
    row = await connection.execute(
        upsert(invitations)
        .values(
            invitation_id=new_id(),
            org_id=org_id,
            email=email,
            email_key=comparable(email),
            role=role,
            requires_approval=requires_approval,
            token_hash=hash_of(token),
            created_by=author,
            created_at=now,
            sent_at=now,
            sent_by=author,
            expires_at=now + LIFETIME,
        )
        .on_conflict_do_nothing()
        .returning(invitations)
    )
    made = row.one_or_none()
    if made is None:
        raise Conflict(
            "this address is invited: send it again, or revoke it",
            faults=[Fault("/email", "is invited")],
        )
    return IssuedInvitation(invitation=_invitation_of(made, now), token=token)


async def resend(
    connection: AsyncConnection, org_id: str, invitation_id: str, *, author: str, now: datetime
) -> IssuedInvitation:
    """A new token and seven more days, on the word of `author`. `Conflict` where it was accepted or
    revoked."""
    token = new_token()
    renewed = await connection.execute(
        update(invitations)
        .where(invitations.c.invitation_id == invitation_id, *_is_open(org_id))
        .values(token_hash=hash_of(token), sent_at=now, sent_by=author, expires_at=now + LIFETIME)
        .returning(invitations)
    )
    made = renewed.one_or_none()
    if made is None:
        found = await get(connection, org_id, invitation_id, now=now)
        raise Conflict(f"the invitation is {found.state}")
    return IssuedInvitation(invitation=_invitation_of(made, now), token=token)


async def revoke(
    connection: AsyncConnection, org_id: str, invitation_id: str, *, now: datetime
) -> Invitation:
    """The token is good for nothing from now on. Again: nothing changes."""
    await connection.execute(
        update(invitations)
        .where(invitations.c.invitation_id == invitation_id, *_is_open(org_id))
        .values(revoked_at=now)
    )
    return await get(connection, org_id, invitation_id, now=now)


async def get(
    connection: AsyncConnection, org_id: str, invitation_id: str, *, now: datetime
) -> Invitation:
    """The invitation; `NotFound` when the organisation has no such one."""
    found = await connection.execute(
        select(invitations).where(
            invitations.c.org_id == org_id, invitations.c.invitation_id == invitation_id
        )
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"no invitation {invitation_id}")
    return _invitation_of(row, now)


async def page(
    connection: AsyncConnection, org_id: str, *, after: str | None, limit: int, now: datetime
) -> list[Invitation]:
    """Up to `limit` invitations by id, from the one after `after`."""
    query = (
        select(invitations)
        .where(invitations.c.org_id == org_id)
        .order_by(invitations.c.invitation_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(invitations.c.invitation_id > after)
    return [_invitation_of(row, now) for row in await connection.execute(query)]


async def of_token(connection: AsyncConnection, token: str, *, now: datetime) -> Invitation | None:
    """The open invitation of this token, or None."""
    found = await connection.execute(
        select(invitations).where(
            invitations.c.token_hash == hash_of(token),
            invitations.c.accepted_at.is_(None),
            invitations.c.revoked_at.is_(None),
            invitations.c.expires_at > now,
        )
    )
    row = found.one_or_none()
    return None if row is None else _invitation_of(row, now)


async def accept(
    connection: AsyncConnection,
    token: str,
    *,
    name: str,
    password_hash: str | None,
    now: datetime,
) -> User | None:
    """The account that the token is good for, once; None when it is good for nothing. The
    organisation's lock is held: the role cannot go in the meantime."""
    used = await connection.execute(
        update(invitations)
        .where(
            invitations.c.token_hash == hash_of(token),
            invitations.c.accepted_at.is_(None),
            invitations.c.revoked_at.is_(None),
            invitations.c.expires_at > now,
        )
        .values(accepted_at=now)
        .returning(invitations)
    )
    row = used.one_or_none()
    if row is None:
        return None
    made = await user.create(
        connection,
        org_id=row.org_id,
        email=row.email,
        name=name,
        role=row.role,
        password_hash=password_hash,
        author=f"invitation {row.invitation_id}",
        now=now,
        status="PENDING" if row.requires_approval else "ACTIVE",
    )
    inviter = row.sent_by or row.created_by
    return await user.attribute(connection, made, inviter, knows_password=False)


async def _close_expired(connection: AsyncConnection, org_id: str, now: datetime) -> None:
    await connection.execute(
        update(invitations)
        .where(*_is_open(org_id), invitations.c.expires_at <= now)
        .values(revoked_at=now)
    )


def _is_open(org_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        invitations.c.org_id == org_id,
        invitations.c.accepted_at.is_(None),
        invitations.c.revoked_at.is_(None),
    )


def _invitation_of(row: Row[*tuple[Any, ...]], now: datetime) -> Invitation:
    state: InvitationState = "OPEN"
    if row.accepted_at is not None:
        state = "ACCEPTED"
    elif row.revoked_at is not None:
        state = "REVOKED"
    elif row.expires_at <= now:
        state = "EXPIRED"
    return Invitation(
        invitation_id=row.invitation_id,
        org_id=row.org_id,
        email=row.email,
        role=row.role,
        requires_approval=row.requires_approval,
        created_by=row.created_by,
        created_at=row.created_at,
        sent_at=row.sent_at,
        sent_by=row.sent_by or row.created_by,
        expires_at=row.expires_at,
        state=state,
    )
