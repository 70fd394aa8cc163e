"""Mails against a real SMTP server of every temper."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import email
import email.policy
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from sqlalchemy import delete, insert, select

from coop_review_api.kernel.mail_server import MailServer
from coop_review_api.notification import letter
from coop_review_api.notification import mail as queue
from coop_review_api.notification.mailer import MAX_AGE, Mailer
from coop_review_api.notification.smtp import MailServerUnreachable
from coop_review_api.notification.table import mails
from coop_review_api.settings import Settings
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import Vault

pytestmark = pytest.mark.engines

VAULT = Vault([b"k" * 32])


class Postmaster:
    """A real SMTP server on loopback that behaves as it is told and remembers what it took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.refused: dict[str, str] = {}  # recipient -> answer
        self.data_answer: str | None = None
        self.drop_at: str | None = None  # "DATA"
        self.hang = False
        self.options: dict[str, Any] = {}
        self.ssl: ssl.SSLContext | None = None
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._protocols: list[SMTP] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._protocol, "127.0.0.1", self.port, ssl=self.ssl
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for protocol in self._protocols:
            if protocol.transport is not None:
                assert isinstance(protocol.transport, asyncio.Transport)
                protocol.transport.abort()

    def _protocol(self) -> SMTP:
        self.connections += 1
        self._protocols.append(SMTP(self, loop=asyncio.get_running_loop(), **self.options))
        return self._protocols[-1]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.hang:
            await asyncio.sleep(3600)
        if self.drop_at == "DATA":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if self.data_answer is not None:
            return self.data_answer
        self.taken.append(envelope)
        return "250 OK"

    def messages(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(one.original_content or b"", policy=email.policy.default)
            for one in self.taken
        ]

    def recipients(self) -> list[str]:
        return sorted(address for one in self.taken for address in one.rcpt_tos)


@pytest.fixture
async def postmaster() -> AsyncIterator[Postmaster]:
    made = Postmaster()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def no_mails(engine: Any) -> AsyncIterator[None]:
    """The queue is empty, before and after."""
    async with transaction(engine) as connection:
        await connection.execute(delete(mails))
    yield
    async with transaction(engine) as connection:
        await connection.execute(delete(mails))


class Office:
    """The queue, and a mailer to the postmaster."""

    def __init__(self, engine: Any, clock: Any, org_id: str, postmaster: Postmaster) -> None:
        self.engine = engine
        self.clock = clock
        self.org_id = org_id
        self.postmaster = postmaster

    def server(self, **fields: Any) -> MailServer:
        server = MailServer(
            host="127.0.0.1",
            port=self.postmaster.port,
            tls="none",
            sender="Coop <coop@acme.example>",
        )
        return replace(server, **{"timeout": 10, **fields})

    def mailer(self, **fields: Any) -> Mailer:
        return Mailer(self.engine, self.server(**fields), clock=self.clock, vault=VAULT, every=0.05)

    async def put(self, *recipients: str, **fields: Any) -> None:
        now = self.clock()
        async with transaction(self.engine) as connection:
            await connection.execute(
                insert(mails).values(
                    [
                        {
                            "org_id": self.org_id,
                            "recipient": recipient,
                            "cause_id": "cause",
                            "subject": "Rule stopped: Spam – ü",
                            "plain": "It was stopped – ü.\n.\nend\n",
                            "html": "<p>It was stopped</p>",
                            "next_attempt_at": now,
                            "created_at": now,
                            **fields,
                        }
                        for recipient in recipients
                    ]
                )
            )

    async def rows(self) -> dict[str, Any]:
        async with transaction(self.engine) as connection:
            found = await connection.execute(select(mails))
            return {row.recipient: row for row in found}

    async def states(self) -> dict[str, tuple[str, int]]:
        return {name: (row.state, row.attempts) for name, row in (await self.rows()).items()}


@pytest.fixture
def office(no_mails: None, engine: Any, clock: Any, org: Any, postmaster: Postmaster) -> Office:
    return Office(engine, clock, org.org_id, postmaster)


async def poll(condition: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(mailer: Mailer) -> AsyncIterator[None]:
    task = asyncio.create_task(mailer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_mail_arrives_as_text_and_html(office: Office) -> None:
    """The server gets one whole mail, to its one recipient, with a stable Message-ID."""
    await office.put("one@acme.example")
    assert await office.mailer().deliver() is False
    (message,) = office.postmaster.messages()
    (envelope,) = office.postmaster.taken
    assert envelope.mail_from == "coop@acme.example"
    assert envelope.rcpt_tos == ["one@acme.example"]
    assert message["From"] == "Coop <coop@acme.example>"
    assert message["To"] == "one@acme.example"
    assert message["Subject"] == "Rule stopped: Spam – ü"
    assert message["Auto-Submitted"] == "auto-generated"
    row = (await office.rows())["one@acme.example"]
    assert message["Message-ID"] == f"<coop-{row.mail_id}@acme.example>"
    plain, html = message.iter_parts()
    assert plain.get_content().splitlines() == ["It was stopped – ü.", ".", "end"]
    assert html.get_content_type() == "text/html"
    assert "<p>It was stopped</p>" in html.get_content()
    assert (row.state, row.attempts, row.last_error) == ("SENT", 1, None)
    assert await office.mailer().deliver() is False
    assert len(office.postmaster.taken) == 1


async def test_a_refused_recipient_stops_no_other(office: Office) -> None:
    """5xx is the end of that mail, 4xx is tried again later, the rest arrives at once."""
    office.postmaster.refused = {
        "gone@acme.example": "550 no such mailbox",
        "full@acme.example": "452 mailbox full",
    }
    await office.put("gone@acme.example", "full@acme.example", "well@acme.example")
    await office.mailer().deliver()
    rows = await office.rows()
    assert rows["gone@acme.example"].state == "DEAD"
    assert "no such mailbox" in rows["gone@acme.example"].last_error
    assert rows["full@acme.example"].state == "PENDING"
    assert office.postmaster.recipients() == ["well@acme.example"]
    office.postmaster.refused = {}
    await office.mailer().deliver()
    assert office.postmaster.recipients() == ["well@acme.example"]
    office.clock.forward(seconds=61)
    await office.mailer().deliver()
    assert office.postmaster.recipients() == ["full@acme.example", "well@acme.example"]
    assert (await office.states())["full@acme.example"] == ("SENT", 2)


async def test_a_mail_that_is_never_taken_is_dead_in_the_end(office: Office) -> None:
    """After the last of the attempts, each after its delay, it is given up."""
    office.postmaster.data_answer = "451 later"
    await office.put("one@acme.example", created_at=office.clock())
    for delay in queue.RETRY_DELAYS:
        await office.mailer().deliver()
        assert (await office.rows())["one@acme.example"].state == "PENDING"
        office.clock.forward(seconds=delay - 30)
        await office.mailer().deliver()
        office.clock.forward(seconds=31)
    await office.mailer().deliver()
    state, attempts = (await office.states())["one@acme.example"]
    assert (state, attempts) == ("DEAD", len(queue.RETRY_DELAYS) + 1)


async def test_contents_the_server_will_not_have_are_not_tried_again(office: Office) -> None:
    """A permanent answer to the data ends the mail."""
    office.postmaster.data_answer = "554 no"
    await office.put("one@acme.example")
    await office.mailer().deliver()
    assert (await office.states())["one@acme.example"] == ("DEAD", 1)


async def test_mails_wait_for_a_server_that_is_down(office: Office) -> None:
    """While it is down no attempt is used up; when it is back everything arrives by itself."""
    await office.postmaster.stop()
    await office.put("one@acme.example", "two@acme.example")
    for _ in range(10):
        with pytest.raises(MailServerUnreachable):
            await office.mailer().deliver()
    assert set((await office.states()).values()) == {("PENDING", 0)}
    async with running(office.mailer()):
        await asyncio.sleep(0)
        await office.postmaster.start()

        async def arrived() -> bool:
            return office.postmaster.recipients() == ["one@acme.example", "two@acme.example"]

        await poll(arrived)

        async def recorded() -> bool:
            return set((await office.states()).values()) == {("SENT", 1)}

        await poll(recorded)


async def test_a_server_that_does_not_answer_is_left(office: Office) -> None:
    """A hanging server costs its timeout; only the mail under way counts an attempt."""
    office.postmaster.hang = True
    await office.put("one@acme.example", "two@acme.example")
    with pytest.raises(MailServerUnreachable):
        await office.mailer(timeout=0.5).deliver()
    assert sorted((await office.states()).values()) == [("PENDING", 0), ("PENDING", 1)]
    assert office.postmaster.connections == 1


async def test_a_connection_that_breaks_half_way_is_tried_again(office: Office) -> None:
    """Whether the server took it is not known: it is sent again, under the same Message-ID."""
    office.postmaster.drop_at = "DATA"
    await office.put("one@acme.example")
    with pytest.raises(MailServerUnreachable):
        await office.mailer().deliver()
    office.postmaster.drop_at = None
    office.clock.forward(seconds=61)
    await office.mailer().deliver()
    ids = {message["Message-ID"] for message in office.postmaster.messages()}
    assert len(office.postmaster.taken) == 2
    assert len(ids) == 1


async def test_a_mailer_that_dies_leaves_nothing_unsent(office: Office) -> None:
    """What a killed process had leased is due again when the lease is over, not before."""
    await office.put("one@acme.example")
    async with transaction(office.engine) as connection:
        assert len(await queue.take(connection, limit=9, now=office.clock())) == 1
    await office.mailer().deliver()
    assert office.postmaster.taken == []
    office.clock.forward(seconds=queue.LEASE + 1)
    await office.mailer().deliver()
    assert office.postmaster.recipients() == ["one@acme.example"]


async def test_several_mailers_send_each_mail_once(office: Office) -> None:
    """They share the queue."""
    addresses = [f"a{number:03d}@acme.example" for number in range(60)]
    await office.put(*addresses)
    await asyncio.gather(*(office.mailer().deliver() for _ in range(4)))
    while await office.mailer().deliver():
        pass
    assert office.postmaster.recipients() == addresses


async def test_old_news_is_no_news(office: Office) -> None:
    """A mail that could not leave for days is given up, without asking the server."""
    await office.put("one@acme.example")
    office.clock.forward(seconds=MAX_AGE.total_seconds() + 1)
    await office.mailer().deliver()
    assert office.postmaster.taken == []
    assert (await office.rows())["one@acme.example"].state == "DEAD"


async def test_an_address_that_is_none_ends_its_mail_only(office: Office) -> None:
    """No address can add a header or a recipient."""
    odd = "x@acme.example\r\nBcc: victim@example.org"
    await office.put(odd, "well@acme.example")
    await office.mailer().deliver()
    assert office.postmaster.recipients() == ["well@acme.example"]
    assert (await office.rows())[odd].state == "DEAD"


async def test_sent_mails_are_deleted_after_a_month(office: Office) -> None:
    """They hold addresses and names."""
    await office.put("one@acme.example", "two@acme.example")
    office.postmaster.refused = {"two@acme.example": "450 later"}
    await office.mailer().deliver()
    office.clock.forward(days=31)
    async with transaction(office.engine) as connection:
        assert await queue.prune(connection, now=office.clock()) == 1
    assert list(await office.rows()) == ["two@acme.example"]


class Authority:
    """A certificate for 127.0.0.1 that signs itself, and contexts with it."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = dt.datetime.now(dt.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self.certificate = folder / "certificate.pem"
        self.certificate.write_bytes(certificate.public_bytes(pem))
        private = folder / "key.pem"
        private.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, private)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def knows(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"coop", b"secret"))


async def test_starttls_and_login(office: Office, authority: Authority) -> None:
    """The password is shown, and the mail sent, once the connection is encrypted."""
    office.postmaster.options = {
        "tls_context": authority.context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": knows,
    }
    await office.put("one@acme.example")
    certificates = str(authority.certificate)
    with pytest.raises(MailServerUnreachable):
        await office.mailer(
            tls="starttls", certificates=certificates, user="coop", password="wrong"
        ).deliver()
    await office.mailer(
        tls="starttls", certificates=certificates, user="coop", password="secret"
    ).deliver()
    assert office.postmaster.recipients() == ["one@acme.example"]
    assert (await office.states())["one@acme.example"] == ("SENT", 1)


async def test_tls_from_the_first_byte(office: Office, authority: Authority) -> None:
    """Implicit TLS works as well."""
    await office.postmaster.stop()
    office.postmaster.ssl = authority.context
    await office.postmaster.start()
    await office.put("one@acme.example")
    await office.mailer(tls="tls", certificates=str(authority.certificate)).deliver()
    assert office.postmaster.recipients() == ["one@acme.example"]


async def test_nothing_is_sent_in_clear_or_to_a_stranger(
    office: Office, authority: Authority
) -> None:
    """A server without STARTTLS, or with a certificate nobody vouches for, gets nothing."""
    await office.put("one@acme.example")
    with pytest.raises(MailServerUnreachable):
        await office.mailer(tls="starttls").deliver()
    office.postmaster.options = {"tls_context": authority.context}
    with pytest.raises(MailServerUnreachable):
        await office.mailer(tls="starttls").deliver()
    assert office.postmaster.taken == []
    assert (await office.states())["one@acme.example"] == ("PENDING", 0)


def test_settings_say_where_mails_go() -> None:
    """No host, no mails; a host needs a sender; a password needs TLS."""
    assert Settings().mail_server is None
    server = Settings(smtp_host="mail.example", smtp_from="Coop <coop@acme.example>").mail_server
    assert server is not None
    assert (server.host, server.tls, server.port) == ("mail.example", "starttls", None)
    with pytest.raises(ValidationError, match="COOP_SMTP_FROM"):
        Settings(smtp_host="mail.example")
    with pytest.raises(ValidationError, match="without TLS"):
        Settings(
            smtp_host="mail.example", smtp_from="a@b.example", smtp_tls="none", smtp_user="coop"
        )


async def test_a_letters_link_is_in_clear_text_nowhere_but_in_the_mail(office: Office) -> None:
    """The queue holds ciphertext; the mail that leaves has the link, as text and in HTML; what is
    left of it after the mail's end is nothing."""
    link = "https://review.acme.example/signup#a-token&<b>"
    async with transaction(office.engine) as connection:
        await letter.queue(
            connection,
            VAULT,
            letter.password_reset(expires_at=office.clock()),
            letter.Envelope(
                org_id=office.org_id,
                organisation="Acme <script>\r\nBcc: all@acme.example",
                recipient="one@acme.example",
                cause_id="reset/1",
                link=link,
                at=office.clock(),
            ),
        )
    before = (await office.rows())["one@acme.example"]
    assert "a-token" not in str(before)
    await office.mailer().deliver()
    (message,) = office.postmaster.messages()
    assert message["Subject"] == "Choose a new password"
    assert message["Bcc"] is None
    plain, html = message.iter_parts()
    assert link in plain.get_content()
    assert 'href="https://review.acme.example/signup#a-token&amp;&lt;b&gt;"' in html.get_content()
    assert "<script>" not in html.get_content()
    after = (await office.rows())["one@acme.example"]
    assert (after.state, after.link) == ("SENT", None)


async def test_a_letter_of_another_key_is_dead(office: Office) -> None:
    """A link that cannot be opened is not sent as it is, and stops no other mail."""
    other = Vault([b"o" * 32]).encrypt("https://x", context="x")
    await office.put("one@acme.example", link=other)
    await office.put("two@acme.example")
    await office.mailer().deliver()
    assert office.postmaster.recipients() == ["two@acme.example"]
    row = (await office.rows())["one@acme.example"]
    assert (row.state, row.link) == ("DEAD", None)
