"""The account of one run: what went in, what came out, what is missing, what is there twice.

A pure function of what was seen from outside, so that it can be tested without a stack. "Lost" and
"duplicated" count effects, not messages: a webhook sent again with the same `webhook-id` is one
effect, as Standard Webhooks has it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from statistics import quantiles
from typing import Any


@dataclass(frozen=True)
class SeenJob:
    """A review job as review-api tells it: `open` until somebody decided, closed or moved it."""

    id: str
    item_id: str
    open: bool


@dataclass(frozen=True)
class Observed:
    """Everything seen from outside in one run.

    accepted     item id → Unix seconds of the 202
    evaluations  submission id → recorded results
    requests     execution id → item id, of actions on the log; `automatic` those of rules
    named        execution ids that rule results name
    received     webhook id → Unix seconds of its first arrival with valid signatures
    times        webhook id → arrivals
    reviews      entry id → item id of reviews asked for by rules; `reports` the same of users
    jobs         every review job of the run
    decisions    job id → decision ids; `moved` the jobs that were moved to another queue
    """

    sent: int
    accepted: Mapping[str, float]
    evaluations: Mapping[str, int]
    requests: Mapping[str, str]
    automatic: Collection[str]
    named: Collection[str]
    received: Mapping[str, float]
    times: Mapping[str, int]
    refused: int
    reviews: Mapping[str, str]
    reports: Mapping[str, str]
    jobs: Collection[SeenJob]
    decisions: Mapping[str, Collection[str]]
    moved: Collection[str]


@dataclass(frozen=True)
class RunAccount:
    """The report's figures. `lost` and `duplicated` are sums of `losses` and `doubles`; `matched`
    are the items that a rule acted on."""

    items_sent: int
    items_accepted: int
    items_evaluated: int
    actions_requested: int
    actions_delivered: int
    signatures_verified: int
    jobs_created: int
    jobs_decided: int
    lost: int
    duplicated: int
    latency_ms: dict[str, float]
    redelivered: int
    matched: int = 0
    losses: dict[str, int] = field(default_factory=dict)
    doubles: dict[str, int] = field(default_factory=dict)

    @property
    def perfect(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return self.lost == 0 and self.duplicated == 0

    def line(self) -> str:
        """The report's last line: one JSON object."""
        shown = asdict(self)
        del shown["losses"], shown["doubles"], shown["matched"]
        return json.dumps(shown)


def account(seen: Observed) -> RunAccount:
    """What the run came to."""
    wanted = set(seen.reviews.values()) | set(seen.reports.values())
    decided = {job.id for job in seen.jobs if seen.decisions.get(job.id)}
    covered = {job.item_id for job in seen.jobs}
    losses = {
        "items not accepted": seen.sent - len(seen.accepted),
        "items not evaluated": max(0, len(seen.accepted) - len(seen.evaluations)),
        "effects named by a result but not on the log": len(
            set(seen.named) - set(seen.requests) - set(seen.reviews)
        ),
        "actions not delivered": len(set(seen.requests) - set(seen.received)),
        "reviews without a job": len(wanted - covered),
        "jobs not decided": sum(job.open for job in seen.jobs),
        "decisions not on the log": sum(
            not job.open and not seen.decisions.get(job.id) for job in seen.jobs
        ),
    }
    doubles = {
        "submissions evaluated twice as another": max(
            0, len(seen.evaluations) - len(seen.accepted)
        ),
        "webhooks nobody asked for": len(set(seen.received) - set(seen.requests)),
        "jobs decided twice": sum(len(made) > 1 for made in seen.decisions.values()),
        "jobs beyond their causes": _surplus_jobs(seen),
    }
    return RunAccount(
        items_sent=seen.sent,
        items_accepted=len(seen.accepted),
        items_evaluated=len(seen.evaluations),
        actions_requested=len(seen.requests),
        actions_delivered=len(set(seen.received) & set(seen.requests)),
        signatures_verified=len(seen.received),
        jobs_created=len(seen.jobs),
        jobs_decided=len(decided),
        lost=sum(losses.values()),
        duplicated=sum(doubles.values()),
        latency_ms=latency(seen),
        redelivered=sum(times - 1 for times in seen.times.values()),
        matched=len(
            {item for execution, item in seen.requests.items() if execution in seen.automatic}
            | set(seen.reviews.values())
        ),
        losses=losses,
        doubles=doubles,
    )


def _surplus_jobs(seen: Observed) -> int:
    """Jobs that nothing explains: an item has at most one job for each report, rule or move."""
    allowed = Counter(
        chain(
            seen.reviews.values(),
            seen.reports.values(),
            (job.item_id for job in seen.jobs if job.id in seen.moved),
        )
    )
    jobs = Counter(job.item_id for job in seen.jobs)
    return sum((jobs - allowed).values())


def latency(seen: Observed) -> dict[str, float]:
    """Milliseconds from an item's 202 to the arrival of the webhook of a rule's action."""
    delays = sorted(
        max(0.0, seen.received[execution] - seen.accepted[item_id]) * 1000
        for execution, item_id in seen.requests.items()
        if execution in seen.automatic and execution in seen.received and item_id in seen.accepted
    )
    if not delays:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    if len(delays) == 1:
        delays *= 2
    cuts = quantiles(delays, n=100, method="inclusive")
    return {name: round(cuts[at], 1) for name, at in (("p50", 49), ("p95", 94), ("p99", 98))}


def explain(result: RunAccount) -> str:
    """The report for people."""
    rows: list[tuple[str, Any]] = [
        ("items sent", result.items_sent),
        ("items accepted", result.items_accepted),
        ("items evaluated", result.items_evaluated),
        ("items that a rule acted on", result.matched),
        ("actions requested", result.actions_requested),
        ("actions delivered", result.actions_delivered),
        ("webhooks with valid signatures", result.signatures_verified),
        ("webhooks sent again, same id", result.redelivered),
        ("review jobs created", result.jobs_created),
        ("review jobs decided", result.jobs_decided),
        ("lost", result.lost),
        ("duplicated", result.duplicated),
        *[(f"  {reason}", count) for reason, count in result.losses.items() if count],
        *[(f"  {reason}", count) for reason, count in result.doubles.items() if count],
        (
            "accepted to webhook received",
            ", ".join(f"{name} {value} ms" for name, value in result.latency_ms.items()),
        ),
    ]
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{value}" for name, value in rows]
    if result.items_evaluated and not result.matched:
        lines.append(
            "No rule acted on any of these items: the demo's rules look for what English spam says "
            "(prizes, offers, links). Look at its rules, and write one for these texts."
        )
    return "\n".join(lines)
