"""Who may change whom, and that somebody always can.

Guarantees: nobody grants, by assignment or by a change of a role, a permission that they do not
hold, nor changes an account or a role that holds more than they do (whoever may reset another's
password can become them); after every change an active person with a password remains who holds
MANAGE_ORG, MANAGE_USERS and MANAGE_ROLES, and what people had set in motion and have no right to
any more has ended (`entrusted`); whoever waives required single sign-on for an account could end
the requirement as well. Every check runs under the organisation's lock on the state it will be
applied to: what the caller held when the request came in does not count.
Must not: be called without that lock (`configuration.log.lock`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import delete, func, select, update

from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.directory.table import users
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid, LacksPermission
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import entrusted, factor, preference, session, user
from coop_review_api.people.table import invitations, login_challenges, password_resets
from coop_review_api.people.user import Status, User

ADMINISTERS = (Permission.MANAGE_ORG, Permission.MANAGE_USERS, Permission.MANAGE_ROLES)

_NEXT: dict[Status, frozenset[Status]] = {
    "PENDING": frozenset({"ACTIVE", "REJECTED"}),
    "ACTIVE": frozenset({"DISABLED"}),
    "DISABLED": frozenset({"ACTIVE"}),
    "REJECTED": frozenset({"ACTIVE"}),
    "REMOVED": frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class AccountChange:
    """What becomes of an account; None leaves it as it is."""

    role: str | None = None
    status: Status | None = None
    is_break_glass: bool | None = None


class Administration:
    """Changes of one organisation's people, while the transaction holds its lock."""

    def __init__(
        self, configuration: LockedConfiguration, actor_id: str, held: frozenset[Permission]
    ) -> None:
        """Made by `administration_of`, and by `of_oneself`."""
        self.configuration = configuration
        self.connection = configuration.connection
        self.org_id = configuration.org_id
        self.now = configuration.now
        self.actor_id = actor_id
        self.held = held

    @classmethod
    def of_oneself(cls, configuration: LockedConfiguration, principal: Principal) -> Self:
        """Powers that reach the caller's own account, and nobody beyond it."""
        return cls(configuration, principal.user_id, principal.permissions)

    async def check_grant(self, role_id: str, *, at: str = "/role") -> None:
        """Raises `Invalid` for a role that is not there, `Forbidden` for one that holds more than
        the caller."""
        found = (await role_permission.definitions(self.connection, self.org_id)).get(role_id)
        if found is None:
            raise Invalid([Fault(at, "no such role")])
        self.check_covers(found.permissions)

    def check_covers(self, permissions: Collection[Permission]) -> None:
        """Raises `Forbidden` for a permission that the caller does not hold."""
        beyond = sorted(frozenset(permissions) - self.held)
        if beyond:
            raise LacksPermission(*beyond, message=f"you do not hold {', '.join(beyond)}")

    async def reach(self, user_id: str) -> User:
        """The account, if the caller may change it. Raises `NotFound`, `Forbidden`."""
        found = await user.get(self.connection, self.org_id, user_id)
        self.check_covers(
            await role_permission.permissions_of(self.connection, self.org_id, found.role)
        )
        return found

    async def change(self, user_id: str, change: AccountChange) -> User:
        """Role, state or mark of an account. Its sessions end unless it stays active."""
        before = await self.reach(user_id)
        values: dict[str, Any] = {}
        if change.role is not None and change.role != before.role:
            await self.check_grant(change.role)
            values["role"] = change.role
        if change.status is not None and change.status != before.status:
            if change.status not in _NEXT[before.status]:
                raise Conflict(f"an account that is {before.status} does not become so")
            values["status"] = change.status
        if change.is_break_glass is not None and change.is_break_glass != before.is_break_glass:
            self.check_covers([Permission.MANAGE_ORG])
            values["is_break_glass"] = change.is_break_glass
        if not values:
            return before
        if before.status == "REMOVED":
            raise Conflict("the account was removed")
        await self.connection.execute(
            update(users).where(users.c.user_id == user_id).values(**values)
        )
        if values.get("status", "ACTIVE") != "ACTIVE":
            await self._sign_out(user_id)
        await self.record("user.changed", user_id, values)
        await settle(self.configuration)
        return await user.get(self.connection, self.org_id, user_id)

    async def become(
        self, user_id: str, status: Status, *, only_from: Collection[Status]
    ) -> tuple[User, User]:
        """The account before and after it became so. Raises `Conflict` where it was something
        else before."""
        before = await self.reach(user_id)
        if before.status not in only_from:
            raise Conflict(f"the account is {before.status}")
        return before, await self.change(user_id, AccountChange(status=status))

    async def remove(self, user_id: str) -> None:
        """The end of an account: nobody signs in with it, its address is free. Its id and name
        stay, for history."""
        before = await self.reach(user_id)
        if before.status == "REMOVED":
            return
        await self.connection.execute(
            update(users)
            .where(users.c.user_id == user_id)
            .values(
                status="REMOVED",
                email=f"{user_id}@removed.invalid",  # RFC 2606: no such address can be
                email_key=f"{user_id}@removed.invalid",
                password_hash=None,
                password_set_by=None,
                is_break_glass=False,
                wellness=None,
                preferences={},
            )
        )
        await self._sign_out(user_id)
        await factor.remove(self.connection, user_id)
        await preference.forget(self.connection, user_id)
        await self.record("user.removed", user_id)
        await settle(self.configuration)

    async def reach_password(self, user_id: str) -> User:
        """The account, if the caller may change how it signs in with a password: where single
        sign-on is required, that is for those who may say so. Raises as `reach`."""
        found = await self.reach(user_id)
        settings = await settings_of(self.connection, self.org_id)
        if found.is_break_glass and settings.requires_single_sign_on:
            self.check_covers([Permission.MANAGE_ORG])
        return found

    async def end_sessions(self, user_id: str) -> int:
        """Sign somebody out everywhere; gives how many sessions ended."""
        await self.reach(user_id)
        ended = await session.end_all(self.connection, user_id)
        await self.record("user.signed-out", user_id, {"sessions": ended})
        return ended

    async def reset_factor(self, user_id: str) -> None:
        """Take a lost second factor away. `Conflict` where there is none."""
        await self.reach_password(user_id)
        if not await factor.remove(self.connection, user_id):
            raise Conflict("no second factor is set up")
        await session.end_all(self.connection, user_id)
        await self.record("second-factor.reset", user_id)

    async def check_unused(self, role_id: str) -> None:
        """Raises `Conflict` while accounts or open invitations have the role."""
        have = users.c.status != "REMOVED"
        people = await self.connection.scalar(
            select(func.count()).where(users.c.org_id == self.org_id, users.c.role == role_id, have)
        )
        invited = await self.connection.scalar(
            select(func.count()).where(
                invitations.c.org_id == self.org_id,
                invitations.c.role == role_id,
                invitations.c.accepted_at.is_(None),
                invitations.c.revoked_at.is_(None),
                invitations.c.expires_at > self.now,
            )
        )
        used_by = [
            f"{count} {what}"
            for count, what in ((people, "accounts"), (invited, "invitations"))
            if count
        ]
        if used_by:
            raise Conflict("the role is still in use", used_by=used_by)

    async def record(
        self,
        action: str,
        target_id: str,
        detail: dict[str, Any] | None = None,
        *,
        kind: str = "user",
    ) -> None:
        """An audit row about an account, or another kind of target."""
        await audit.record(
            self.connection,
            org_id=self.org_id,
            actor=self.actor_id,
            action=action,
            target=(kind, target_id),
            detail=detail,
            time=self.now,
        )

    async def _sign_out(self, user_id: str) -> None:
        await session.end_all(self.connection, user_id)
        for table in (login_challenges, password_resets):
            await self.connection.execute(delete(table).where(table.c.user_id == user_id))


async def administration_of(
    configuration: LockedConfiguration, principal: Principal, needed: Permission
) -> Administration:
    """The caller's powers as they are under the lock. Raises `Forbidden` when they have lost what
    is needed since the request came in."""
    row = (
        await configuration.connection.execute(
            select(users.c.role, users.c.status).where(
                users.c.org_id == configuration.org_id, users.c.user_id == principal.user_id
            )
        )
    ).one()
    held = await role_permission.permissions_of(
        configuration.connection, configuration.org_id, row.role
    )
    if row.status != "ACTIVE" or needed not in held:
        raise LacksPermission(needed)
    return Administration(configuration, principal.user_id, held)


async def settle(configuration: LockedConfiguration) -> None:
    """What follows from a change of who holds what. Raises as `check_administered`."""
    await entrusted.withdraw(configuration)
    await check_administered(configuration)


async def check_administered(configuration: LockedConfiguration) -> None:
    """Raises `Conflict` when the organisation is left with nobody to administer it: an active
    person with a password, which must be good for signing in, who holds `ADMINISTERS`."""
    connection, org_id = configuration.connection, configuration.org_id
    elsewhere = (await settings_of(connection, org_id)).requires_single_sign_on
    roles = await role_permission.roles_holding(connection, org_id, *ADMINISTERS)
    query = select(users.c.user_id).where(
        users.c.org_id == org_id,
        users.c.role.in_(roles),
        users.c.status == "ACTIVE",
        users.c.password_hash.is_not(None),
    )
    if elsewhere:
        query = query.where(users.c.is_break_glass)
    if await connection.scalar(query.limit(1)) is None:
        raise Conflict(
            "nobody would be left who can sign in"
            + (" without single sign-on" if elsewhere else "")
            + f" and holds {', '.join(ADMINISTERS)}"
        )
