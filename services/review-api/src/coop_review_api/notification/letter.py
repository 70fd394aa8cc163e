"""Letters: mails to one address, most with a link that nobody else may see.

Guarantees: the queue holds the link as ciphertext, until the mail's end; it is put into the text as
the mail leaves.
Must not: send anything; be queued where no mail server is configured.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.notification.mail import Mail
from coop_review_api.notification.table import mails
from coop_review_api.notification.words import Text, render
from coop_runtime.secret.vault import Vault

_PLACE = "{{link}}"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """To whom, from which organisation. `cause_id` is unique for what happened; without a `link`
    the text has no place for one."""

    org_id: str
    organisation: str
    recipient: str
    cause_id: str
    at: datetime
    link: str | None = None


def invitation(*, organisation: str, inviter: str, role: str, expires_at: datetime) -> Text:
    """Somebody is invited."""
    return Text(
        subject=f"You are invited to {organisation}",
        paragraphs=(
            f"{inviter} invites you to join {organisation} in Coop, as {role}.",
            "Open the link to choose your name and password. It is good once.",
        ),
        facts=(("Good until", _until(expires_at)), ("Link", _PLACE)),
    )


def password_reset(
    *, expires_at: datetime, by: str | None = None, sign_in_to: str | None = None
) -> Text:
    """Somebody asked for a new password: whoever it was, or an administrator (`by`). `sign_in_to`:
    what to name the organisation by."""
    if by is None:
        asked = "Somebody asked to choose a new password for your account in Coop."
        then = "If it was you, open the link. It is good once, and signs you out everywhere."
    else:
        asked = f"{by} made a link for you to choose a new password for your account in Coop."
        then = "Open the link. It is good once, and signs you out everywhere."
    facts = [("Good until", _until(expires_at)), ("Link", _PLACE)]
    if sign_in_to is not None:
        facts.insert(0, ("Organisation, if you are asked", sign_in_to))
    return Text(
        subject="Choose a new password",
        paragraphs=(
            asked,
            then,
            "If you did not want it, do nothing: your password stays as it is.",
        ),
        facts=tuple(facts),
    )


async def queue(
    connection: AsyncConnection, vault: Vault | None, text: Text, envelope: Envelope
) -> None:
    """Queue the letter, in the transaction of its cause. `vault` is needed for a link."""
    made = render(text, organisation=envelope.organisation)
    link = None
    if envelope.link is not None:
        if vault is None:
            raise ValueError("a link is queued as ciphertext only")
        context = _context(envelope.org_id, envelope.cause_id)
        link = vault.encrypt(envelope.link, context=context)
    await connection.execute(
        insert(mails)
        .values(
            org_id=envelope.org_id,
            recipient=envelope.recipient,
            cause_id=envelope.cause_id,
            subject=made.subject,
            plain=made.plain,
            html=made.html,
            link=link,
            next_attempt_at=envelope.at,
            created_at=envelope.at,
        )
        .on_conflict_do_nothing()
    )


def opened(mail: Mail, vault: Vault) -> Mail:
    """The mail as it leaves, its link in place. Raises SecretError."""
    if mail.link is None:
        return mail
    link = vault.decrypt(mail.link, context=_context(mail.org_id, mail.cause_id))
    shown = html.escape(link)
    return replace(
        mail,
        plain=mail.plain.replace(_PLACE, link),
        html=mail.html.replace(_PLACE, f'<a href="{shown}">{shown}</a>'),
        link=None,
    )


def _until(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _context(org_id: str, cause_id: str) -> str:
    return f"{org_id}/mail/{cause_id}"
