"""An HTTP server inside a service's event loop: uvicorn with limits, without its own signals.

Guarantees: the port is bound before anything starts, so that a taken port is an error and not a
half-started service; a request's head is bounded in size, its arrival in time, so that slow or
endless requests cost nothing; stopping lets running requests finish within a deadline.
Must not: install signal handlers, write access logs, or name the server in its answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """How long an idle connection is kept, and a request's head and body may be arriving, in
    seconds; how many bytes a head, URL and headers together, may have."""

    keep_alive: int = 5
    head_timeout: float = 10.0
    head_size: int = 32 * 1024
    body_timeout: float = 60.0
    backlog: int = 1024


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
            http=partial(_LimitedProtocol, limits=self._limits),  # type: ignore[arg-type]
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


class _LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on how long, and how large, a request may be arriving.

    Most requests arrive in one piece and never see a timer.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _arriving = False
    _head_size = 0

    def __init__(self, *arguments: Any, limits: ServerLimits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm(self._limits.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._arriving and not self.transport.is_closing():
            if self._in_head:
                self._head_size += len(data)
                if self._head_size > self._limits.head_size:
                    self._refuse(431)
                    return
            if self._timer is None:
                limits = self._limits
                self._arm(limits.head_timeout if self._in_head else limits.body_timeout)

    def on_message_begin(self) -> None:
        self._arriving = self._in_head = True
        self._head_size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arriving = False
        self._disarm()
        super().on_message_complete()

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
            phrase = http.HTTPStatus(status).phrase
            head = f"HTTP/1.1 {status} {phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write(head.encode())
        self.transport.close()
