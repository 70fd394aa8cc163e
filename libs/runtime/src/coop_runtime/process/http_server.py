"""An HTTP server inside a service's event loop: uvicorn with limits, without its own signals.

Guarantees: the port is bound before anything starts, so that a taken port is an error and not a
half-started service; a request's head is bounded in size, its arrival in time, so that slow or
endless requests cost nothing; connections are bounded in number, and those that wait without a
request make room for new ones, the longest wait first; stopping lets running requests finish within
a deadline. A head that two readers could understand differently is refused (RFC 9112): framing,
Host, version, Expect; a refusal has a problem body (RFC 9457). What comes behind a chunked body
(trailers) is read and left out: it is no part of the head.
Must not: install signal handlers, write access logs, or name the server in its answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import resource
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from coop_runtime.process.http_head import head_fault


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """How long an idle connection is kept, and a request's head and body may be arriving, in
    seconds; how many bytes a head, URL and headers together, may have; how many connections there
    may be, within three quarters of the files that the process may open."""

    keep_alive: int = 5
    head_timeout: float = 10.0
    head_size: int = 32 * 1024
    body_timeout: float = 60.0
    backlog: int = 1024
    connections: int = 8192

    def most_connections(self) -> int:
        """As many as the process can have."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(1, min(self.connections, files * 3 // 4))


class HttpServer:
    """One listening port. `start` binds, `run` serves until `stop`."""

    def __init__(
        self, app: Any, host: str, port: int, *, limits: ServerLimits = ServerLimits()
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._limits = limits
        self._socket: socket.socket | None = None
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port bound; of use when 0 was asked for."""
        return int(self._socket.getsockname()[1]) if self._socket else self._port

    @property
    def started(self) -> bool:
        """True once connections are accepted."""
        return self._server is not None and self._server.started

    def bind(self) -> None:
        """Takes the port. Raises OSError with the address in its text when it is not free."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
        except OSError as error:
            bound.close()
            raise OSError(error.errno, f"{self._host}:{self._port}: {error.strerror}") from None
        bound.setblocking(False)
        self._socket = bound

    async def run(self) -> None:
        """Serves until `stop`; returns when the last request is answered. Needs `bind` first."""
        if self._socket is None:
            raise RuntimeError("bind first")
        config = uvicorn.Config(
            self._app,
            http=partial(  # type: ignore[arg-type]
                _LimitedProtocol,
                limits=self._limits,
                crowd=_Crowd(self._limits.most_connections()),
            ),
            ws="none",
            loop="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=self._limits.keep_alive,
            limit_concurrency=None,
            backlog=self._limits.backlog,
            lifespan="auto",
        )
        self._server = _Server(config)
        try:
            await self._server.serve(sockets=[self._socket])
        except SystemExit as error:
            # uvicorn's way to say that the application's start-up failed; its log tells why.
            raise RuntimeError("the HTTP application failed to start") from error
        finally:
            self.close()

    def stop(self, timeout: float) -> None:
        """Stops accepting; running requests have `timeout` seconds, then are cut."""
        if self._server is not None:
            self._server.config.timeout_graceful_shutdown = max(1, round(timeout))
            self._server.should_exit = True

    def close(self) -> None:
        """Gives the port back, when `run` was never reached."""
        if self._socket is not None:
            self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the service's


class _Crowd:
    """The connections of one server; `waiting` are those without a request, the longest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.waiting: dict[_LimitedProtocol, None] = {}

    def longest(self, but: _LimitedProtocol) -> _LimitedProtocol | None:
        """Whoever has waited longest."""
        return next((one for one in self.waiting if one is not but), None)


class _HeadRefused(Exception):
    """The head cannot be accepted; raised through the parser, which then stops."""


class _LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, stricter about heads, with limits on how long, and how large, a request
    may be arriving.

    Most requests arrive in one piece and never see a timer.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _arriving = False
    _arrived = 0  # bytes of the head, as they came
    _head_size = 0  # bytes of the head, as they were read
    _beside = 0  # bytes since the last part of the body: framing, extensions, trailers
    _status = 400  # of the refusal

    def __init__(self, *arguments: Any, limits: ServerLimits, crowd: _Crowd, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._crowd = crowd

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._crowd.waiting[self] = None
        if len(self.connections) > self._crowd.most:
            (self._crowd.longest(but=self) or self).make_room()
        self._arm(self._limits.head_timeout)

    def make_room(self) -> None:
        """Another connection needs the place."""
        self._crowd.waiting.pop(self, None)
        self.connections.discard(self)  # its transport may close a little later
        self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._crowd.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._beside += len(data)
        super().data_received(data)
        if not self._arriving or self.transport.is_closing():
            return
        limits = self._limits
        if self._in_head:
            self._arrived += len(data)
            if self._arrived > limits.head_size:
                self._refuse(431)
                return
        elif self._beside > limits.head_size:
            self._refuse(431)
            return
        if self._timer is None:
            self._arm(limits.head_timeout if self._in_head else limits.body_timeout)

    def on_message_begin(self) -> None:
        self._arriving = self._in_head = True
        self._arrived = self._head_size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        self._grow(len(name) + len(value) + 4)  # with the colon, a blank and the line's end
        name = name.lower()
        if name == b"expect":
            self.expect_100_continue = True  # it can be nothing else, see `http_head`
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = head_fault(self.parser.get_http_version(), self.headers)
        if status is not None:
            self._give_up(status)
        self._in_head = False
        self._beside = 0
        self._disarm()
        self._crowd.waiting.pop(self, None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._arriving = False
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if (
            not self.transport.is_closing()
            and self.cycle is not None
            and self.cycle.response_complete
        ):
            self._crowd.waiting[self] = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        self._refuse(self._status)

    def _grow(self, count: int) -> None:
        self._head_size += count
        if self._head_size > self._limits.head_size:
            self._give_up(431)

    def _give_up(self, status: int) -> NoReturn:
        self._status = status
        raise _HeadRefused

    def _arm(self, timeout: float) -> None:
        self._timer = self.loop.call_later(timeout, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._arriving and self._in_head:
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        self._disarm()
        busy = self.cycle is not None and not self.cycle.response_complete
        if not busy:  # another answer must not be cut in two
            self.transport.write(_refusal(status))
        self.transport.close()


def _refusal(status: int) -> bytes:
    """The whole answer, with a problem body (RFC 9457)."""
    phrase = http.HTTPStatus(status).phrase
    kind = phrase.lower().replace(" ", "-")
    problem = {"type": f"/problems/{kind}", "title": phrase, "status": status}
    body = json.dumps(problem, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n"
        "connection: close\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
