"""Evidence is destroyed by two people: one asks, another confirms.

Guarantees: what forbids it is looked at when it is asked and when it is confirmed; keys and
ciphertexts go in the transaction of the confirmation, files after it (`destroyer`); each step
leaves a row of the log of evidence in its transaction.
Must not: be called without the report's row locked.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.cybertip import DestructionGround
from coop_ncmec_reporter import destruction_store, evidence_log, hold_store
from coop_ncmec_reporter.destruction_store import DestructionRow
from coop_ncmec_reporter.keeping import Keeping, KeepingRefusal
from coop_ncmec_reporter.store import Cybertip


async def ask(
    connection: AsyncConnection,
    tip: Cybertip,
    keeping: Keeping,
    *,
    person: str,
    ground: DestructionGround,
    reason: str,
    now: datetime,
) -> None:
    """The first person's word. Raises KeepingRefusal."""
    held = await hold_store.holds(connection, [tip.cybertip_id], now=now)
    keeping.check(tip, held.get(tip.cybertip_id), ground, now)
    last = await destruction_store.latest(connection, [tip.cybertip_id], now=now)
    open_ = last.get(tip.cybertip_id)
    if open_ is not None and open_.state == "ASKED":
        raise KeepingRefusal(f"{open_.asked_by} asked for it already", kind="destruction-asked")
    await destruction_store.add(
        connection,
        tip,
        person=person,
        ground=ground,
        reason=reason,
        now=now,
        expires_at=now + keeping.answer,
    )
    why = f"{ground}: {reason}"
    await evidence_log.note(connection, tip, who=person, what="destruction asked", why=why, now=now)


async def confirm(
    connection: AsyncConnection, tip: Cybertip, keeping: Keeping, *, person: str, now: datetime
) -> None:
    """The second person's word: from here on nothing can be read. The same again changes nothing.
    Raises KeepingRefusal."""
    last = await destruction_store.latest(connection, [tip.cybertip_id], now=now)
    asked = last.get(tip.cybertip_id)
    if asked is not None and asked.answered_by == person and tip.destroyed_at is not None:
        return
    asked = _open(asked)
    if asked.asked_by == person:
        raise KeepingRefusal("a second person has to confirm it", kind="second-person")
    held = await hold_store.holds(connection, [tip.cybertip_id], now=now)
    keeping.check(tip, held.get(tip.cybertip_id), asked.ground, now)
    await destruction_store.answer(connection, asked, "CONFIRMED", person=person, now=now)
    await destruction_store.forget(connection, tip, now=now)
    why = f"{asked.ground}: {asked.reason}"
    await evidence_log.note(
        connection, tip, who=person, what="destruction confirmed", why=why, now=now
    )


async def refuse(connection: AsyncConnection, tip: Cybertip, *, person: str, now: datetime) -> None:
    """Nothing is destroyed. Raises KeepingRefusal."""
    last = await destruction_store.latest(connection, [tip.cybertip_id], now=now)
    asked = _open(last.get(tip.cybertip_id))
    await destruction_store.answer(connection, asked, "REFUSED", person=person, now=now)
    await evidence_log.note(connection, tip, who=person, what="destruction refused", now=now)


def _open(asked: DestructionRow | None) -> DestructionRow:
    if asked is None or asked.state != "ASKED":
        was = "nobody asked for it" if asked is None else f"the request is {asked.state}"
        raise KeepingRefusal(f"nothing to answer: {was}", kind="destruction-not-asked")
    return asked
