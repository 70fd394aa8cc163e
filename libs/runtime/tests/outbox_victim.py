"""A relay in a process of its own, for the tests to kill: `outbox_victim.py URL MODE`.

MODE `die` kills the process with SIGKILL after the publish and before the delete; MODE `hang`
acknowledges nothing. Both write what they publish to stderr.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from sqlalchemy import MetaData

from coop_runtime.database.engine import engine_of
from coop_runtime.database.outbox import Relay, outbox_table
from coop_runtime.kafka.message import Message


class Publisher:
    def __init__(self, mode: str) -> None:
        self._mode = mode

    async def publish(self, messages: Sequence[Message], *, timeout: float) -> None:  # noqa: ASYNC109 - the producer's
        for message in messages:
            sys.stderr.write(message.value.decode() + "\n")
        sys.stderr.flush()
        if self._mode == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()


async def main() -> None:
    engine = engine_of(sys.argv[1], application_name="victim")
    publisher = Publisher(sys.argv[2])
    # A relay only publishes, and this is all of a producer that it needs.
    await Relay(engine, outbox_table(MetaData(), "review"), publisher).run()  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main())
