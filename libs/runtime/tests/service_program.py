"""A small service in a process of its own: `service_program.py MODE`.

It prints its public and internal ports as log fields; modes make it fail in the ways a service can.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from coop_runtime.process import log, telemetry
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service
from coop_runtime.process.settings import RuntimeSettings

MODE = sys.argv[1]
_log = log.logger("program")


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        message = await receive()
        if MODE == "lifespan-fails":
            await send({"type": "lifespan.startup.failed", "message": "no"})
            return
        await send({"type": "lifespan.startup.complete"})
        message = await receive()
        assert message["type"] == "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/slow":
        _log.info("slow request began")
        await asyncio.sleep(0.7)
    if scope["path"] == "/stuck":
        _log.info("stuck request began")
        await asyncio.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def forever() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        _log.info("task cleaned up")


async def fails() -> None:
    await asyncio.sleep(0.1)
    with telemetry.attached({"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}):
        _log.info("about to fail", api_key="hunter2")
    raise RuntimeError("task broke")


async def ends() -> None:
    await asyncio.sleep(0.1)


async def stubborn() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            _log.info("refuses to stop")


async def deaf() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        _log.info("lost a cancellation")
    await forever()


class Steps:
    """A consumer that comes after two waits; its life in log lines."""

    async def first(self, seconds: float) -> None:
        _log.info("waited", what="first", whole=seconds == 3600)

    async def second(self, seconds: float) -> None:
        if MODE == "wait-fails":
            raise TimeoutError
        _log.info("waited", what="second", whole=seconds == 3600)

    async def run(self) -> None:
        _log.info("consumes")
        await forever()

    def ready(self) -> bool:
        return MODE == "consumes"


def hook(name: str, *, error: bool = False, hang: bool = False) -> Any:
    async def run() -> None:
        _log.info("hook", name=name)
        if error:
            raise RuntimeError(name)
        if hang:
            await asyncio.Event().wait()

    return run


def main() -> int:
    settings = RuntimeSettings(
        internal_port=int(os.environ.get("INTERNAL_PORT", "0")),
        stop_timeout=float(os.environ.get("STOP_TIMEOUT", "5")),
        drain_delay=float(os.environ.get("DRAIN_DELAY", "0")),
    )
    service = Service("program", settings)
    service.add_start(hook("start-1"))
    service.add_start(hook("start-2", error=MODE == "start-fails", hang=MODE == "start-hangs"))
    service.add_stop(hook("stop-1"))
    service.add_stop(hook("stop-2", error=MODE == "stop-fails", hang=MODE == "stop-hangs"))
    service.add_readiness("always", lambda: True)
    if MODE == "unready":
        service.add_readiness("broken", _broken)
        service.add_readiness("never", _never)
    if MODE in ("consumes", "wait-fails"):
        steps = Steps()
        service.consume("messages", steps, after=(steps.first, steps.second))
    tasks = {"task-fails": fails, "task-ends": ends, "stubborn": stubborn, "deaf": deaf}
    service.add_task("work", tasks.get(MODE, forever))
    service.serve(measured(app), "127.0.0.1", int(os.environ.get("PUBLIC_PORT", "0")))
    return service.run()


def _broken() -> bool:
    raise RuntimeError("cannot tell")


async def _never() -> bool:
    await asyncio.Event().wait()
    return True


if __name__ == "__main__":
    sys.exit(main())
