"""What people set in motion for others, and that it ends with their right to it.

    made by somebody                       ends, when they may not make it any more
    an open invitation                     revoked
    a link to set another's password       good for nothing
    a password that they chose for others  opens nothing: its owner asks for a new one

They may for as long as they are active, hold MANAGE_USERS, and hold all that the role in question
holds: what was given to somebody lesser, and would now open more than its maker has, ends as well.
What ended does not come back with the right.

A bulk action that is under way ends as well, at its next batch (`enforcement.bulk_store`); an
export is fetched with the permissions that it was ordered with, or not at all (`export.store`).

What goes on, because somebody else decides or the organisation stands on it: accounts that were
accepted (`User.created_by` says whose deed they are), those that wait for approval, API keys and
webhook keys (platforms live by them; `ApiKey.created_by` says who saw them), identity providers,
rules and all other documents.

Guarantees: runs under the organisation's lock, in the transaction of the change that took the
right, and again before an invitation or a link is used; everything that ends leaves an audit row.
Must not: give anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update

from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.directory.table import users
from coop_review_api.kernel import audit
from coop_review_api.people.table import invitations, login_challenges, password_resets, sessions

_OPERATOR = "cli"


@dataclass(frozen=True, kw_only=True)
class _Makers:
    """Who may make something for people of which role."""

    held: Mapping[str, frozenset[Permission]]  # by role
    roles: Mapping[str, str]  # of active people

    def may(self, maker: str, role: str) -> bool:
        if maker == _OPERATOR:
            return True
        held = self.held.get(self.roles.get(maker, ""), frozenset())
        return Permission.MANAGE_USERS in held and self.held.get(role, frozenset()) <= held


async def withdraw(configuration: LockedConfiguration) -> None:
    """End what was made by people who may not make it any more."""
    makers = await _makers(configuration)
    await _withdraw_invitations(configuration, makers)
    await _withdraw_links(configuration, makers)
    await _withdraw_passwords(configuration, makers)


async def _makers(configuration: LockedConfiguration) -> _Makers:
    connection, org_id = configuration.connection, configuration.org_id
    definitions = await role_permission.definitions(connection, org_id)
    active = await connection.execute(
        select(users.c.user_id, users.c.role).where(
            users.c.org_id == org_id, users.c.status == "ACTIVE"
        )
    )
    return _Makers(
        held={one.id: frozenset(one.permissions) for one in definitions.values()},
        roles={row.user_id: row.role for row in active},
    )


async def _withdraw_invitations(configuration: LockedConfiguration, makers: _Makers) -> None:
    opened = await configuration.connection.execute(
        select(
            invitations.c.invitation_id,
            invitations.c.role,
            func.coalesce(invitations.c.sent_by, invitations.c.created_by).label("maker"),
        ).where(
            invitations.c.org_id == configuration.org_id,
            invitations.c.accepted_at.is_(None),
            invitations.c.revoked_at.is_(None),
        )
    )
    for row in opened.all():
        if makers.may(row.maker, row.role):
            continue
        await configuration.connection.execute(
            update(invitations)
            .where(invitations.c.invitation_id == row.invitation_id)
            .values(revoked_at=configuration.now)
        )
        await _record(configuration, "invitation.revoked", ("invitation", row.invitation_id), row)


async def _withdraw_links(configuration: LockedConfiguration, makers: _Makers) -> None:
    made = await configuration.connection.execute(
        select(users.c.user_id, users.c.role, password_resets.c.made_by.label("maker"))
        .join(password_resets, password_resets.c.user_id == users.c.user_id)
        .where(users.c.org_id == configuration.org_id, password_resets.c.made_by.is_not(None))
    )
    for row in made.all():
        if makers.may(row.maker, row.role):
            continue
        await configuration.connection.execute(
            delete(password_resets).where(password_resets.c.user_id == row.user_id)
        )
        await _record(configuration, "password.reset-link-revoked", ("user", row.user_id), row)


async def _withdraw_passwords(configuration: LockedConfiguration, makers: _Makers) -> None:
    connection = configuration.connection
    known = await connection.execute(
        select(users.c.user_id, users.c.role, users.c.password_set_by.label("maker")).where(
            users.c.org_id == configuration.org_id,
            users.c.password_set_by.is_not(None),
            users.c.status != "REMOVED",
        )
    )
    for row in known.all():
        if makers.may(row.maker, row.role):
            continue
        await connection.execute(
            update(users)
            .where(users.c.user_id == row.user_id)
            .values(password_hash=None, password_set_by=None)
        )
        await connection.execute(
            delete(sessions).where(
                sessions.c.user_id == row.user_id, sessions.c.method == "PASSWORD"
            )
        )
        await connection.execute(
            delete(login_challenges).where(login_challenges.c.user_id == row.user_id)
        )
        await _record(configuration, "password.ended", ("user", row.user_id), row)


async def _record(
    configuration: LockedConfiguration, action: str, target: tuple[str, str], row: Any
) -> None:
    await audit.record(
        configuration.connection,
        org_id=configuration.org_id,
        actor=configuration.author,
        action=action,
        target=target,
        detail={"madeBy": row.maker},
        time=configuration.now,
    )
