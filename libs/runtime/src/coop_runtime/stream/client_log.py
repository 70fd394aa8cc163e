"""What FastStream and its client say, as ours.

Guarantees: an error at fetching is counted, makes the consumer unready, and ends it when it lasts;
the line that FastStream writes for each batch is dropped.
Must not: judge errors of handling: they never get here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.errors import KafkaError

from coop_runtime.kafka import metric
from coop_runtime.process.log import logger

BROKEN_SECONDS: Final = 60.0
"""So long the client may fail at fetching before the process ends, to begin anew."""
_FAILED_SECONDS: Final = 5.0  # FastStream waits so long before it fetches again

_log = logger(__name__)


class ClientLog:
    """FastStream's logger: its errors are counted, and watched. Each batch's line is dropped."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._since: float | None = None
        self._last = 0.0
        self._error: Exception | None = None

    @property
    def failing_for(self) -> float:
        """Seconds since fetching began to fail; 0 once it did not for a while."""
        if self._since is None:
            return 0.0
        now = time.monotonic()
        if now - self._last > 2 * _FAILED_SECONDS:
            self._since = None
            return 0.0
        return now - self._since

    def log(
        self,
        level: int,
        msg: Any,
        /,
        *,
        exc_info: Any = None,
        extra: Mapping[str, Any] | None = None,  # noqa: ARG002 - FastStream's way to call it
    ) -> None:
        """A line of FastStream's."""
        if level < logging.ERROR:
            return
        if isinstance(exc_info, KafkaError):
            self._last = time.monotonic()
            self._since = self._since or self._last
            self._error = exc_info
            metric.CONSUMER_ERRORS.labels(self._group, type(exc_info).__name__).inc()
        _log.warning("broker client", group=self._group, error=f"{msg}: {exc_info!r}")

    async def watch(self) -> None:
        """Raises the error when it has gone on for too long."""
        while True:
            await asyncio.sleep(1)
            if self.failing_for > BROKEN_SECONDS and self._error is not None:
                raise self._error
