"""The stand-in as an ASGI application: `/ispws/…` as NCMEC's, `/_sim/…` for who watches it.

    GET  /_sim/journal     every call        POST /_sim/plan     faults, a list
    GET  /_sim/reports     every report      POST /_sim/clock    {"advance": seconds}

Guarantees: calls of one report may meet either of two servers, whose clocks differ, unless the
balancer's cookie is sent back.
Must not: be served to another machine: it has no secrets.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from lxml import etree

from coop_ncmec_simulator.answer import Manner, Refusal, Told, refused, status_of
from coop_ncmec_simulator.document import Documents
from coop_ncmec_simulator.fault import Plan, PlannedFault
from coop_ncmec_simulator.form import read_form
from coop_ncmec_simulator.report import Reports, SubmittedReport
from coop_runtime.process.asgi import Receive, Scope, Send

CLOCKS: Final = (timedelta(0), timedelta(seconds=-19))
"""How far the two servers' clocks are off."""

_COOKIE: Final = "balancer"
_REFERENCE: Final = re.compile(r"reference: ([0-9a-f-]{36})")
_MOST_DOCUMENT: Final = 20_000_000
_METHODS: Final = {"status": "GET", "xsd": "GET"}
_ENDPOINTS: Final = ("status", "xsd", "submit", "upload", "fileinfo", "finish", "retract")
_HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
_REALM: Final = (b"www-authenticate", b'Basic realm="ESP Web Services"')


class JournalEntry(msgspec.Struct, kw_only=True, rename="camel"):
    """One call: what it was about, what it was answered, and whether it had an effect."""

    number: int
    at: datetime
    endpoint: str
    user: str = ""
    server: int = 0
    report_id: int | None = None
    reference: str = ""
    file_id: str | None = None
    size: int | None = None
    code: int | None = None
    effect: bool = False
    fault: str | None = None


class _SenderGone(Exception):
    """Before all of it was read: the call has no effect, and nobody waits for an answer."""


class Simulator:
    """One stand-in. `users`: passwords by name."""

    def __init__(
        self,
        *,
        users: Mapping[str, str],
        schema: Path | None = None,
        strict: bool = True,
        manner: Manner = "modern",
        describe_again: bool = False,
        replication: float = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.users = dict(users)
        self.reports = Reports(describe_again=describe_again, replication=replication)
        self.plan = Plan()
        self.journal: list[JournalEntry] = []
        self._documents = Documents(schema, strict=strict)
        self._manner: Manner = manner
        self._clock = clock
        self._ahead = timedelta(0)
        self._turn = 0

    def now(self) -> datetime:
        """The true time here."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Time goes by."""
        self._ahead += timedelta(seconds=seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = str(scope["path"])
        if path.startswith("/_sim/"):
            await self._watched(scope, receive, send, path.removeprefix("/_sim/"))
            return
        endpoint = path.removeprefix("/ispws/")
        if endpoint not in _ENDPOINTS or scope["method"] != _METHODS.get(endpoint, "POST"):
            await _send(send, 404, b"", [])
            return
        with contextlib.suppress(_SenderGone):
            await _Call(self, endpoint, scope, receive, send).run()

    def server_of(self, scope: Scope) -> int:
        """Where the balancer leads this call."""
        sent = _header(scope, b"cookie")
        found = re.search(rf"{_COOKIE}=([01])", sent)
        if found is not None:
            return int(found[1])
        self._turn += 1
        return self._turn % len(CLOCKS)

    @property
    def documents(self) -> Documents:
        """How documents are read."""
        return self._documents

    def status(self, code: int) -> int:
        """The HTTP status of a code."""
        return status_of(code, self._manner)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, what: str) -> None:
        told: Any
        match (scope["method"], what):
            case ("GET", "journal"):
                told = self.journal
            case ("GET", "reports"):
                told = list(self.reports.all.values())
            case ("POST", "plan"):
                sent = await _whole(_body(receive), 1_000_000)
                try:
                    self.plan.set(msgspec.json.decode(sent, type=tuple[PlannedFault, ...]))
                except msgspec.MsgspecError as error:
                    await _send(send, 422, str(error).encode(), [])
                    return
                told = {}
            case ("POST", "clock"):
                sent = await _whole(_body(receive), 1_000)
                self.advance(float(msgspec.json.decode(sent)["advance"]))
                told = {"now": self.now()}
            case _:
                await _send(send, 404, b"", [])
                return
        await _send(send, 200, msgspec.json.encode(told), [(b"content-type", b"application/json")])


class _Call:
    """One call of the interface."""

    def __init__(
        self, simulator: Simulator, endpoint: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._simulator = simulator
        self._endpoint = endpoint
        self._scope = scope
        self._receive = receive
        self._send = send
        self._server = simulator.server_of(scope)
        self._entry = JournalEntry(
            number=len(simulator.journal) + 1,
            at=simulator.now(),
            endpoint=endpoint,
            server=self._server,
        )
        simulator.journal.append(self._entry)

    @property
    def _now(self) -> datetime:
        return self._simulator.now() + CLOCKS[self._server]

    async def run(self) -> None:
        fault = self._simulator.plan.next(self._endpoint)
        self._entry.fault = None if fault is None else f"{fault.do} {fault.when}"
        if fault is not None and fault.when == "before":
            # What is sent is read, or the sender would see the end of the connection instead.
            if fault.do not in ("delay", "expire"):
                async for _ in _body(self._receive):
                    pass
            if await self._spoil(fault, b"", 200):
                return
        told, extra = await self._told()
        self._entry.code = told.code if isinstance(told, Told) else 0
        body = told.xml() if isinstance(told, Told) else told
        status = self._simulator.status(self._entry.code)
        if status == 401:
            body = b""
        if fault is not None and fault.when == "after" and await self._spoil(fault, body, status):
            return
        await self._answer(status, body, extra)

    async def _told(self) -> tuple[Told | bytes, list[tuple[bytes, bytes]]]:
        user = _user(self._scope)
        self._entry.user = user[0]
        known = self._simulator.users.get(user[0])
        if known is None or not secrets.compare_digest(known.encode(), user[1].encode()):
            return refused(Refusal(2000)), [_REALM]
        try:
            return await getattr(self, f"_{self._endpoint}")(), []
        except Refusal as refusal:
            return refused(refusal), []

    async def _spoil(self, fault: PlannedFault, body: bytes, status: int) -> bool:
        """Do what is planned; whether that was the answer."""
        match fault.do:
            case "delay":
                await asyncio.sleep(fault.seconds)
                return False
            case "expire":
                for report in list(self._simulator.reports.all):
                    self._simulator.reports.expire(report)
                return False
            case "drop":
                _cut(self._receive)
                return True
            case "truncate":
                whole = body or Told(report_id=1).xml()
                await self._answer(status, whole[: len(whole) // 2], [])
            case "wrong-hash":
                wrong = re.sub(rb"<hash>[^<]*", b"<hash>" + b"0" * 32, body)
                await self._answer(status, wrong, [])
            case "html":
                await self._answer(502, _HTML, [], content_type=b"text/html")
            case "unauthorized":
                await self._answer(401, fault.body.encode(), [_REALM])
            case "status":
                await self._answer(fault.status, fault.body.encode(), [])
            case "code":
                said = refused(Refusal(fault.code)).xml()
                await self._answer(self._simulator.status(fault.code), said, [])
        return True

    async def _answer(
        self,
        status: int,
        body: bytes,
        extra: list[tuple[bytes, bytes]],
        *,
        content_type: bytes = b"application/xml;charset=ISO-8859-1",
    ) -> None:
        now = format_datetime(self._now.astimezone(UTC), usegmt=True)
        headers = [
            (b"content-type", content_type),
            (b"date", now.encode()),
            (b"request-id", f"sim-{self._entry.number}".encode()),
            (b"set-cookie", f"{_COOKIE}={self._server}; path=/".encode()),
            *extra,
        ]
        await _send(self._send, status, body, headers)

    # The endpoints.

    async def _status(self) -> Told:
        return Told(text=f"Remote User : {self._entry.user}, Remote Ip : 127.0.0.1")

    async def _xsd(self) -> bytes:
        if not self._simulator.documents.text:
            raise Refusal(1210)
        return self._simulator.documents.text

    async def _submit(self) -> Told:
        document = await self._document("report")
        text = etree.tostring(document, encoding="unicode")
        found = _REFERENCE.search("".join(document.xpath("additionalInfo/text()")))
        report = self._simulator.reports.open(
            self._entry.user,
            text,
            found[1] if found else "",
            now=self._simulator.now(),
            server=self._server,
        )
        self._effect(report)
        return Told(report_id=report.report_id)

    async def _upload(self) -> Told:
        form = await read_form(_header(self._scope, b"content-type"), _body(self._receive))
        report = self._report(form.fields.get("id"))
        if form.file is None:
            raise Refusal(4200)
        file = self._simulator.reports.add(
            report, form.file.name, form.file.size, form.file.md5, now=self._simulator.now()
        )
        self._effect(report, file.file_id)
        self._entry.size = file.size
        return Told(report_id=report.report_id, file_id=file.file_id, hash=file.md5)

    async def _fileinfo(self) -> Told:
        document = await self._document("fileDetails")
        report = self._report(document.findtext("reportId"))
        file = self._simulator.reports.describe(
            report,
            document.findtext("fileId") or "",
            etree.tostring(document, encoding="unicode"),
            now=self._simulator.now(),
        )
        self._effect(report, file.file_id)
        return Told(report_id=report.report_id)

    async def _finish(self) -> Told:
        report = await self._by_form()
        report.state = "FINISHED"
        self._effect(report)
        return Told(report_id=report.report_id, files=list(report.files))

    async def _retract(self) -> Told:
        report = await self._by_form()
        report.state = "RETRACTED"
        self._effect(report)
        return Told(report_id=report.report_id)

    async def _by_form(self) -> SubmittedReport:
        form = await read_form(_header(self._scope, b"content-type"), _body(self._receive))
        return self._report(form.fields.get("id"))

    async def _document(self, root: str) -> etree._Element:
        if not _header(self._scope, b"content-type").startswith("text/xml"):
            raise Refusal(4000)
        body = await _whole(_body(self._receive), _MOST_DOCUMENT)
        return self._simulator.documents.read(body, root, now=self._now)

    def _report(self, number: str | None) -> SubmittedReport:
        if number is None or not number.isdecimal():
            raise Refusal(4000, "id")
        self._entry.report_id = int(number)
        return self._simulator.reports.find(
            int(number), self._entry.user, now=self._simulator.now(), server=self._server
        )

    def _effect(self, report: SubmittedReport, file_id: str | None = None) -> None:
        self._entry.effect = True
        self._entry.report_id = report.report_id
        self._entry.reference = report.reference
        self._entry.file_id = file_id


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if found else ""


def _user(scope: Scope) -> tuple[str, str]:
    scheme, _, rest = _header(scope, b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _SenderGone
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _whole(body: AsyncIterator[bytes], most: int) -> bytes:
    found = bytearray()
    async for part in body:
        found += part
        if len(found) > most:
            raise Refusal(4000, "the document is too large")
    return bytes(found)


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def _cut(receive: Receive) -> None:
    """The connection ends without a byte: by the server's own transport, where it has one."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("cut by plan")
    transport.abort()
