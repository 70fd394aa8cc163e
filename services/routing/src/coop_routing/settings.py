"""Routing's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root. Times are seconds.
"""

from __future__ import annotations

from pydantic import Field

from coop_signals.settings import SignalSettings


class Settings(SignalSettings):
    """What the router is told.

    `routing_batch` events at most are placed in one transaction. Every `routing_reconcile` seconds
    Redis is compared with the rows, every `routing_park` seconds parked jobs are looked at, every
    `routing_rank` seconds the jobs' turns: what is overdue, what a changed queue or policy orders
    anew. An entry whose queue depends on values from outside waits for them up to
    `routing_signal_deadline` seconds, for the hashes of its media `routing_media_deadline` seconds
    after it was submitted; `routing_in_flight` batches at most have such entries. Claims
    that ended more than `routing_claim_retention_days` ago are deleted. An organisation of weight 1
    that used more than `routing_processor_share` of a core stands in a line of its own while others
    have work; the lines of a consumer hold `routing_line_events` events of `routing_line_bytes`
    bytes.
    """

    internal_port: int = Field(default=9084, ge=0, le=65535)
    routing_batch: int = Field(default=500, ge=1, le=5000)
    routing_in_flight: int = Field(default=16, ge=1, le=256)
    routing_processor_share: float = Field(default=0.25, gt=0, le=1)
    routing_line_events: int = Field(default=20_000, ge=1, le=1_000_000)
    routing_line_bytes: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    routing_signal_deadline: float = Field(default=5, gt=0, le=60)
    routing_media_deadline: float = Field(default=15, gt=0, le=300)
    routing_reconcile: float = Field(default=30, gt=0)
    routing_park: float = Field(default=5, gt=0)
    routing_rank: float = Field(default=2, gt=0)
    routing_claim_retention_days: float = Field(default=400, ge=1, le=3650)
