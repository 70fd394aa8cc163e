"""Coop's people and their roles.

Guarantees: ids, roles and states stay; nobody gets a password: Coop's bcrypt hashes are of no use
here, so whoever had one asks for a link, or gets one; a permission of ours that Coop has not goes
to the roles that hold it here from the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from coop_contracts.config import Kind, RoleDefinition, Wellness
from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api.kernel.email_address import check_email, comparable, normalize_email
from coop_review_api.moving.mapped import Finding, Mapped, MappedPerson, Noter
from coop_review_api.moving.source import CoopSource, Row
from coop_review_api.people.user import Status

_OURS_ALONE: Final = frozenset({Permission.ERASE_END_USERS})
_BLUR: Final = range(7)


def roles(source: CoopSource) -> Iterator[Mapped]:
    """Those that an administrator of Coop has saved; the others are the defaults in both."""
    held = source.grouped("public.role_permissions", "role_id", "permission")
    for row in source.of("public.roles"):
        note = Noter(Kind.ROLE, row["key"], row["display_name"])
        given = held.get(row["id"], [])
        for unknown in sorted(set(given) - set(Permission.__members__)):
            note.differs(f"the permission {unknown} is not known here: left out", "/permissions")
        permissions = {Permission(name) for name in given if name in Permission.__members__}
        if row["key"] in Role.__members__:
            ours = DEFAULT_ROLE_PERMISSIONS[Role(row["key"])] & _OURS_ALONE
            for one in sorted(ours):
                note.differs(f"holds {one} as well, which Coop has not", "/permissions")
            permissions |= ours
        yield Mapped(
            kind=Kind.ROLE,
            document=RoleDefinition(
                id=row["key"],
                name=row["display_name"],
                description=row["description"] or "",
                permissions=tuple(sorted(permissions)),
            ),
            findings=tuple(note.findings),
        )


def people(source: CoopSource) -> Iterator[MappedPerson | Finding]:
    """Everybody with a row."""
    known_roles = {*Role.__members__, *(row["key"] for row in source.of("public.roles"))}
    own = {
        row["user_id"]: row for row in source.of("user_management_service.user_interface_settings")
    }
    favourites = source.grouped(
        "manual_review_tool.users_and_favorite_mrt_queues", "user_id", "queue_id"
    )
    queues = source.ids("manual_review_tool.manual_review_queues")
    of_all = default_wellness(source, Noter("", "", ""))
    taken: dict[str, str] = {}
    for row in source.of("public.users"):
        email = normalize_email(row["email"])
        note = Noter("user", row["id"], email)
        reason = _refused(row, email, known_roles, taken)
        if reason is not None:
            note.cannot(reason)
            yield note.findings[-1]
            continue
        taken[comparable(email)] = row["id"]
        methods = row["login_methods"] or ()
        marked = note.known(favourites.get(row["id"], []), queues, "queue", "/favourites")
        mine = own.get(row["id"])
        if mine is not None and mine.get("mrt_chart_configurations"):
            note.differs("the charts on the page of numbers are not taken over")
        status = _status(row)
        if status != "ACTIVE":
            note.differs(f"is {status}: signs in no more; Coop lets everybody in", "/status")
        yield MappedPerson(
            user_id=row["id"],
            email=email,
            name=" ".join(one for one in (row["first_name"], row["last_name"]) if one).strip(),
            role=row["role"],
            status=status,
            signs_in_here="password" in methods,
            wellness=None if mine is None else _wellness(mine, of_all, note),
            favourites=marked,
            findings=tuple(note.findings),
        )


def _refused(row: Row, email: str, known_roles: set[str], taken: Mapping[str, str]) -> str | None:
    faults = check_email(email)
    if faults:
        return f"the address is {faults[0].reason}: invite this person again"
    if row["role"] not in known_roles:
        return f"the role {row['role']} is not known: invite this person again"
    other = taken.get(comparable(email))
    if other is not None:
        return f"the account {other} has this address, or one that looks like it: merge them"
    return None


def _status(row: Row) -> Status:
    if row["rejected_by_admin"]:
        return "REJECTED"
    return "ACTIVE" if row["approved_by_admin"] else "PENDING"


def default_wellness(source: CoopSource, note: Noter) -> Wellness:
    """How the organisation veils media; Coop's own defaults where it has not said."""
    row = source.one("user_management_service.org_default_user_interface_settings")
    coops = Wellness(mute_video=True, grayscale=True, sepia=False, blur_level=2)
    return _wellness(row, coops, note) if row else coops


def _wellness(row: Row, others: Wellness, note: Noter) -> Wellness:
    """A person's, what they left open as the organisation has it."""

    def said(column: str, other: bool) -> bool:
        value = row.get(column)
        return other if value is None else bool(value)

    blur = row.get("moderator_safety_blur_level")
    if blur is None:
        blur = others.blur_level
    if blur not in _BLUR:
        note.differs(f"the veil of strength {blur} is {min(max(blur, 0), _BLUR[-1])} here")
        blur = min(max(blur, 0), _BLUR[-1])
    grayscale = said("moderator_safety_grayscale", others.grayscale)
    sepia = said("moderator_safety_sepia", others.sepia)
    if sepia and grayscale:
        note.differs("media are grey and not sepia: both at once are impossible")
        sepia = False
    return Wellness(
        mute_video=said("moderator_safety_mute_video", others.mute_video),
        grayscale=grayscale,
        sepia=sepia,
        blur_level=blur,
    )
