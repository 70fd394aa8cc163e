"""A role of a service as its own tests run it: a process on the real engines.

    with RoleProcess("coop_routing", "router", environment) as process:
        process.start()                      # until it is ready
        process.end(signal.SIGKILL)          # and again: process.start()

Guarantees: nothing of it outlives the `with`.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from coop_contracts.config import SYSTEM_ORG, Document, Kind, LogHead
from coop_contracts.event import ConfigChanged
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer

_READY_SECONDS = 90.0
_END_SECONDS = 60.0


def free_port() -> int:
    """One on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RoleProcess:
    """`python -m MODULE ROLE`, with the environment of the tests but for Coop's settings.

    `port_setting` is the variable of the port that it serves on, which is then `port`.
    """

    def __init__(
        self,
        module: str,
        role: str,
        environment: Mapping[str, str],
        *,
        port_setting: str | None = None,
    ) -> None:
        self.port, self._internal = free_port(), free_port()
        self._command = [sys.executable, "-m", module, role]
        kept = {name: value for name, value in os.environ.items() if "COOP_" not in name}
        self._environment = kept | dict(environment)
        self._environment["COOP_INTERNAL_PORT"] = str(self._internal)
        if port_setting:
            self._environment[port_setting] = str(self.port)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def start(self, **more: str) -> None:
        """Until it is ready. `more` is of its environment."""
        self._process = subprocess.Popen(self._command, env=self._environment | more)
        until = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, f"it ended with {self._process.returncode}"
            assert time.monotonic() < until, "it is not ready"
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._internal}/readyz", timeout=2):
                return True
        except OSError:
            return False

    def peak(self) -> float:
        """The most MiB that were ever resident of it, by the kernel's own count (VmHWM)."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024

    def end(self, how: signal.Signals) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(_END_SECONDS)


async def configure(
    producer: Producer, org_id: str, *documents: tuple[Kind, Document], first: int = 1
) -> None:
    """The documents of an organisation on the configuration topic, revisions from `first` on, and
    that the topic is whole."""
    now = datetime.now(UTC)
    entries = [(org_id, kind, document) for kind, document in documents]
    entries.append((SYSTEM_ORG, Kind.LOG_HEAD, LogHead(id="head", published_at=now)))
    messages = [
        message_of(
            ConfigChanged(
                event_id=str(uuid.uuid4()),
                org_id=org,
                time=now,
                correlation_id="config",
                revision=revision,
                kind=kind,
                id=document.id,
                document=msgspec.Raw(msgspec.json.encode(document)),
            ),
            key=f"{org}/{kind}/{document.id}",
        )
        for revision, (org, kind, document) in enumerate(entries, first)
    ]
    await producer.publish(messages, timeout=30)
