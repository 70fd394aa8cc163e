"""The main job without a person: a corpus goes in, signed webhooks come out, queues are emptied.

    python -m coop_local demo [--input FILE] [--rate N]

Guarantees: what it reports was seen from outside the services (the log, the platform, review-api),
and its exit code is 0 only if nothing was lost and nothing doubled.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from coop_contracts.ids import new_id
from coop_local.demo import corpus
from coop_local.demo.account import Observed, RunAccount, SeenJob, account, explain
from coop_local.demo.console_client import ConsoleClient, ConsoleError
from coop_local.demo.log_watch import LogWatch
from coop_local.demo.reviewer import ScriptedReviewer
from coop_local.demo.sender import CorpusSender
from coop_local.demo.state import DemoState, DemoUser

# Quiet means that nothing is missing; without any progress for this long, something is lost.
_PATIENCE_S = 60.0
_POLL_S = 0.25


@dataclass(frozen=True)
class StackUrls:
    """Where the running stack answers."""

    kafka: str
    ingest: str
    review_api: str
    platform: str


@dataclass(frozen=True)
class Load:
    """How the corpus is sent: items a second, items a request, every n-th item reported."""

    rate: float = 200.0
    batch: int = 5
    report_every: int = 20


async def run(path: Path, addresses: StackUrls, state: DemoState, load: Load) -> RunAccount:
    """Streams the corpus through the running stack; returns the account.

    Raises CorpusError; a group of what stopped the sender or a reviewer.
    """
    messages = corpus.read(path)
    prefix = f"demo-{new_id()[-12:]}-"
    watch = LogWatch(addresses.kafka, prefix)
    watch.start()
    sender = CorpusSender(
        ingest_url=addresses.ingest,
        api_key=state.api_key,
        item_types=state.ids["item-types"],
        prefix=prefix,
    )
    stop = asyncio.Event()
    try:
        async with (
            httpx.AsyncClient(base_url=addresses.platform, trust_env=False, timeout=30) as platform,
            ConsoleClient(addresses.review_api) as first,
            ConsoleClient(addresses.review_api) as second,
            ConsoleClient(addresses.review_api) as onlooker,
        ):
            await _log_in(onlooker, state.user("ADMIN"))
            async with asyncio.TaskGroup() as group:
                group.create_task(_reviewer(first, state, "MODERATOR", skips=True).work(stop))
                group.create_task(_reviewer(second, state, "MODERATOR_MANAGER").work(stop))
                await sender.send(
                    messages, rate=load.rate, batch=load.batch, report_every=load.report_every
                )
                seen = await _until_quiet(sender, watch, platform, onlooker, prefix)
                stop.set()
    finally:
        await sender.close()
        watch.stop()
    return account(seen)


async def _log_in(console: ConsoleClient, user: DemoUser) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            await console.log_in(user.email, user.password)
        except (httpx.TransportError, ConsoleError) as error:
            if not _passing(error) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL_S)
        else:
            return


def _passing(error: httpx.TransportError | ConsoleError) -> bool:
    """Whether a fault may be gone the next time: the other side is down, not refusing."""
    return not isinstance(error, ConsoleError) or error.status >= 500


def _reviewer(
    console: ConsoleClient, state: DemoState, role: str, *, skips: bool = False
) -> ScriptedReviewer:
    user = state.user(role)
    return ScriptedReviewer(
        console, email=user.email, password=user.password, ids=state.ids, skips=skips
    )


async def _until_quiet(
    sender: CorpusSender,
    watch: LogWatch,
    platform: httpx.AsyncClient,
    console: ConsoleClient,
    prefix: str,
) -> Observed:
    """Waits until nothing is missing, or until nothing has moved for `_PATIENCE_S`."""
    last: tuple[int, ...] = ()
    moved_at = time.monotonic()
    while True:
        watch.check()
        try:
            seen = await _look(sender, watch, platform, console, prefix)
        except (httpx.TransportError, ConsoleError) as error:
            if not _passing(error) or time.monotonic() - moved_at > _PATIENCE_S:
                raise
            await asyncio.sleep(_POLL_S)
            continue
        state = account(seen)
        progress = (
            state.items_evaluated,
            state.actions_delivered,
            state.actions_requested,
            state.jobs_created,
            state.jobs_decided,
        )
        if progress != last:
            last, moved_at = progress, time.monotonic()
        settled = time.monotonic() - moved_at
        # A second without change, so that a doubled effect would have had the time to arrive.
        if (state.lost == 0 and settled > 1.0) or settled > _PATIENCE_S:
            return seen
        await asyncio.sleep(_POLL_S)


async def _look(
    sender: CorpusSender,
    watch: LogWatch,
    platform: httpx.AsyncClient,
    console: ConsoleClient,
    prefix: str,
) -> Observed:
    answer = await platform.get("/received", params={"itemPrefix": prefix})
    received: dict[str, Any] = answer.raise_for_status().json()
    jobs = await console.all_of(f"/v1/jobs?itemIdPrefix={prefix}&limit=200")
    logged = watch.logged()
    return Observed(
        sent=sender.sent,
        accepted=dict(sender.accepted_at),
        evaluations=logged.evaluations,
        requests=logged.requests,
        automatic=logged.automatic,
        named=logged.executions,
        received={one["webhookId"]: one["receivedAt"] for one in received["deliveries"]},
        times={one["webhookId"]: one["times"] for one in received["deliveries"]},
        refused=received["refused"],
        reviews=logged.reviews,
        reports=dict(sender.reports),
        jobs=[
            SeenJob(id=job["id"], item_id=job["itemId"], open=job["state"] == "PENDING")
            for job in jobs
        ],
        decisions=logged.decisions,
        moved=logged.moved,
    )


def report(result: RunAccount) -> int:
    """Prints the report, the JSON line last; returns the exit code."""
    sys.stdout.write(explain(result) + "\n" + result.line() + "\n")
    sys.stdout.flush()
    return 0 if result.perfect else 1
