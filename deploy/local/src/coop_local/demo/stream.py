"""The demo platform's own traffic: a message of the corpus now and then, as long as it runs.

Guarantees: bounded by its rate; a fault of ingest is waited out, never fatal.
"""

from __future__ import annotations

import asyncio
import itertools
import random

import httpx

from coop_contracts.ids import new_id
from coop_local.demo import corpus
from coop_local.demo.past.plan import people_by_label
from coop_local.demo.sender import CorpusSender
from coop_local.demo.state import DemoState

_POLL_S = 1.0
_REPORT_EVERY = 25


async def stream(
    state: DemoState, ingest_url: str, rate: float, *, with_story: bool = False
) -> None:
    """Sends until cancelled, `rate` items a second; with the story in the name of its people."""
    messages = corpus.read(corpus.default_corpus())
    random.Random().shuffle(messages)
    authors = people_by_label() if with_story else None
    for round_number in itertools.count():
        sender = CorpusSender(
            ingest_url=ingest_url,
            api_key=state.api_key,
            item_types=state.ids["item-types"],
            prefix=f"live-{new_id()[-12:]}-{round_number}-",
            authors=authors,
        )
        try:
            await sender.send(messages, rate=rate, batch=1, report_every=_REPORT_EVERY)
        except* (TimeoutError, httpx.HTTPError):
            await asyncio.sleep(_POLL_S)
        finally:
            await sender.close()
