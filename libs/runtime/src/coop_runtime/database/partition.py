"""Partitions by time: made before they are needed, dropped when they are too old.

Guarantees: making one that is there, or dropping one that is gone, is no error, from any number of
processes at once; making one locks nobody out (it is attached, not created in place). The
tables' owner does it, by functions of the schema that make and drop nothing else
(`make_partition`, `drop_partition`, in its migrations): no service owns a table.
Must not: decide what is too old; who keeps the table does. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import TableClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_runtime.database.engine import TRANSACTION_TIMEOUT, transaction

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_FORMATS = {DAY: "%Y%m%d", HOUR: "%Y%m%d%H"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Partitioned:
    """A table, with its schema, whose partitions are `step` long."""

    table: TableClause
    step: timedelta

    def start_of(self, time: datetime) -> datetime:
        """When the partition that holds `time` begins."""
        return time - (time - _EPOCH) % self.step

    def name_of(self, start: datetime) -> str:
        return f"{self.table.name}_p{start.astimezone(UTC):{_FORMATS[self.step]}}"

    def start_in(self, name: str) -> datetime | None:
        """The start in a partition's name; None for one that is not named by this module."""
        prefix = f"{self.table.name}_p"
        try:
            found = datetime.strptime(name.removeprefix(prefix), _FORMATS[self.step])  # noqa: DTZ007
        except ValueError:
            return None
        return found.replace(tzinfo=UTC)


class Partitions:
    """The partitions that are known to be there. One for each process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: set[tuple[str, datetime]] = set()

    async def ensure(self, of: Partitioned, times: Iterable[datetime]) -> None:
        """Make the partitions that hold these times, where they are not there."""
        wanted = {of.start_of(time) for time in times}
        missing = sorted(s for s in wanted if (of.table.name, s) not in self._known)
        for start in missing:
            async with transaction(self._engine) as connection:
                await _make(connection, of, start)
            self._known.add((of.table.name, start))

    def forget(self) -> None:
        """Another process may have dropped what was known: look again."""
        self._known.clear()

    async def starts(self, of: Partitioned) -> list[datetime]:
        """Where the partitions that are there begin, oldest first."""
        async with transaction(self._engine) as connection:
            names = await connection.scalars(
                text(
                    "SELECT child.relname FROM pg_inherits"
                    " JOIN pg_class child ON child.oid = inhrelid"
                    " WHERE inhparent = to_regclass(:parent)"
                ),
                {"parent": f"{of.table.schema}.{of.table.name}"},
            )
            found = [of.start_in(name) for name in names]
        return sorted(start for start in found if start is not None)

    async def drop(
        self,
        of: Partitioned,
        start: datetime,
        *,
        first: Callable[[AsyncConnection], Awaitable[None]] | None = None,
        within: float = TRANSACTION_TIMEOUT,
    ) -> None:
        """Drop one, in the transaction in which `first` was done. Raises `Retryable` when readers
        hold it for longer than a second."""
        async with transaction(self._engine, within=within) as connection:
            if first is not None:
                await first(connection)
            # Writers and readers queue up behind a drop that waits.
            await connection.execute(text("SET LOCAL lock_timeout = '1s'"))
            await connection.execute(
                text(f"SELECT {of.table.schema}.drop_partition(:parent, :name)"),
                {"parent": of.table.name, "name": of.name_of(start)},
            )
        self._known.discard((of.table.name, start))


async def _make(connection: AsyncConnection, of: Partitioned, start: datetime) -> None:
    await connection.execute(
        text(f"SELECT {of.table.schema}.make_partition(:parent, :name, :since, :until)"),
        {
            "parent": of.table.name,
            "name": of.name_of(start),
            "since": start,
            "until": start + of.step,
        },
    )
