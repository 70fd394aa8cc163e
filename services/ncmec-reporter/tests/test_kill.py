"""The process is killed (-9) at each of NCMEC's calls, before the call's effect and after it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import CybertipRequested
from coop_ncmec_reporter import attempt_store, pause_store, store
from coop_ncmec_simulator.app import Simulator
from coop_ncmec_simulator.fault import Endpoint, PlannedFault, When
from coop_runtime.database.engine import transaction

from .conftest import (
    ORG,
    PASSWORD,
    PIXELS,
    VAULT,
    Host,
    keys,
    medium,
    requested,
    schema_file,
    serving,
    settings_of,
    thread,
    user,
)

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]

WAIT = 60.0
ENDPOINTS: tuple[Endpoint, ...] = ("xsd", "submit", "upload", "fileinfo", "finish", "retract")
WHENS: tuple[When, ...] = ("before", "after")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class FilingProcess:
    """One process that files, at a time: `filing_process.py` starts it."""

    def __init__(self, starter: asyncio.subprocess.Process) -> None:
        self._starter = starter
        self._pid: int | None = None

    async def start(self, *, revision: int = 1) -> None:
        """With settings of that revision."""
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        self._starter.stdin.write(f"{revision}\n".encode())
        self._pid = int(await asyncio.wait_for(self._starter.stdout.readline(), WAIT))

    def kill(self) -> None:
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
        self._pid = None

    async def end(self) -> None:
        self.kill()
        assert self._starter.stdin is not None
        self._starter.stdin.close()
        await asyncio.wait_for(self._starter.wait(), WAIT)


@asynccontextmanager
async def filing(
    database: str, ncmec: str, evidence: Path, **settings: Any
) -> AsyncIterator[FilingProcess]:
    told = {
        "org": ORG,
        "settings": msgspec.json.encode(settings_of(**settings)).decode(),
        "keys": msgspec.json.encode(keys()).decode(),
        "database": database,
        "ncmec": f"{ncmec}/ispws",
        "folder": str(evidence),
    }
    script = Path(__file__).with_name("filing_process.py")
    pipe = asyncio.subprocess.PIPE
    process = FilingProcess(
        await asyncio.create_subprocess_exec(
            sys.executable, str(script), json.dumps(told), stdin=pipe, stdout=pipe
        )
    )
    try:
        yield process
    finally:
        await process.end()


def faults_of(endpoint: Endpoint, when: When) -> tuple[PlannedFault, ...]:
    """It hangs there, at the second file where there are several; a retraction needs a reason."""
    nth = 2 if endpoint in ("upload", "fileinfo") else 1
    hangs = PlannedFault(endpoint=endpoint, nth=nth, when=when, do="delay", seconds=WAIT)
    if endpoint != "retract":
        return (hangs,)
    return (hangs, PlannedFault(endpoint="upload", nth=2, when="after", do="drop"))


async def check(engine: AsyncEngine, simulator: Simulator, cybertip_id: str) -> None:
    """One filed report with each file once; every call of submit is of an attempt."""
    (report,) = simulator.reports.finished()[cybertip_id]
    assert len({one.md5 for one in report.files.values()}) == len(report.files) == 3
    assert all(one.described for one in report.files.values())
    submits = sum(
        one.endpoint == "submit" and one.reference == cybertip_id for one in simulator.journal
    )
    async with transaction(engine) as connection:
        tip = await store.find(connection, ORG, cybertip_id)
        assert tip is not None
        attempts = await attempt_store.attempts(connection, tip)
    # One that was killed before it had any effect is an attempt all the same.
    assert submits <= len(attempts) <= submits + 1
    assert [one.outcome for one in attempts].count("FILED") == 1
    assert all(one.outcome is not None for one in attempts)


async def test_killed_at_any_call_it_files_once(
    engine: AsyncEngine, database: str, tmp_path: Path
) -> None:
    """A report for each kill: each report is filed once, no file is in it twice, and every attempt
    that was made is known."""
    simulator, host = Simulator(users={"esp": PASSWORD}, schema=schema_file()), Host()

    async def kill_at(endpoint: Endpoint, when: When, request: CybertipRequested) -> None:
        async def is_there() -> bool:
            return any(
                one.endpoint == endpoint
                and one.fault
                and (when == "before" or one.code is not None)
                for one in simulator.journal[seen:]
            )

        async def is_done() -> bool:
            async with transaction(engine) as connection:
                tip = await store.find(connection, ORG, request.cybertip_id)
            return tip is not None and tip.state == "DONE"

        seen = len(simulator.journal)
        simulator.plan.set(faults_of(endpoint, when))
        async with transaction(engine) as connection:
            await store.add(connection, VAULT, request, now=simulator.now())
            # Each report is the first of its day.
            await connection.execute(text("DELETE FROM ncmec.served_schemas"))
        await process.start()
        await until(is_there)
        process.kill()
        simulator.plan.set(())
        # As far as it goes: what is left of it would meet what is planned for the next one.
        await process.start()
        await until(is_done)
        process.kill()

    ids: list[str] = []
    async with (
        serving(simulator) as ncmec,
        serving(host) as host.url,
        filing(database, ncmec, tmp_path / "evidence") as process,
    ):
        for number, (endpoint, when) in enumerate((e, w) for e in ENDPOINTS for w in WHENS):
            media = [
                medium(host.put(f"/{number}-{n}.png", PIXELS + bytes([number, n])), n)
                for n in range(2)
            ]
            request = requested(*media, threads=(thread("a"),), user=user(number))
            ids.append(request.cybertip_id)
            await kill_at(endpoint, when, request)
    assert sorted(simulator.reports.finished()) == sorted(ids)
    for cybertip_id in ids:
        await check(engine, simulator, cybertip_id)


async def test_killed_while_it_asks_whether_credentials_are_good_again_it_files_once(
    engine: AsyncEngine, database: str, tmp_path: Path
) -> None:
    """NCMEC refused them, settings changed, and the process dies at the question, before its answer
    is made and after it: the pause stays, the next process asks again, and both reports are filed
    once."""
    simulator, host = Simulator(users={"esp": PASSWORD}), Host()
    refused = PlannedFault(endpoint="submit", nth=1, do="unauthorized")

    async def paused() -> bool:
        async with transaction(engine) as connection:
            return bool(await pause_store.pauses(connection))

    ids: list[str] = []
    async with (
        serving(simulator) as ncmec,
        serving(host) as host.url,
        filing(database, ncmec, tmp_path / "evidence") as process,
    ):
        for number, when in enumerate(WHENS):
            media = [
                medium(host.put(f"/{number}-{n}.png", PIXELS + bytes([number, n])), n)
                for n in range(2)
            ]
            request = requested(*media, threads=(thread("a"),), user=user(number))
            ids.append(request.cybertip_id)
            seen = len(simulator.journal)
            hangs = PlannedFault(endpoint="status", nth=1, when=when, do="delay", seconds=WAIT)
            simulator.plan.set((refused, hangs))
            async with transaction(engine) as connection:
                await store.add(connection, VAULT, request, now=simulator.now())
            await process.start(revision=2 * number + 1)
            await until(paused)
            process.kill()
            await process.start(revision=2 * number + 2)

            async def is_asked(seen: int = seen) -> bool:
                return any(one.endpoint == "status" for one in simulator.journal[seen:])

            async def is_done(cybertip_id: str = request.cybertip_id) -> bool:
                async with transaction(engine) as connection:
                    tip = await store.find(connection, ORG, cybertip_id)
                return tip is not None and tip.state == "DONE"

            await until(is_asked)
            process.kill()
            assert await paused()
            simulator.plan.set(())
            await process.start(revision=2 * number + 2)
            await until(is_done)
            process.kill()
            assert not await paused()
    assert sorted(simulator.reports.finished()) == sorted(ids)
    for cybertip_id in ids:
        await check(engine, simulator, cybertip_id)
