"""How many dead letters there are, as the broker said a moment ago.

Guarantees: however many ask, the broker is asked by one of them at a time and once in a while, also
while it does not answer; then the last answer stands, with its time.
Must not: read a letter: they are of every organisation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coop_contracts.topic import all_topics
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Unavailable
from coop_runtime.kafka.letter_count import LetterCount
from coop_runtime.process.error import BrokerUnavailable

Count = Callable[[], Sequence[LetterCount]]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What the broker said, and when."""

    at: datetime
    topics: tuple[LetterCount, ...]


class DeadLetters:
    """`count` blocks, and raises BrokerUnavailable; it is asked again after `every`."""

    def __init__(
        self, count: Count, *, clock: Clock, every: timedelta = timedelta(seconds=10)
    ) -> None:
        self._count = count
        self._clock = clock
        self._every = every
        self._one = asyncio.Lock()
        self._asked_at: datetime | None = None
        self._counted: Counted | None = None

    async def counted(self) -> Counted:
        """The latest answer. Raises Unavailable where there never was one."""
        async with self._one:
            now = self._clock()
            if self._asked_at is None or now - self._asked_at >= self._every:
                try:
                    found = await asyncio.to_thread(self._count)
                    self._counted = Counted(at=now, topics=tuple(found))
                except BrokerUnavailable:
                    pass  # said below, where nothing is known
                self._asked_at = self._clock()
        if self._counted is None:
            raise Unavailable(
                "the broker does not say how many dead letters there are",
                retry_after=int(self._every.total_seconds()),
            )
        return self._counted


def readers_of(topic: str) -> tuple[str, ...]:
    """The services that read a topic, by its catalogue: one of them could not handle the record."""
    return next((one.consumers for one in all_topics() if one.topic == topic), ())
