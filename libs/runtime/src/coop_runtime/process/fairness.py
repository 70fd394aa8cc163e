"""Organisations share a process's processor time by weight.

    work ─▶ within its share, or nobody else waits ─▶ at once
         └▶ beyond its share ─▶ the organisation's line ─▶ a portion at a time, whoever had least
                                                          (for its weight) first

Guarantees: what an organisation sent is begun in its order: while its line is not empty, all that
comes after joins the line. With several lines the processor time is shared by weight (start-time
fair queuing: P. Goyal, H. Vin, H. Cheng, SIGCOMM 1996); nobody saves up turns by being idle.
Lines are bounded, in number of entries and in bytes.
Must not: know what an entry is, or do the work.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
Weights = Callable[[str], float]
"""An organisation's weight: 1 unless the operator says otherwise."""

_RIVAL_SECONDS = 10.0  # how long after its last work an organisation counts as one that competes
_COST_WEIGHT = 0.5  # of the newest entries in what an entry costs
_KEPT = 10_000  # accounts of organisations before those that owe nothing are forgotten


@dataclass(frozen=True, kw_only=True)
class ShareLimits:
    """An organisation of weight 1 may use `rate` seconds of processor time a second, `burst`
    seconds at once, before it stands in line."""

    rate: float = 0.25
    burst: float = 0.25


class _Account:
    __slots__ = ("at", "cost", "credit", "seen")

    def __init__(self, credit: float, now: float) -> None:
        self.credit = credit
        self.cost = math.inf
        self.at = now
        self.seen = now


class ProcessorShares:
    """What each organisation may still use, as a token bucket of processor seconds."""

    def __init__(
        self, limits: ShareLimits, weight_of: Weights, *, now: Callable[[], float]
    ) -> None:
        self._limits = limits
        self._weight_of = weight_of
        self._now = now
        self._accounts: dict[str, _Account] = {}

    def charge(self, org_id: str, seconds: float, entries: int = 1) -> None:
        """The organisation used so much, for so many entries."""
        account = self._account(org_id)
        account.credit -= seconds
        account.seen = self._now()
        cost, known = seconds / max(1, entries), account.cost
        account.cost = cost if math.isinf(known) else known + (cost - known) * _COST_WEIGHT

    def cost(self, org_id: str) -> float:
        """What an entry of the organisation cost of late, in seconds; infinite while unknown."""
        return self._account(org_id).cost

    def over(self, org_id: str) -> bool:
        """Whether it used more than its share."""
        return self._account(org_id).credit < 0

    def rivals(self, org_id: str) -> bool:
        """Whether another organisation had work lately."""
        since = self._now() - _RIVAL_SECONDS
        return any(
            account.seen > since for other, account in self._accounts.items() if other != org_id
        )

    def weight(self, org_id: str) -> float:
        return self._weight_of(org_id)

    def _account(self, org_id: str) -> _Account:
        now, weight = self._now(), self._weight_of(org_id)
        full = self._limits.burst * weight
        account = self._accounts.get(org_id)
        if account is None:
            if len(self._accounts) >= _KEPT:
                self._forget(now)
            account = self._accounts[org_id] = _Account(full, now)
        earned = (now - account.at) * self._limits.rate * weight
        account.credit = min(full, account.credit + earned)
        account.at = now
        return account

    def _forget(self, now: float) -> None:
        self._accounts = {
            org_id: account
            for org_id, account in self._accounts.items()
            if account.credit < 0 or account.seen > now - _RIVAL_SECONDS
        }


class Backlog(NamedTuple):
    """What waits: entries and their bytes."""

    entries: int
    size: int


class _Group(Generic[T]):
    """Entries that came together, and are done together."""

    __slots__ = ("done", "left", "settlements")

    def __init__(self, count: int) -> None:
        self.left = count
        self.settlements: list[Awaitable[None]] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Line(Generic[T]):
    __slots__ = ("cost", "entries", "org_id", "size", "virtual")

    def __init__(self, org_id: str, virtual: float) -> None:
        self.org_id = org_id
        self.entries: deque[tuple[T, int, _Group[T]]] = deque()
        self.size = 0
        self.virtual = virtual
        self.cost = math.inf  # seconds an entry, as last seen; unknown: one at a time


class PortionDone(NamedTuple):
    """`seconds` of processor time; `settlement` is done when the portion's results are kept."""

    seconds: float
    settlement: Awaitable[None] | None


Work = Callable[[Sequence[T]], Awaitable[PortionDone]]


class Lines(Generic[T]):
    """One line for each organisation that is beyond its share. `run` works them off with `work`, in
    portions of about `portion` seconds of at most `most` entries."""

    def __init__(
        self,
        work: Work[T],
        shares: ProcessorShares,
        *,
        max_entries: int,
        max_size: int,
        portion: float = 0.05,
        most: int = 100,
    ) -> None:
        self._work = work
        self._shares = shares
        self._max_entries = max_entries
        self._max_size = max_size
        self._portion = portion
        self._most = most
        self._lines: dict[str, _Line[T]] = {}
        self._entries = 0
        self._size = 0
        self._virtual = 0.0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def backlog(self) -> Backlog:
        """What waits in all lines."""
        return Backlog(self._entries, self._size)

    def backlogs(self) -> dict[str, Backlog]:
        """What waits in each line."""
        return {line.org_id: Backlog(len(line.entries), line.size) for line in self._lines.values()}

    def waits(self, org_id: str) -> bool:
        """Whether the organisation has a line: what comes after must join it."""
        return org_id in self._lines

    async def room(self) -> None:
        """Returns when there is room for another batch."""
        while self._entries >= self._max_entries or self._size >= self._max_size:
            self._room.clear()
            await self._room.wait()

    def join(self, org_id: str, entries: Sequence[tuple[T, int]]) -> asyncio.Future[None]:
        """Put entries (each with its bytes) at the end of the organisation's line. Done when all
        are; the first failure is raised when all have ended. Cancelled: those not begun are left
        out."""
        line = self._lines.get(org_id)
        if line is None:
            line = self._lines[org_id] = _Line(org_id, self._virtual)
        group: _Group[T] = _Group(len(entries))
        line.entries.extend((entry, size, group) for entry, size in entries)
        size = sum(size for _, size in entries)
        line.size += size
        self._entries += len(entries)
        self._size += size
        self._filled.set()
        return group.done

    async def run(self) -> None:
        """Works the lines off, until cancelled."""
        while True:
            while not self._lines:
                self._filled.clear()
                await self._filled.wait()
            line = min(self._lines.values(), key=_virtual)
            self._virtual = line.virtual
            await self._serve(line)
            if not line.entries:
                del self._lines[line.org_id]
            # The work may not have waited for anything.
            await asyncio.sleep(0)

    async def _serve(self, line: _Line[T]) -> None:
        portion, groups = self._take(line)
        if not portion:
            return
        try:
            seconds, settlement = await self._work(portion)
        except asyncio.CancelledError:
            for group in groups:
                group.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the entries
            seconds, settlement = 0.0, None
            for group in groups:
                if not group.done.done():
                    group.done.set_exception(error)
        line.virtual += seconds / self._shares.weight(line.org_id)
        line.cost = seconds / len(portion)
        self._shares.charge(line.org_id, seconds, len(portion))
        kept = None if settlement is None else asyncio.ensure_future(settlement)
        for group in groups:
            if kept is not None:
                group.settlements.append(kept)
            group.left -= 1
        for group in dict.fromkeys(groups):
            if not group.left and not group.done.done():
                _end(group)

    def _take(self, line: _Line[T]) -> tuple[list[T], list[_Group[T]]]:
        """The next entries of a line; without those that nobody waits for any more."""
        count = self._most if line.cost <= 0 else int(min(self._most, self._portion / line.cost))
        portion: list[T] = []
        groups: list[_Group[T]] = []
        while line.entries and len(portion) < max(1, count):
            entry, size, group = line.entries.popleft()
            line.size -= size
            self._size -= size
            self._entries -= 1
            if not group.done.done():
                portion.append(entry)
                groups.append(group)
        self._room.set()
        return portion, groups


def _virtual(line: _Line[T]) -> float:
    return line.virtual


def _end(group: _Group[T]) -> None:
    """The group's last entry was handled: it is done when all settlements are."""
    settlements = [asyncio.ensure_future(one) for one in dict.fromkeys(group.settlements)]
    if not settlements:
        group.done.set_result(None)
        return

    def ended(_: asyncio.Future[None]) -> None:
        if group.done.done() or not all(one.done() for one in settlements):
            return
        for one in settlements:
            error = asyncio.CancelledError() if one.cancelled() else one.exception()
            if isinstance(error, asyncio.CancelledError):
                group.done.cancel()
                return
            if error is not None:
                group.done.set_exception(error)
                return
        group.done.set_result(None)

    for one in settlements:
        one.add_done_callback(ended)
