"""People of Coop's as accounts here.

Guarantees: an account is made once, under its own id; one that is here is never changed, because
people are administered where they sign in.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.kernel.error import NotFound, ReviewError
from coop_review_api.moving.mapped import Finding, MappedPerson
from coop_review_api.moving.report import Deed, MoveOutcome
from coop_review_api.people import profile, user
from coop_review_api.queue import favourite

_OPERATOR = "cli"


async def settle_person(
    configuration: LockedConfiguration, person: MappedPerson
) -> tuple[MoveOutcome, Sequence[Finding]]:
    """Make the account, with what its owner had chosen; what became of it, and why not."""
    connection, org_id = configuration.connection, configuration.org_id
    try:
        there = await user.get(connection, org_id, person.user_id)
    except NotFound:
        there = None
    if there is not None:
        if there.status != "REMOVED" and there.role == person.role:
            return _outcome(person, "SAME"), ()
        said = "was removed here" if there.status == "REMOVED" else f"is {there.role} here"
        reason = f"{said}: it is left as it is"
        return _outcome(person, "LEFT"), [_finding(person, reason, differs=True)]
    try:
        async with connection.begin_nested():
            await _make(configuration, person)
    except IntegrityError:
        reason = "its id is another organisation's account here: invite this person again"
        return _outcome(person, "REFUSED"), [_finding(person, reason)]
    except ReviewError as error:
        return _outcome(person, "REFUSED"), [_finding(person, str(error))]
    return _outcome(person, "CREATE"), ()


async def _make(configuration: LockedConfiguration, person: MappedPerson) -> None:
    connection, now = configuration.connection, configuration.now
    await user.create(
        connection,
        org_id=configuration.org_id,
        user_id=person.user_id,
        email=person.email,
        name=person.name,
        role=person.role,
        password_hash=None,
        status=person.status,
        author=_OPERATOR,
        now=now,
    )
    if person.wellness is not None:
        await profile.choose_wellness(connection, person.user_id, person.wellness)
    await favourite.take_over(
        connection, configuration.org_id, person.user_id, person.favourites, now
    )


def _outcome(person: MappedPerson, deed: Deed) -> MoveOutcome:
    return MoveOutcome(kind="user", id=person.user_id, name=person.email, deed=deed)


def _finding(person: MappedPerson, reason: str, *, differs: bool = False) -> Finding:
    return Finding(
        verdict="DIFFERS" if differs else "CANNOT",
        kind="user",
        id=person.user_id,
        name=person.email,
        reason=reason,
    )
