"""The guard that every request to an address chosen by a customer passes.

    URL ─▶ form (scheme, no user, no disguised address) ─▶ resolve once ─▶ every address checked
        ─▶ connect to a checked address; TLS and Host stay with the name ─▶ answer, bounded

Guarantees: a connection goes to the very address that was checked, so that a name whose answer
changes between check and use (rebinding) gains nothing; a kept-alive connection stays where it was
checked; time (whole exchange) and size of the answer are bounded; no redirects, no proxies from the
environment, no cookies, no compressed answers (a small body cannot grow).
Must not: be bypassed: no other HTTP client is made for a URL that a customer can set.

    EgressRefused        the URL or where it leads is not allowed; another try changes nothing
    httpx.TransportError  the other side: unreachable, late, cut
    └── ResponseTooLarge  it answered with more than `max_body`
"""

from __future__ import annotations

import asyncio
import functools
import http.cookiejar
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import httpx

from coop_contracts.address import (
    Address,
    is_local_name,
    is_numeric_host,
    is_public,
    parse_address,
)
from coop_runtime.egress.allow_list import AllowList, is_host_name, normal_host
from coop_runtime.egress.connection import ResponseTooLarge
from coop_runtime.egress.post import Poster
from coop_runtime.egress.transport import EgressLimits, GuardedTransport
from coop_runtime.process.metric import EGRESS_REFUSED
from coop_runtime.process.settings import RuntimeSettings, refuse

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
RefusalReason = Literal["scheme", "user", "host", "host-header", "address"]

__all__ = [
    "EgressGuard",
    "EgressLimits",
    "EgressRefused",
    "Resolver",
    "ResponseTooLarge",
    "public_tls",
    "resolve",
]


class EgressRefused(Exception):
    """The URL, or the address it leads to, is not allowed. Another try changes nothing."""

    def __init__(self, reason: RefusalReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        EGRESS_REFUSED.labels(reason).inc()


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, in the system's order. Raises socket.gaierror."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@functools.cache
def public_tls() -> ssl.SSLContext:
    """Trusts the public authorities. One for all clients of the process: each holds 1 MiB."""
    return httpx.create_ssl_context(trust_env=False)


class _NoCookies(http.cookiejar.CookieJar):
    """Keeps nothing: one customer's cookies must not travel with another's requests.

    A policy that refuses them would do the same after parsing each answer: a sixth of the work of a
    webhook's sender.
    """

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Reads none from an answer."""

    def add_cookie_header(self, request: Any) -> None:
        """Adds none to a request."""


class EgressGuard:
    """Judges URLs and addresses, and makes HTTP clients that go nowhere else."""

    def __init__(
        self,
        allow: Sequence[str],
        *,
        resolver: Resolver = resolve,
        limits: EgressLimits | None = None,
    ) -> None:
        """`allow`: networks (`127.0.0.0/8`), addresses or exact host names. Raises ValueError."""
        self.limits = limits or EgressLimits()
        self._allow = AllowList(allow)
        self._resolver = resolver

    @classmethod
    def of(cls, settings: RuntimeSettings) -> EgressGuard:
        """The guard of `COOP_EGRESS_ALLOW`; ends the process when that is malformed."""
        try:
            return cls(settings.egress_allow)
        except ValueError as error:
            refuse(f"settings: COOP_EGRESS_ALLOW: {error}")

    def check(self, url: str | httpx.URL) -> None:
        """Refuses a URL for what can be seen without resolving its name. Raises EgressRefused.

        For the moment a URL is saved: the person who typed it learns at once.
        """
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError, ValueError):
            raise EgressRefused("host", "not a URL") from None
        if parsed.scheme not in ("http", "https"):
            raise EgressRefused("scheme", "only http and https are allowed")
        if parsed.userinfo:
            raise EgressRefused("user", "a URL must not carry a user or password")
        host = normal_host(parsed.raw_host.decode("ascii"))
        address = parse_address(host)
        if address is not None:
            self._check_address(address, host)
        elif is_numeric_host(host) or not is_host_name(host):
            raise EgressRefused("host", f"not a host name: {host!r}")
        elif is_local_name(host) and not (self._allow.has_host(host) or self._allow.may_have(host)):
            raise EgressRefused("address", f"{host} does not lead to a public address")

    def check_request(self, request: httpx.Request) -> None:
        """`check`, and that the Host header names the URL's host. Raises EgressRefused."""
        self.check(request.url)
        if request.headers.get_list("host") != [request.url.netloc.decode("ascii")]:
            raise EgressRefused("host-header", "the Host header must be the URL's host")

    def _check_address(self, address: Address, host: str) -> None:
        if not is_public(address, strictly=True) and not self._allow.has_address(address):
            # The address itself is for the operator's eyes: it maps an internal network.
            raise EgressRefused("address", f"{host} does not lead to a public address")

    async def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses a connection to `host` may use; every one the name has was checked.

        Raises EgressRefused when one is not allowed, httpx.ConnectError or ConnectTimeout when
        the name does not resolve.
        """
        name = normal_host(host)
        literal = parse_address(name)
        if literal is not None:
            self._check_address(literal, name)
            return [literal]
        if is_numeric_host(name) or not is_host_name(name):
            raise EgressRefused("host", f"not a host name: {name!r}")
        try:
            async with asyncio.timeout(self.limits.resolve_timeout):
                answers = await self._resolver(name, port)
        except TimeoutError:
            raise httpx.ConnectTimeout(f"{name}: no answer from the resolver") from None
        except (OSError, UnicodeError):
            raise httpx.ConnectError(f"{name}: the name does not resolve") from None
        found = [parse_address(answer) for answer in answers]
        addresses = [address for address in found if address is not None]
        if not addresses or len(addresses) != len(answers):
            raise httpx.ConnectError(f"{name}: the name does not resolve")
        if not self._allow.has_host(name):
            for address in addresses:
                self._check_address(address, name)
        return addresses

    def client(
        self,
        *,
        timeout: float,
        max_body: int,
        ssl_context: ssl.SSLContext | None = None,
        raw: bool = False,
    ) -> httpx.AsyncClient:
        """A client for one event loop. Close it when done; it keeps connections.

        `timeout`: seconds for a whole exchange, from the resolver to the last byte of the answer.
        `max_body`: bytes of the answer. Requests raise EgressRefused or httpx.TransportError.
        `raw`: for a caller whom the status alone concerns, and who reads no more than he wants, as
        `aiter_raw`: an announced length or a compression then is no error.
        """
        context = ssl_context or public_tls()
        return httpx.AsyncClient(
            transport=GuardedTransport(self, context, timeout, max_body, raw=raw),
            timeout=httpx.Timeout(timeout, connect=min(timeout, self.limits.connect_timeout)),
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": "Coop", "accept-encoding": "identity"},
            cookies=_NoCookies(),
        )

    def poster(
        self, *, timeout: float, max_read: int, ssl_context: ssl.SSLContext | None = None
    ) -> Poster:
        """Posts to customers' URLs, cheaply; see `egress_post`. For one event loop."""
        context = ssl_context or public_tls()
        transport = GuardedTransport(self, context, timeout, max_read, raw=True)
        return Poster(transport, timeout=timeout, max_read=max_read)
