"""Which hash banks have a medium, as hma-bridge said last.

    MediaSignals ──▶ of each medium that was hashed: the banks that had it before go,
                     those that have it now are there

Guarantees: what comes twice changes nothing, and a log that is read again ends with what it said
last; of a medium that could not be had nothing changes; nothing comes late of a profile that was
erased.
Must not: keep addresses, or hashes: a medium is known by the digest of its address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import HashBank, Kind
from coop_contracts.event import MatchedBank, MediaSignals
from coop_queues.reading import item_key
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.kernel import tombstone
from coop_review_api.media.table import media_matches
from coop_review_api.media_value.reference import digest_of
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received


class _LookedUp(Struct, frozen=True, kw_only=True):
    """A medium of which is known which banks have it."""

    org_id: str
    item_key: str
    value_key: str
    time: datetime
    banks: tuple[MatchedBank, ...]

    @property
    def place(self) -> tuple[str, str, str]:
        return self.org_id, self.item_key, self.value_key


_GIVEN = """unnest(CAST(:orgs AS text[]), CAST(:items AS uuid[]), CAST(:values AS text[]),
            CAST(:times AS timestamptz[])"""
_FORGET = text(
    f"""
    DELETE FROM {media_matches.fullname} m
     USING {_GIVEN}) AS given (org_id, item_key, value_key, time)
     WHERE m.org_id = given.org_id AND m.item_key = given.item_key
       AND m.value_key = given.value_key AND m.matched_at < given.time
    """  # noqa: S608 - names of our own
)
_ADD = text(
    f"""
    INSERT INTO {media_matches.fullname}
           (org_id, item_key, value_key, matched_at, bank_id, algorithm, distance)
    SELECT given.*
      FROM {_GIVEN}, CAST(:banks AS text[]), CAST(:algorithms AS text[]),
            CAST(:distances AS integer[]))
        AS given (org_id, item_key, value_key, time, bank_id, algorithm, distance)
     WHERE NOT EXISTS (SELECT 1 FROM {media_matches.fullname} m
            WHERE m.org_id = given.org_id AND m.item_key = given.item_key
              AND m.value_key = given.value_key AND m.matched_at > given.time)
     ORDER BY given.org_id, given.item_key, given.value_key, given.bank_id, given.algorithm
        ON CONFLICT (org_id, item_key, value_key, bank_id, algorithm) DO NOTHING
    """  # noqa: S608 - names of our own
)


class MediaMatches:
    """Handles batches of MediaSignals."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, batch: Sequence[Received[MediaSignals]]) -> None:
        """Raises `Retryable`."""
        events = sorted((one.event for one in batch), key=lambda event: event.time)
        last = {one.place: one for event in events for one in _looked_up(event)}
        found = [last[place] for place in sorted(last)]
        if not found:
            return
        async with transaction(self._engine) as connection:
            keys = {(one.org_id, one.item_key) for one in found}
            erased = await tombstone.among(connection, keys)
            left = [
                one
                for one in found
                if (known := erased.get((one.org_id, one.item_key))) is None
                or not known.covers(one.time)
            ]
            await connection.execute(_FORGET, _places(left))
            matched = [(one, bank) for one in left for bank in _nearest(one.banks)]
            if matched:
                banks = [bank for _, bank in matched]
                rows = _places([one for one, _ in matched]) | {
                    "banks": [bank.bank_id for bank in banks],
                    "algorithms": [bank.algorithm for bank in banks],
                    "distances": [bank.distance for bank in banks],
                }
                await connection.execute(_ADD, rows)


def _looked_up(event: MediaSignals) -> Iterator[_LookedUp]:
    for signal in event.media:
        if signal.hashes:
            whose = signal.item or event.item
            yield _LookedUp(
                org_id=event.org_id,
                item_key=item_key(whose.type_id, whose.id),
                value_key=digest_of(signal.url),
                time=event.time,
                banks=signal.matched_banks,
            )


def _places(found: Sequence[_LookedUp]) -> dict[str, list[Any]]:
    return {
        "orgs": [one.org_id for one in found],
        "items": [one.item_key for one in found],
        "values": [one.value_key for one in found],
        "times": [one.time for one in found],
    }


def _nearest(banks: Sequence[MatchedBank]) -> list[MatchedBank]:
    """Of each bank and algorithm one: they are told nearest first."""
    return list({(one.bank_id, one.algorithm): one for one in reversed(banks)}.values())


class Match(Struct, frozen=True, kw_only=True):
    """A bank that has the medium; `bank_name` is None where the bank is gone. `distance` is in
    bits. `known_good`: the bank says that it is harmless."""

    bank_id: str
    bank_name: str | None
    known_good: bool
    algorithm: str
    distance: int | None
    matched_at: datetime


async def matches_of(
    connection: AsyncConnection, org_id: str, item_key: str, value_key: str
) -> list[Match]:
    """The banks that have the medium, the nearest first."""
    table = media_matches.c
    query = (
        select(table.bank_id, table.algorithm, table.distance, table.matched_at)
        .where(table.org_id == org_id, table.item_key == item_key, table.value_key == value_key)
        .order_by(table.distance.asc().nulls_last(), table.bank_id, table.algorithm)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    named = {(Kind.HASH_BANK, row.bank_id) for row in rows}
    banks = await load_documents(connection, org_id, named)
    found = []
    for row in rows:
        bank = banks.get(Kind.HASH_BANK, HashBank, row.bank_id)
        name, good = (bank.name, bank.known_good) if bank else (None, False)
        found.append(Match(bank_name=name, known_good=good, **row._mapping))
    return found


async def forget_matches(connection: AsyncConnection, org_id: str, item_keys: Sequence[str]) -> int:
    """Nothing is known any more of which banks have these items' media; how many rows that were."""
    table = media_matches.c
    done = await connection.execute(
        delete(media_matches).where(table.org_id == org_id, table.item_key.in_(item_keys))
    )
    return done.rowcount
