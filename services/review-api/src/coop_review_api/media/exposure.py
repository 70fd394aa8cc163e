"""How much people see unveiled, and when it is time for a break.

    a stretch: reveals with less than `PAUSE` between them, up to now
    a break is due: in it, so many graphic reveals, or so many minutes since it began

Guarantees: what is told of one person is told to that person alone; what managers see is of at
least `SMALLEST` people a day, and sums.
Must not: keep anyone from working: it is said, not enforced.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Wellness
from coop_review_api.kernel.principal import Principal
from coop_review_api.media.table import media_reveals

PAUSE: Final = timedelta(minutes=10)
SMALLEST: Final = 5
"""People: sums of fewer tell of each."""

_LOOKED_BACK: Final = timedelta(hours=12)
_MOST: Final = 5000


class Day(Struct, frozen=True, kw_only=True):
    """In UTC. `people` is None in what is told of oneself."""

    day: date
    reveals: int
    graphic: int
    seconds: float
    people: int | None = None


class Stretch(Struct, frozen=True, kw_only=True):
    """Since the last pause. `began_at` is None where there is none now."""

    began_at: datetime | None = None
    reveals: int = 0
    graphic: int = 0
    seconds: float = 0.0

    def minutes(self, now: datetime) -> float:
        """Since it began."""
        return 0.0 if self.began_at is None else (now - self.began_at).total_seconds() / 60


async def days_of(connection: AsyncConnection, principal: Principal, since: datetime) -> list[Day]:
    """One's own, the newest first; days without a reveal are left out."""
    day, numbers = _day(), _numbers()
    found = await connection.execute(
        select(day, *numbers)
        .where(media_reveals.c.user_id == principal.user_id, media_reveals.c.revealed_at >= since)
        .group_by(day)
        .order_by(day.desc())
    )
    return [Day(**row) for row in found.mappings()]


async def days_of_all(
    connection: AsyncConnection, org_id: str, since: datetime, until: datetime
) -> list[Day]:
    """Everybody's together, the newest first; days on which fewer than `SMALLEST` people saw
    anything are left out."""
    day = _day()
    people = func.count(media_reveals.c.user_id.distinct())
    found = await connection.execute(
        select(day, *_numbers(), people.label("people"))
        .where(
            media_reveals.c.org_id == org_id,
            media_reveals.c.revealed_at >= since,
            media_reveals.c.revealed_at < until,
        )
        .group_by(day)
        .having(people >= SMALLEST)
        .order_by(day.desc())
    )
    return [Day(**row) for row in found.mappings()]


async def stretch_of(connection: AsyncConnection, principal: Principal, now: datetime) -> Stretch:
    """What one saw since one's last pause."""
    columns = media_reveals.c
    found = await connection.execute(
        select(columns.revealed_at, columns.seconds, columns.is_graphic)
        .where(columns.user_id == principal.user_id, columns.revealed_at >= now - _LOOKED_BACK)
        .order_by(columns.revealed_at.desc())
        .limit(_MOST)
    )
    later, stretch = now, Stretch()
    for row in found:
        # What is looked at is no pause.
        if row.revealed_at + timedelta(seconds=row.seconds) < later - PAUSE:
            break
        later = row.revealed_at
        stretch = Stretch(
            began_at=later,
            reveals=stretch.reveals + 1,
            graphic=stretch.graphic + row.is_graphic,
            seconds=stretch.seconds + row.seconds,
        )
    return stretch


def is_due(stretch: Stretch, wellness: Wellness, now: datetime) -> bool:
    """Whether it is time for a break."""
    by_number = 0 < wellness.break_after_reveals <= stretch.graphic
    by_time = 0 < wellness.break_after_minutes <= stretch.minutes(now)
    return by_number or by_time


def _day() -> Any:
    return cast(func.timezone("UTC", media_reveals.c.revealed_at), Date).label("day")


def _numbers() -> tuple[ColumnElement[Any], ...]:
    columns = media_reveals.c
    return (
        func.count().label("reveals"),
        func.count().filter(columns.is_graphic).label("graphic"),
        func.sum(columns.seconds).label("seconds"),
    )
