"""How long the evidence of a report is kept, and what stands against its end.

    filed ── a year, or what the operator set ──▶ due ── two people ──▶ destroyed
                   a hold keeps it beyond, for as long as it holds

Guarantees: no setting makes it less than a year; what stands against an end is said with the hold
or the time.
Must not: end anything by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from coop_contracts.cybertip import DestructionGround
from coop_ncmec_reporter.hold_store import HoldRow
from coop_ncmec_reporter.store import ENDED, Cybertip

LEAST: Final = timedelta(days=366)
"""A year from the filing (18 U.S.C. 2258A(h)(1)), also where it has a leap day."""


class KeepingRefusal(Exception):
    """What a person wants of evidence cannot be. `kind` says why to programs, the text to them."""

    def __init__(self, said: str, *, kind: str) -> None:
        super().__init__(said)
        self.kind = kind


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """`keep`: from the filing; `answer`: how long a second person may take. Raises ValueError where
    the law asks for more."""

    keep: timedelta = LEAST
    answer: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        if self.keep < LEAST:
            raise ValueError(f"evidence is kept for {LEAST.days} days at least")

    def until(self, tip: Cybertip) -> datetime | None:
        """Until when it is kept without a hold; None for what is not filed."""
        return None if tip.filed_at is None else tip.filed_at + self.keep

    def is_due(self, tip: Cybertip, hold: HoldRow | None, now: datetime) -> bool:
        """Whether people may ask for its destruction because its time is over."""
        until = self.until(tip)
        return tip.destroyed_at is None and hold is None and until is not None and until <= now

    def check(
        self, tip: Cybertip, hold: HoldRow | None, ground: DestructionGround, now: datetime
    ) -> None:
        """Raises KeepingRefusal with what stands against destroying it now."""
        check_not_destroyed(tip)
        if hold is not None:
            raise KeepingRefusal(f"the report is held: {told(hold)}", kind="evidence-held")
        if tip.state not in ENDED:
            raise KeepingRefusal(f"the report is still worked on ({tip.state})", kind="under-way")
        if ground == "KEPT_LONG_ENOUGH" and not self.is_due(tip, hold, now):
            until = self.until(tip)
            when = "it is not filed" if until is None else f"it is kept until {until:%Y-%m-%d}"
            raise KeepingRefusal(
                f"{when}: only law enforcement may ask before", kind="evidence-kept"
            )


def check_not_destroyed(tip: Cybertip) -> None:
    """Raises KeepingRefusal."""
    if tip.destroyed_at is not None:
        raise KeepingRefusal(
            f"the evidence was destroyed on {tip.destroyed_at:%Y-%m-%d}",
            kind="evidence-destroyed",
        )


def told(hold: HoldRow) -> str:
    """A hold in words."""
    until = "until it is lifted" if hold.until is None else f"until {hold.until:%Y-%m-%d}"
    return f"{hold.reason} (by {hold.placed_by} on {hold.placed_at:%Y-%m-%d}, {until})"
