"""A consumer to be killed: writes the number of each record it handles to a file.

Arguments: bootstrap servers, idempotence (1 or 0), topic, output file, class of consumer.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from coop_contracts.event import Event
from coop_runtime.kafka.consumer import Consumer, ConsumerTuning
from coop_runtime.kafka.message import Received
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.stream.subscriber import StreamConsumer

BOOTSTRAP, IDEMPOTENCE, TOPIC, OUTPUT, CLIENT = sys.argv[1:]


class Probe(Event, frozen=True, kw_only=True, tag="probe"):
    topic: ClassVar[str] = TOPIC
    number: int


async def run() -> None:
    settings = RuntimeSettings(
        kafka=BOOTSTRAP, kafka_idempotence=IDEMPOTENCE == "1", internal_port=0
    )
    producer = Producer(settings, client_id="victim")
    await producer.start()
    output = os.open(Path(OUTPUT), os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(events: Sequence[Received[Probe]]) -> Any:
        for received in events:
            os.write(output, b"%d\n" % received.event.number)
            await asyncio.sleep(0.0005)

    client: Any = {"Consumer": Consumer, "StreamConsumer": StreamConsumer}[CLIENT]
    await client(
        settings,
        group=TOPIC,
        event_type=Probe,
        handler=handle,
        producer=producer,
        tuning=ConsumerTuning(max_batch=50),
    ).run()


asyncio.run(run())
