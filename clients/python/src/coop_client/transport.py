"""HTTP to Coop, by the standard library. Give `Coop` a `Transport` of yours for another.

Guarantees: one request, within its timeout; no redirect is followed; an answer has a limit.
Must not: try again; `Coop` does.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

_MAX_ANSWER: Final = 16_000_000  # bytes


class TransportError(Exception):
    """No answer, or none that can be read."""


class Reply(NamedTuple):
    """An answer of any status; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer. Raises TransportError."""
        ...


class HttpTransport:
    """A connection for each request: simple, and safe in threads."""

    def __init__(self, url: str, *, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("Coop's address begins with http:// or https:// and names a host")
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._timeout = timeout
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer. Raises TransportError."""
        connection = self._connection()
        try:
            connection.request(method, self._base + path, body or None, dict(headers))
            answer = connection.getresponse()
            told = answer.read(_MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            raise TransportError(type(error).__name__) from error
        finally:
            connection.close()
        if len(told) > _MAX_ANSWER:
            raise TransportError(f"the answer has more than {_MAX_ANSWER} bytes")
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, told)

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout, context=self._tls
        )
