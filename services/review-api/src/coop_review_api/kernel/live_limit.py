"""How long pages that are told of changes may stay, and how many."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LiveLimits:
    """How often the database is asked, how long a listener may stay, how long it may not read,
    how long nothing may be sent to it, how long an outage is waited out (seconds); how many may
    listen to a process, and of those how many pages of one person."""

    every: float = 1.0
    lifetime: float = 300.0
    send_timeout: float = 10.0
    heartbeat: float = 15.0  # shorter than what proxies close idle connections after
    after_outage: float = 2.0
    streams: int = 1000
    per_person: int = 8
