"""The mail server: one connection, mails one after the other.

    MailError
    ├── MailServerUnreachable  the server: not there, not ours, broke off; says nothing about a mail
    └── MailRefused            this mail; `for_good` when trying again cannot help

Guarantees: every wait has a deadline; with `starttls` or `tls` nothing is sent, and no password
shown, before the server's certificate was checked; what a mail says cannot become a header.
Must not: decide what happens to a mail; `mailer` does.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib

from coop_review_api.kernel.mail_server import MailServer, Tls
from coop_review_api.notification.mail import Mail

_PORTS: dict[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}


class MailError(Exception):
    """A mail did not leave."""


class MailServerUnreachable(MailError):
    pass


class MailRefused(MailError):
    def __init__(self, message: str, *, for_good: bool) -> None:
        super().__init__(message)
        self.for_good = for_good


class Connection:
    """A connection that has been let in."""

    def __init__(self, client: aiosmtplib.SMTP, server: MailServer) -> None:
        self._client = client
        self._server = server

    async def send(self, mail: Mail) -> None:
        """The server has taken the mail when this returns. Raises `MailServerUnreachable`,
        `MailRefused`."""
        try:
            message = message_of(mail, sender=self._server.sender)
        except (ValueError, IndexError, MessageError) as error:
            raise MailRefused(f"no mail can be made: {error}", for_good=True) from error
        try:
            await self._client.send_message(
                message, sender=parseaddr(self._server.sender)[1], recipients=[mail.recipient]
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            raise _refused(refused.code, f"{refused.code} {refused.message}") from error
        except aiosmtplib.SMTPSenderRefused as error:
            # The fault of our settings, not of the mail: it waits until they are mended.
            raise MailRefused(f"{error.code} {error.message}", for_good=False) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, f"{error.code} {error.message}") from error
        except (aiosmtplib.SMTPNotSupported, UnicodeError) as error:
            raise MailRefused(
                f"the server does not take such an address: {error}", for_good=True
            ) from (error)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailServerUnreachable(_reason(error)) from error


@asynccontextmanager
async def connect(server: MailServer) -> AsyncIterator[Connection]:
    """A connection for as long as the block. Raises `MailServerUnreachable`."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port or _PORTS[server.tls],
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        tls_context=None if server.tls == "none" else _context_of(server),
        timeout=server.timeout,
    )
    try:
        try:
            await client.connect()
            if server.user is not None:
                await client.login(server.user, server.password or "")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailServerUnreachable(_reason(error)) from error
        yield Connection(client, server)
    finally:
        if client.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=1)
        client.close()


def _context_of(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.certificates is not None:
        context.load_verify_locations(server.certificates)
    return context


def message_of(mail: Mail, *, sender: str) -> EmailMessage:
    """The mail on the wire: text, and the same as HTML. The Message-ID is the same each time.

    Raises ValueError and errors of `email` for addresses that are none.
    """
    name, address = parseaddr(sender)
    message = EmailMessage()
    message["From"] = sender if name else address
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<coop-{mail.mail_id}@{address.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines
    message.set_content(mail.plain)
    message.add_alternative(mail.html, subtype="html")
    return message


def _refused(code: int, reason: str) -> MailRefused:
    # RFC 5321, 4.2.1: 4yz is transient, 5yz permanent.
    return MailRefused(reason, for_good=code >= 500)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
