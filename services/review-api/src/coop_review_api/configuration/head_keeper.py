"""Keeps the config topic whole for as long as the relay runs.

    start ─▶ read ─▶ ensure_head ─▶ watch ──topic may have changed──▶ read …

Guarantees: after a broker came back, with its data or without, everything the log holds is on the
topic again and a head behind it; outages are waited out with a back-off.
Must not: stop the process for an outage.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.configuration.log_head import ensure_head
from coop_review_api.configuration.topic import ConfigTopic
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_BACKOFF_FIRST = 0.2
_BACKOFF_LAST = 5.0

_log = logger("coop.review_api.log_head")


class HeadKeeper:
    """`check_every` is the time between two looks at the topic, in seconds."""

    def __init__(
        self, engine: AsyncEngine, topic: ConfigTopic, *, clock: Clock, check_every: float
    ) -> None:
        self._engine = engine
        self._topic = topic
        self._clock = clock
        self._check_every = check_every
        self._whole = False

    def ready(self) -> bool:
        """True while the topic is known to hold what the log holds, outbox included."""
        return self._whole

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff(first=_BACKOFF_FIRST, last=_BACKOFF_LAST)
        try:
            while True:
                try:
                    if not self._whole or await self._topic.changed():
                        self._whole = False
                        await self._ensure()
                        self._whole = True
                    backoff.reset()
                    await asyncio.sleep(self._check_every)
                except Retryable as error:
                    self._whole = False
                    _log.warning("log head waits", error=str(error))
                    await asyncio.sleep(backoff.next_delay())
        finally:
            await self._topic.close()

    async def _ensure(self) -> None:
        outcome = await ensure_head(self._engine, await self._topic.read(), clock=self._clock)
        metric.LOG_HEADS.inc()
        metric.REPEATED.inc(outcome.repeated)
        metric.RESTATED.inc(outcome.restated)
        metric.UNKNOWN_ORGS.set(len(outcome.unknown_orgs))
        if outcome.unknown_orgs:
            _log.warning(
                "the config topic knows organisations that the log does not",
                count=len(outcome.unknown_orgs),
                first=outcome.unknown_orgs[0],
            )
        _log.info(
            "log head stated",
            head=outcome.head,
            repeated=outcome.repeated,
            restated=outcome.restated,
        )
