"""Whose items wait to be evaluated: said by the rules engine, heeded by ingest.

    rules-engine ──every 0.5 s, kept 2 s──▶ Redis key `coop:crowd:<org>` ◀──with each lease── ingest

Must not: be needed: while Redis is away nobody is asked to slow down, and what waits, waits longer.
"""

from __future__ import annotations


def crowd_key(org_id: str) -> str:
    """Is there while the organisation's line is long."""
    return f"coop:crowd:{org_id}"
