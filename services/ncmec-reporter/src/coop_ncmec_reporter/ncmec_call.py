"""Calls of NCMEC's interface for a report: each is measured and written down.

Guarantees: whatever came back has its row, without its bodies.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter import attempt_store, metric
from coop_ncmec_reporter.filer import Clock
from coop_ncmec_reporter.ncmec import NcmecAnswer, NcmecFault, Refused, Unauthorized, Uncertain
from coop_ncmec_reporter.outcome import Later, Paused
from coop_ncmec_reporter.store import Cybertip
from coop_runtime.database.engine import transaction


class NcmecCalls:
    """One in each process."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def ask(
        self, tip: Cybertip, step: str, ask: Callable[[], Awaitable[NcmecAnswer]]
    ) -> NcmecAnswer:
        """One call. Raises Refused, Paused, Later."""
        began = time.monotonic()
        fault: NcmecFault | None = None
        answer: NcmecAnswer | None = None
        try:
            answer = await ask()
        except NcmecFault as error:
            fault = error
        seconds = time.monotonic() - began
        outcome = "ok" if fault is None else type(fault).__name__.lower()
        metric.CALLS.labels(step, outcome).inc()
        metric.CALL_SECONDS.labels(step).observe(seconds)
        said = answer if fault is None else fault
        assert said is not None
        async with transaction(self._engine) as connection:
            await attempt_store.note_call(
                connection,
                tip,
                step,
                outcome=outcome,
                status=said.status,
                code=0 if fault is None else fault.code,
                request_id=said.request_id,
                milliseconds=int(seconds * 1000),
                now=self._clock(),
            )
        match fault:
            case Refused():
                raise fault
            case Unauthorized():
                raise Paused(str(fault), code=fault.code)
            case Uncertain():
                raise Later(f"{step}: {fault}")
        assert answer is not None
        return answer
