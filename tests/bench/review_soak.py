"""The soak of review: many reviewers on many queues, Redis flushed, processes killed with -9.

    two api processes, relay, routing, dispatcher; one after the other, until all is decided, is
    killed and started again, and the next one `period` seconds after it is back; reviewers go on
    with whichever api answers, and send again what they do not know to have arrived

Guarantees: what is reported was counted in the database and at the receiver, not in the reviewers'
memory, but for two promises that only they can see: that nobody else held their job, and in which
order they came. Says what it saw; whoever calls judges.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import psycopg
from redis.asyncio import Redis

from coop_local.stack import EngineAddresses
from tests.bench import delivery_load
from tests.bench import environment as stand
from tests.bench import review_load as load
from tests.bench.killed import Killed

_POLL = 0.1
_PROCESSES = 5
_START = 90.0
_UNREACHABLE = (httpx.HTTPError, OSError)


@dataclass(frozen=True)
class Plan:
    """Kills come from the first claim to the last decision, `period` seconds after whoever was
    killed before is back: on a slow machine fewer of them, not a system that is never up. `flushes`
    of Redis come evenly between, by how much is decided. A lease lasts `lease` seconds. A share of
    the claims is given back (`released`), skipped, or forgotten (`forgotten`: the reviewer vanishes
    and the lease has to end by itself)."""

    reviewers: int
    queues: int
    jobs: int
    flushes: int
    period: float = 5.0
    lease: int = 10
    released: float = 0.02
    skipped: float = 0.02
    forgotten: float = 0.002
    undo_window: float = 1.0
    deadline: float = 600.0
    seed: int = 7


@dataclass(frozen=True)
class Report:
    """What was seen. `held_twice`: jobs that two reviewers held at the same time; `late`: the
    longest time, in seconds, that a job still waited after one behind it in its queue was claimed
    for the first time; `executions` requested by the decisions, `taken` by the receiver, `strange`
    taken and never requested; `kills` by process."""

    jobs: int
    decided: int
    decisions: int
    pending: int
    held_twice: int
    late: float
    executions: int
    taken: int
    strange: int
    sent_again: int
    kills: Mapping[str, int]
    flushes: int
    seconds: float


@dataclass
class Ledger:
    """What the reviewers saw: holds by job as (from, until, reviewer), claims by queue, and how
    they were answered."""

    holds: dict[str, list[tuple[float, float, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    claimed: dict[str, list[tuple[float, int, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    answers: Counter[str] = field(default_factory=Counter)


def soak(addresses: EngineAddresses, plan: Plan) -> Report:
    """Furnishes, starts, kills, and waits until every job is decided and every webhook arrived.
    Raises TimeoutError."""
    with delivery_load.receiver() as origin:
        desk = load.run(
            load.furnish(
                addresses,
                queues=plan.queues,
                reviewers=plan.reviewers,
                callback=f"{origin}/honest/action",
                undo_window=plan.undo_window,
            )
        )
        processes = Killed()
        urls = [f"http://127.0.0.1:{stand.free_port()}" for _ in range(2)]
        try:
            probes = _start(processes, addresses, desk, plan, urls)
            return load.run(_soak(addresses, plan, desk, processes, probes, urls, origin))
        finally:
            processes.stop()


def faults_of(plan: Plan, report: Report) -> list[str]:
    """What of the report contradicts the promises."""
    faults = []
    if report.decided != plan.jobs or report.decisions != plan.jobs or report.pending:
        faults.append(
            f"{report.decided} of {plan.jobs} jobs decided, {report.decisions} decisions,"
            f" {report.pending} pending"
        )
    if len(report.kills) < _PROCESSES or report.flushes != plan.flushes:
        faults.append(f"only {dict(report.kills)} killed, Redis flushed {report.flushes} times")
    if report.held_twice:
        faults.append(f"{report.held_twice} jobs held by two reviewers at once")
    if report.taken != report.executions or report.strange:
        faults.append(
            f"{report.taken} of {report.executions} effects arrived, {report.strange} unrequested"
        )
    # A job is behind its turn while a lease that nobody uses lasts, and a reservation that a killed
    # process left; twice, when that happens to it twice; and a killed process takes as long as a
    # lease to be back where others compute beside it.
    patience = 3 * plan.lease + 10
    if report.late > patience:
        faults.append(f"a job waited {report.late:.1f} s longer than one behind it")
    return faults


def _start(
    processes: Killed, addresses: EngineAddresses, desk: load.Desk, plan: Plan, urls: list[str]
) -> dict[str, str]:
    """Starts them all; where each of them, by name, says that it is ready."""
    probes: dict[str, str] = {}

    def start(name: str, module: str, role: str, database: str, **more: str) -> None:
        internal = str(stand.free_port())
        environment = load.environment_of(
            addresses, desk, database, COOP_INTERNAL_PORT=internal, **more
        )
        processes.start(name, module, role, environment)
        probes[name] = f"http://127.0.0.1:{internal}/readyz"

    start("relay", "coop_review_api", "relay", "coop_review")
    start("routing", "coop_routing", "router", "coop_queues")
    start("dispatcher", "coop_action_dispatcher", "dispatcher", "coop_dispatch")
    for number, url in enumerate(urls):
        port, lease = url.rpartition(":")[2], str(plan.lease)
        start(
            f"api-{number}",
            "coop_review_api",
            "api",
            "coop_review",
            COOP_REVIEW_PORT=port,
            COOP_REVIEW_LEASE=lease,
            COOP_REVIEW_SKIP="5",
        )
    return probes


async def _soak(
    addresses: EngineAddresses,
    plan: Plan,
    desk: load.Desk,
    processes: Killed,
    probes: Mapping[str, str],
    urls: list[str],
    origin: str,
) -> Report:
    began = time.monotonic()
    messages = [
        load.request(desk, desk.queue_ids[number % plan.queues], number)
        for number in range(plan.jobs)
    ]
    half = len(messages) // 2
    await asyncio.to_thread(delivery_load.publish, addresses, messages[:half])
    await _placed(desk, half, plan.deadline)
    ledger = Ledger()
    stop = asyncio.Event()
    reviewing = [
        asyncio.create_task(_review(plan, desk, reviewer, urls, ledger, stop, number))
        for number, reviewer in enumerate(desk.reviewers)
    ]
    trouble = asyncio.create_task(_trouble(addresses, plan, desk, processes, probes))
    try:
        await asyncio.to_thread(delivery_load.publish, addresses, messages[half:])
        await _until(
            lambda: _decided(desk),
            plan.jobs,
            plan.deadline,
            lambda: f"jobs decided, answered {dict(ledger.answers)}",
            beside=(trouble, *reviewing),
        )
        flushes = await trouble
        stop.set()
        await asyncio.gather(*reviewing)
        requested = await asyncio.to_thread(_executions, desk)
        await _until(lambda: set(_ids(origin)), requested, plan.deadline, lambda: "webhooks")
    finally:
        stop.set()
        for task in (trouble, *reviewing):
            task.cancel()
        await asyncio.gather(trouble, *reviewing, return_exceptions=True)
    taken = set(_ids(origin))
    counts = await asyncio.to_thread(_counts, desk)
    return Report(
        jobs=plan.jobs,
        decided=counts["decided"],
        decisions=counts["decisions"],
        pending=counts["pending"],
        held_twice=_held_twice(ledger),
        late=_late(ledger),
        executions=len(requested),
        taken=len(taken & requested),
        strange=len(taken - requested),
        sent_again=int(delivery_load.stats(origin)["repeats"]),
        kills=dict(processes.kills),
        flushes=flushes,
        seconds=time.monotonic() - began,
    )


async def _trouble(
    addresses: EngineAddresses,
    plan: Plan,
    desk: load.Desk,
    processes: Killed,
    probes: Mapping[str, str],
) -> int:
    """Kills one process after the other until all is decided and each was killed, and flushes Redis
    in between; how often it was flushed."""
    names = itertools.cycle(processes.names)
    redis = Redis.from_url(addresses.redis)
    decided = flushes = 0
    try:
        while decided < plan.jobs or len(processes.kills) < len(processes.names):
            name = next(names)
            await _ready(name, probes[name])
            await asyncio.sleep(plan.period)
            await asyncio.to_thread(processes.kill, name)
            await _ready(name, probes[name])
            decided = await asyncio.to_thread(_decided, desk)
            if flushes < plan.flushes and decided >= plan.jobs * (flushes + 1) // (
                plan.flushes + 1
            ):
                await redis.flushall()
                flushes += 1
        return flushes
    finally:
        await redis.aclose()


async def _ready(name: str, probe: str) -> None:
    """Waits for a process that was started."""
    async with httpx.AsyncClient() as client:
        until = time.monotonic() + _START
        while True:
            with contextlib.suppress(*_UNREACHABLE):
                if (await client.get(probe)).status_code == httpx.codes.OK:
                    return
            if time.monotonic() > until:
                raise TimeoutError(f"{name} is not ready {_START} s after its start")
            await asyncio.sleep(_POLL)


async def _review(
    plan: Plan,
    desk: load.Desk,
    reviewer: load.Reviewer,
    urls: list[str],
    ledger: Ledger,
    stop: asyncio.Event,
    number: int,
) -> None:
    """One person's work: claim, then decide, give back, skip or vanish; until told to stop."""
    chance = random.Random(plan.seed * 1000 + number)
    clients = [reviewer.client(url) for url in urls]
    queues = itertools.cycle(chance.sample(desk.queue_ids, len(desk.queue_ids)))
    try:
        while not stop.is_set():
            client = chance.choice(clients)
            queue_id = next(queues)
            try:
                claimed = await client.post(f"/v1/queues/{queue_id}/claims")
            except _UNREACHABLE as error:
                ledger.answers[repr(error)] += 1
                await asyncio.sleep(_POLL)
                continue
            ledger.answers[f"claim {claimed.status_code}"] += 1
            if claimed.status_code != httpx.codes.OK:
                await asyncio.sleep(_POLL)
                continue
            await _work(plan, reviewer, clients, ledger, chance, queue_id, claimed.json())
    finally:
        for client in clients:
            await client.aclose()


async def _work(
    plan: Plan,
    reviewer: load.Reviewer,
    clients: list[httpx.AsyncClient],
    ledger: Ledger,
    chance: random.Random,
    queue_id: str,
    claim: dict[str, Any],
) -> None:
    job_id, token = str(claim["job"]["id"]), str(claim["lease"]["token"])
    taken = time.time()
    expires = datetime.fromisoformat(str(claim["lease"]["expiresAt"])).timestamp()
    rank = int(claim["job"]["itemId"].removeprefix("item-"))
    ledger.claimed[queue_id].append((taken, rank, job_id))
    lot = chance.random()
    if lot < plan.forgotten:
        ledger.holds[job_id].append((taken, expires, reviewer.user_id))
        return
    path, body, headers = f"/v1/jobs/{job_id}/decisions", None, {}
    method = "POST"
    if lot < plan.forgotten + plan.released:
        method, path, headers = "DELETE", f"/v1/jobs/{job_id}/lease", {"X-Lease-Token": token}
    elif lot < plan.forgotten + plan.released + plan.skipped:
        path, body = f"/v1/jobs/{job_id}/skip", {"leaseToken": token}
    else:
        body = load.decision(token, acts=rank % 2 == 0)
    # The hold ends, at the latest, when the step that gives it up is sent for the first time.
    ledger.holds[job_id].append((taken, min(expires, time.time()), reviewer.user_id))
    while time.time() < expires:
        try:
            answer = await chance.choice(clients).request(method, path, json=body, headers=headers)
        except _UNREACHABLE as error:
            ledger.answers[repr(error)] += 1
            await asyncio.sleep(_POLL)
            continue
        ledger.answers[f"{method} {path.rpartition('/')[2]} {answer.status_code}"] += 1
        if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
            return
        await asyncio.sleep(_POLL)


def _held_twice(ledger: Ledger) -> int:
    """Jobs of which one hold begins before another's has ended."""
    count = 0
    for holds in ledger.holds.values():
        ordered = sorted(holds)
        count += any(later[0] < earlier[1] for earlier, later in itertools.pairwise(ordered))
    return count


def _late(ledger: Ledger) -> float:
    """The longest time between the first claim of a job and that of one before it in its queue."""
    longest = 0.0
    for claims in ledger.claimed.values():
        first: dict[int, float] = {}
        for taken, rank, _ in sorted(claims):
            first.setdefault(rank, taken)
        earliest_behind = float("inf")
        for rank in sorted(first, reverse=True):
            longest = max(longest, first[rank] - earliest_behind)
            earliest_behind = min(earliest_behind, first[rank])
    return longest


async def _placed(desk: load.Desk, count: int, deadline: float) -> None:
    await _until(lambda: _counts(desk)["jobs"], count, deadline, lambda: "jobs placed")


async def _until(
    see: Callable[[], Any],
    wanted: Any,
    deadline: float,
    what: Callable[[], str],
    *,
    beside: Sequence[asyncio.Task[Any]] = (),
) -> None:
    """Polls; raises what a task beside it raised."""
    until = time.monotonic() + deadline
    while True:
        seen = await asyncio.to_thread(see)
        for task in beside:
            if task.done():
                task.result()
        if (wanted <= seen) if isinstance(wanted, set) else (seen >= wanted):
            return
        if time.monotonic() > until:
            number = len(seen) if isinstance(seen, set) else seen
            raise TimeoutError(f"{what()}: {number} within {deadline} s")
        await asyncio.sleep(_POLL * 5)


def _decided(desk: load.Desk) -> int:
    return _counts(desk)["decided"]


def _counts(desk: load.Desk) -> dict[str, int]:
    with psycopg.connect(desk.urls["coop_review"]) as connection:
        row = connection.execute(
            """
            SELECT (SELECT count(*) FROM queues.jobs WHERE org_id = %(org)s),
                   (SELECT count(*) FROM queues.jobs WHERE org_id = %(org)s AND state = 'PENDING'),
                   (SELECT count(DISTINCT job_id) FROM review.decisions WHERE org_id = %(org)s),
                   (SELECT count(*) FROM review.decisions WHERE org_id = %(org)s)
            """,
            {"org": desk.org_id},
        ).fetchone()
    assert row is not None
    return dict(zip(("jobs", "pending", "decided", "decisions"), map(int, row), strict=True))


def _executions(desk: load.Desk) -> set[str]:
    with psycopg.connect(desk.urls["coop_review"]) as connection:
        rows = connection.execute(
            """
            SELECT e ->> 'executionId' FROM review.decisions, jsonb_array_elements(executions) e
             WHERE org_id = %s
            """,
            (desk.org_id,),
        ).fetchall()
    return {str(row[0]) for row in rows}


def _ids(origin: str) -> list[str]:
    with urllib.request.urlopen(f"{origin}/ids", timeout=30) as answer:
        found: list[str] = json.loads(answer.read())
    return found
