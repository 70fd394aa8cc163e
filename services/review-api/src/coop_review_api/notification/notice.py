"""Notices: mails to people about their own account, when how they sign in was changed.

Guarantees: queued in the transaction of the change, to the address that the account has at that
moment; what anybody could repeat at will is told once an hour.
Must not: hold a link, a code or a password; be needed: where no mail server is configured nobody is
told, and the audit log has it all the same.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.directory.person import PEOPLE
from coop_review_api.notification import letter
from coop_review_api.notification.words import Text
from coop_review_api.settings import Settings


class Notice(StrEnum):
    """What happened to an account."""

    ACCOUNT_MADE = "account-made"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a name
    PASSWORD_RESET = "password-reset"  # noqa: S105 - a name
    FACTOR_SET_UP = "second-factor-set-up"
    FACTOR_REMOVED = "second-factor-removed"
    FACTOR_RESET = "second-factor-reset"
    RECOVERY_CODES_RENEWED = "recovery-codes-renewed"
    CODES_REFUSED = "codes-refused"
    APPROVED = "approved"
    REMOVED = "removed"


_IF_NOT_YOU: Final = (
    "If it was not you and you did not ask for it, tell an administrator of your organisation at "
    "once, and choose a new password by way of 'Forgot password'."
)
_ASK: Final = "If you did not expect this, ask an administrator of your organisation."

_TEXTS: Final[dict[Notice, tuple[str, str, str]]] = {
    Notice.PASSWORD_CHANGED: (
        "Your password was changed",
        "The password of your account in Coop was changed. Everywhere else you are signed out.",
        _IF_NOT_YOU,
    ),
    Notice.PASSWORD_RESET: (
        "Your password was reset",
        "A new password was chosen for your account in Coop, with a link for that. Everywhere you "
        "are signed out.",
        _IF_NOT_YOU,
    ),
    Notice.ACCOUNT_MADE: (
        "Your account was made",
        "An invitation to this address was accepted: there is an account in Coop with it.",
        _ASK,
    ),
    Notice.FACTOR_SET_UP: (
        "A second factor was set up",
        "From now on a code is asked for when you sign in to Coop. Everywhere else you are signed "
        "out.",
        _IF_NOT_YOU,
    ),
    Notice.FACTOR_REMOVED: (
        "Your second factor was removed",
        "From now on the password alone signs you in to Coop.",
        _IF_NOT_YOU,
    ),
    Notice.FACTOR_RESET: (
        "Your second factor was taken away",
        "An administrator took the second factor of your account in Coop away. You are signed out, "
        "and sign in with your password alone until you set up another one.",
        _IF_NOT_YOU,
    ),
    Notice.RECOVERY_CODES_RENEWED: (
        "New recovery codes were made",
        "New recovery codes were made for your account in Coop. The ones before are good for "
        "nothing.",
        _IF_NOT_YOU,
    ),
    Notice.CODES_REFUSED: (
        "Somebody knows your password",
        "Somebody signed in to Coop with your password, and then gave several wrong codes of the "
        "second factor. They did not get in.",
        "If it was not you, choose a new password now.",
    ),
    Notice.APPROVED: (
        "Your account was approved",
        "Your account in Coop was approved: you can sign in.",
        _ASK,
    ),
    Notice.REMOVED: (
        "Your account was removed",
        "Your account in Coop was removed. Nobody can sign in with it any more.",
        _ASK,
    ),
}

_ONCE_AN_HOUR = frozenset({Notice.CODES_REFUSED})


async def tell(
    connection: AsyncConnection,
    settings: Settings,
    notice: Notice,
    *,
    user_id: str,
    now: datetime,
    by: str | None = None,
) -> None:
    """Queue the notice. `by`: the name of somebody else who did it. Before an account is removed,
    because it has no address afterwards."""
    if settings.mail_server is None:
        return
    row = (
        await connection.execute(
            select(
                PEOPLE.of.c.org_id,
                PEOPLE.of.c.email,
                CURRENT.of.c.document["name"].astext.label("org"),
            )
            .outerjoin(
                CURRENT.of,
                (CURRENT.of.c.org_id == PEOPLE.of.c.org_id) & (CURRENT.of.c.kind == Kind.SETTINGS),
            )
            .where(PEOPLE.of.c.user_id == user_id, PEOPLE.of.c.status != "REMOVED")
        )
    ).one_or_none()
    if row is None:
        return
    moment = f"{now:%Y-%m-%dT%H}" if notice in _ONCE_AN_HOUR else now.isoformat()
    envelope = letter.Envelope(
        org_id=row.org_id,
        organisation=row.org or "",
        recipient=row.email,
        cause_id=f"{notice}/{user_id}/{moment}",
        at=now,
    )
    await letter.queue(connection, None, _text(notice, now, by), envelope)


def _text(notice: Notice, now: datetime, by: str | None) -> Text:
    subject, happened, then = _TEXTS[notice]
    facts = [("When", f"{now:%Y-%m-%d %H:%M} UTC")]
    if by:
        facts.append(("By", by))
    return Text(subject=subject, paragraphs=(happened, then), facts=tuple(facts))
