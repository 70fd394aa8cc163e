"""NCMEC's interface, asked by name and password.

    NcmecFault
    ├── Uncertain       no answer that can be read, or one that a gateway or a fault made: whatever
    │                   was asked may have happened
    ├── Unauthorized    not with these credentials: 401, codes 2xxx and 3xxx
    └── Refused         a code that says why not: 4xxx, 5xxx

Guarantees: a success is HTTP 200, code 0, and what was asked for; a file is sent from where it is,
never whole in memory; the balancer's cookie is kept for the calls of one report; no redirect is
followed. Nobody at NCMEC is asked unless the operator said so (`outside`).
Must not: put a password, or what a document says, into an error or a log.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from lxml import etree
from msgspec import Struct

from coop_ncmec_reporter.fingerprint import fingerprint
from coop_runtime.egress.guard import public_tls

_SECONDS: Final = 60.0
_SCHEMA_SECONDS: Final = 10.0  # a report waits for it
_BYTES_A_SECOND: Final = 1_000_000  # what an upload may take: so slow, at least
_MOST_ANSWER: Final = 5_000_000
_XML: Final = {"content-type": "text/xml; charset=utf-8"}
_NCMEC: Final = ("cybertip.org", "missingkids.org", "ncmec.org")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class NcmecFault(Exception):
    """A call without its success. `status` and `code` as far as there were any."""

    def __init__(
        self, text: str, *, status: int | None = None, code: int | None = None, request_id: str = ""
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.request_id = request_id


class Uncertain(NcmecFault):
    """It may have happened, or not."""


class Unauthorized(NcmecFault):
    """Not with these credentials. It may have happened all the same: who can, asks."""


class Refused(NcmecFault):
    """It did not happen, and the code says why."""


class NcmecAnswer(Struct, frozen=True, kw_only=True):
    """A success. `body` is what was answered, byte for byte."""

    status: int
    request_id: str
    body: bytes
    report_id: int | None = None
    file_id: str | None = None
    hash: str | None = None
    files: tuple[str, ...] = ()


def check_address(url: str, *, outside: bool) -> None:
    """Raises ValueError for an address that reports may not be filed to: NCMEC's own without the
    operator's word, anything but HTTPS beyond this machine."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("not a URL")
    if any(host == name or host.endswith(f".{name}") for name in _NCMEC) and not outside:
        raise ValueError("NCMEC is asked only where COOP_NCMEC_OUTSIDE is true")
    if host not in _LOOPBACK:
        if not outside:
            raise ValueError("another machine is asked only where COOP_NCMEC_OUTSIDE is true")
        if parts.scheme != "https":
            raise ValueError("only HTTPS goes to another machine")


class NcmecClient:
    """One ESP's, for one report. Close it at the end."""

    def __init__(
        self, url: str, *, username: str, password: str, outside: bool, seconds: float = _SECONDS
    ) -> None:
        """Raises ValueError, see `check_address`."""
        check_address(url, outside=outside)
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            base_url=self.url + "/",
            auth=httpx.BasicAuth(username, password),
            verify=public_tls(),
            timeout=seconds,
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": "Coop"},
        )

    async def aclose(self) -> None:
        """Closes its connection."""
        await self._client.aclose()

    async def status(self) -> NcmecAnswer:
        """Whether the credentials are good."""
        return await self._ask(self._client.build_request("GET", "status"))

    async def schema(self) -> NcmecAnswer:
        """The schema of documents: `body`. It has a few seconds, whole."""
        request = self._client.build_request("GET", "xsd")
        try:
            async with asyncio.timeout(min(self._seconds, _SCHEMA_SECONDS)):
                answer, body = await self._sent(request)
        except TimeoutError:
            raise Uncertain("no whole answer in time") from None
        if answer.status_code == 200 and _is_schema(body):
            return NcmecAnswer(status=200, request_id=_request_id(answer), body=body)
        told = _read(answer, body)
        raise Uncertain("no schema", status=told.status, request_id=told.request_id)

    async def submit(self, document: bytes) -> NcmecAnswer:
        """Open a report: `report_id`."""
        request = self._client.build_request("POST", "submit", content=document, headers=_XML)
        return _with(await self._ask(request), "report_id")

    async def upload(
        self, report_id: int, *, name: str, size: int, content: AsyncIterator[bytes]
    ) -> NcmecAnswer:
        """Send a file: `file_id`, and the MD5 of what arrived as `hash`."""
        boundary = secrets.token_hex(16)
        filename = quote(name, safe=" ()[]-_.,+=@~!") or "file"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{report_id}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"'
            "\r\nContent-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()

        async def body() -> AsyncIterator[bytes]:
            yield head
            async for part in content:
                yield part
            yield tail

        seconds = self._seconds + size / _BYTES_A_SECOND
        request = self._client.build_request(
            "POST",
            "upload",
            content=body(),
            headers={
                "content-type": f"multipart/form-data; boundary={boundary}",
                "content-length": str(len(head) + size + len(tail)),
            },
            timeout=httpx.Timeout(seconds, connect=self._seconds),
        )
        return _with(await self._ask(request), "file_id")

    async def describe(self, document: bytes) -> NcmecAnswer:
        """Say what a file is."""
        request = self._client.build_request("POST", "fileinfo", content=document, headers=_XML)
        return await self._ask(request)

    async def finish(self, report_id: int) -> NcmecAnswer:
        """File it: `body` is the receipt."""
        return _with(await self._ask(self._form("finish", report_id)), "report_id")

    async def retract(self, report_id: int) -> NcmecAnswer:
        """Give it up."""
        return await self._ask(self._form("retract", report_id))

    def _form(self, endpoint: str, report_id: int) -> httpx.Request:
        # As documented: multipart, without a filename.
        return self._client.build_request("POST", endpoint, files={"id": (None, str(report_id))})

    async def _ask(self, request: httpx.Request) -> NcmecAnswer:
        return _read(*await self._sent(request))

    async def _sent(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        try:
            answer = await self._client.send(request, stream=True)
            try:
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _MOST_ANSWER:
                        raise Uncertain("the answer has no end", status=answer.status_code)
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            raise Uncertain(f"no answer ({type(error).__name__})") from None
        return answer, bytes(body)


def _request_id(answer: httpx.Response) -> str:
    return str(answer.headers.get("request-id", ""))[:100]


def _is_schema(body: bytes) -> bool:
    try:
        fingerprint(body)
    except ValueError:
        return False
    return True


def _read(answer: httpx.Response, body: bytes) -> NcmecAnswer:
    status, request_id = answer.status_code, _request_id(answer)
    told: dict[str, Any] = {"status": status, "request_id": request_id}
    root = _parsed(body)
    text = None if root is None else root.findtext("responseCode")
    if root is None or text is None or not text.strip().lstrip("-").isdecimal():
        if status in (401, 403):
            raise Unauthorized("the credentials were refused", **told)
        raise Uncertain(f"an answer that cannot be read (HTTP {status})", **told)
    code = int(text)
    if status == 401 or code // 1000 in (2, 3):
        raise Unauthorized("the credentials were refused", code=code, **told)
    if code // 1000 in (4, 5):
        raise Refused(_reason(code, root), code=code, **told)
    if code != 0 or status != 200:
        raise Uncertain(f"code {code} (HTTP {status})", code=code, **told)
    number = (root.findtext("reportId") or "").strip()
    return NcmecAnswer(
        status=status,
        request_id=request_id,
        body=body,
        report_id=int(number) if number.isdecimal() else None,
        file_id=(root.findtext("fileId") or "").strip() or None,
        hash=(root.findtext("hash") or "").strip().lower() or None,
        files=tuple((one.text or "").strip() for one in root.findall("files/fileId")),
    )


def _parsed(body: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root if root.tag in ("reportResponse", "reportDoneResponse") else None


def _reason(code: int, root: etree._Element) -> str:
    # The first line is the code's own text; what follows may quote the document.
    text = (root.findtext("responseDescription") or "").strip()
    return f"code {code}: {text.splitlines()[0][:100]}" if text else f"code {code}"


def _with(answer: NcmecAnswer, name: str) -> NcmecAnswer:
    if getattr(answer, name) is None:
        raise Uncertain(
            f"a success without its {name}", status=answer.status, request_id=answer.request_id
        )
    return answer
