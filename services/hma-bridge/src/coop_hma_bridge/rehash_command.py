"""Media of the past, looked at again, for whoever runs the system.

    rehash --since TIME --until TIME [--org ORG]            says how many submissions that would be
    rehash --since TIME --until TIME [--org ORG] --apply

TIME is as in 2026-03-01T12:00:00Z. Prints one JSON object; how far it is goes to the standard
error. Exit code 1 where something could not be done, 3 where the broker cannot be reached. Stopped
in the middle, it is run again: what was done is not done twice.

Must not: be reachable over HTTP; whoever can run it has the database's address.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_hma_bridge import exchange_store, seen_store
from coop_hma_bridge.app import KINDS, hashing, matching
from coop_hma_bridge.bank import BankNumbers
from coop_hma_bridge.book import HashBook
from coop_hma_bridge.exchange_keeper import ExchangeBook
from coop_hma_bridge.follower import Follower
from coop_hma_bridge.handler import MediaHandler
from coop_hma_bridge.rehash import Reader, Span, Tally, again, rehash
from coop_hma_bridge.seen_writer import SeenWriter
from coop_hma_bridge.settings import Settings
from coop_hma_bridge.submission import SubmittedMedia
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.log_reader import LogReader
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import BrokerUnavailable, Retryable

NAME: Final = "hma-bridge-rehash"
_READY_SECONDS: Final = 120.0
_TOLD_EVERY: Final = 2.0  # seconds
_FAILED, _USAGE, _BROKER = 1, 2, 3


def run_rehash(arguments: Sequence[str]) -> int:
    """Carry the command out; the exit code."""
    wanted = _parsed(arguments)
    if wanted.since >= wanted.until:
        sys.stderr.write("rehash: --since has to be before --until\n")
        return _USAGE
    span = Span(since=wanted.since, until=wanted.until, org_id=wanted.org)
    settings = Settings.load()
    if wanted.apply:
        settings.require("postgres")
    try:
        tally = asyncio.run(_carry_out(settings, span, apply=wanted.apply))
    except BrokerUnavailable as error:
        sys.stderr.write(f"rehash: {error}\n")
        return _BROKER
    except (Retryable, TimeoutError) as error:
        sys.stderr.write(f"rehash: {error or 'not ready in time'}\n")
        return _FAILED
    sys.stdout.write(msgspec.json.encode(_shown(tally, apply=wanted.apply)).decode() + "\n")
    return _FAILED if tally.failed else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="coop_hma_bridge rehash")
    parser.add_argument("--since", type=_moment, required=True, help="from then on")
    parser.add_argument("--until", type=_moment, required=True, help="before then")
    parser.add_argument("--org", help="the id of an organisation: of that alone")
    parser.add_argument("--apply", action="store_true", help="do it")
    return parser.parse_args(arguments)


def _moment(written: str) -> datetime:
    found = datetime.fromisoformat(written)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("say the offset too, as in 2026-03-01T12:00:00Z")
    return found.astimezone(UTC)


def _shown(tally: Tally, *, apply: bool) -> dict[str, Any]:
    counted = {"submissions": tally.found.total(), "byOrganisation": dict(tally.found)}
    done = {"done": tally.done, "erased": tally.erased, "failed": tally.failed}
    rest: dict[str, Any] = done if apply else {"applyWith": "--apply"}
    return counted | rest | {"unreadable": tally.unreadable}


class _Progress:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def tell(self, tally: Tally) -> None:
        if time.monotonic() - self._told >= _TOLD_EVERY:
            self._told = time.monotonic()
            found = tally.found.total()
            sys.stderr.write(f"rehash: {found} found, {tally.done} done, {tally.failed} failed\n")


async def _carry_out(settings: Settings, span: Span, *, apply: bool) -> Tally:
    def reader_of(topic: str, since_ms: int) -> Reader:
        return LogReader(settings, NAME, topic, since_ms)

    tell = _Progress().tell
    if not apply:
        return await rehash(reader_of, None, span, tell=tell)
    async with AsyncExitStack() as stack:
        engine = engine_of(settings.postgres, pool_size=4, application_name=NAME)
        stack.push_async_callback(engine.dispose)

        async def erased(submitted: Sequence[tuple[str, ItemRef, datetime]]) -> set[int]:
            async with transaction(engine) as connection:
                return await seen_store.erased(connection, submitted)

        handler = await _handler(settings, engine, stack)
        return await rehash(reader_of, handler, span, erased=erased, tell=tell)


async def _handler(settings: Settings, engine: AsyncEngine, stack: AsyncExitStack) -> MediaHandler:
    """As the bridge's, ready; the stack closes what it is made of."""
    producer = Producer(settings, client_id=NAME)
    await producer.start()
    stack.push_async_callback(producer.stop)
    config = ConfigTable(settings, kinds=KINDS)
    book, numbers = HashBook(), BankNumbers()
    follower = Follower(engine, book, numbers, every=settings.hash_follow)
    exchanges = ExchangeBook()
    async with transaction(engine) as connection:
        exchanges.take((await exchange_store.everyone(connection))[0])
    matcher, hma = matching(settings, config, follower, book, numbers, exchanges)
    if hma is not None:
        stack.push_async_callback(hma.aclose)
    hasher, close = hashing(settings)
    stack.push_async_callback(close)
    seen = SeenWriter(engine, Partitions(engine), days=settings.hash_seen_days)
    running = [asyncio.create_task(one.run()) for one in (config, follower, seen)]

    async def stop() -> None:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    stack.push_async_callback(stop)
    await config.wait_ready(_READY_SECONDS)
    await follower.wait_ready(_READY_SECONDS)
    return MediaHandler(
        SubmittedMedia(config),
        hasher,
        matcher,
        producer.publish,
        seen.add,
        places=settings.hash_under_way,
        of_one=max(1, settings.hash_under_way // 4),
        taken_in=settings.hash_taken_in,
        entails=again,
    )
