"""What a consumer is, whatever reads for it: `consumer` with librdkafka, `stream` with aiokafka.

Guarantees: both hand their records to the same pipeline, settled and dead-lettered alike, and say
alike whether they are ready.
Must not: fetch or commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from coop_contracts.event import Event
from coop_runtime.kafka.dead_letter import DeadLetterWriter
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.partition import HeldPartitions
from coop_runtime.kafka.pipeline import SETTLE_SECONDS, Handler, LastWords, Pipeline
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.settings import RuntimeSettings

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, kw_only=True)
class ConsumerTuning:
    """How a consumer takes its records.

    The handler gets up to `max_batch` at a time; up to `in_flight` batches overlap while they are
    being settled, each for at most `settle_timeout` seconds. A `patient` one trades up to a quarter
    of a second for fewer, larger batches. `unready_after` so many seconds with a dependency down.
    `independent` as of the pipeline.
    """

    max_batch: int = 500
    in_flight: int = 4
    settle_timeout: float = SETTLE_SECONDS
    patient: bool = False
    unready_after: float = 10.0
    independent: bool = False


class GroupMember(Generic[E]):
    """Handles the topic of `event_type` as a member of `group`.

    The handler may return an awaitable (such as `producer.begin(…)`): the batch is settled when
    that is done. `producer` writes the dead letters, at most `COOP_DEAD_LETTERS_A_MINUTE`; before
    one, `last_words` are said of its record.
    """

    def __init__(
        self,
        settings: RuntimeSettings,
        *,
        group: str,
        event_type: type[E],
        handler: Handler[E],
        producer: Producer,
        tuning: ConsumerTuning | None = None,
        backoff: Backoff | None = None,
        last_words: LastWords[E] | None = None,
    ) -> None:
        self._settings = settings
        self._group = group
        self._event_type = event_type
        self._handler = handler
        self._producer = producer
        self._tuning = tuning or ConsumerTuning()
        self._backoff = backoff
        self._last_words = last_words
        self._drain_seconds = settings.stop_timeout * 0.4
        self._partitions = HeldPartitions()
        self._pipeline: Pipeline[E] | None = None
        self._stopping = asyncio.Event()

    def ready(self) -> bool:
        """The group has told us our partitions (none, if there are more members than
        partitions), and no dependency has been down for too long."""
        pipeline = self._pipeline
        return (
            pipeline is not None
            and pipeline.failing_for < self._tuning.unready_after
            and self._partitions.joined
        )

    def stop(self) -> None:
        """Let `run` return after what is under way."""
        self._stopping.set()

    def _new_pipeline(self, handler: Handler[E], taken: Callable[[], None]) -> Pipeline[E]:
        """That of one run. `taken`: there is room for another batch."""
        self._pipeline = Pipeline(
            self._event_type,
            handler,
            group=self._group,
            partitions=self._partitions,
            dead_letters=DeadLetterWriter(
                self._publish,
                group=self._group,
                service=self._producer.client_id,
                limit=self._settings.dead_letters_a_minute,
            ),
            taken=taken,
            in_flight=self._tuning.in_flight,
            settle_timeout=self._tuning.settle_timeout,
            backoff=self._backoff,
            last_words=self._last_words,
            independent=self._tuning.independent,
        )
        return self._pipeline

    async def _publish(self, letters: Sequence[RawMessage]) -> None:
        await self._producer.publish(letters)
