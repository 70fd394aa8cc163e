"""Choosing to see: who lifted the veil of what, in which session, for how long.

    reveal ──▶ an address that opens for a short while, for this person in this session
           ──▶ a row: it counts for them
           ──▶ of child-abuse material: a row in the audit log, in the same transaction

    seen for: until it is veiled again, as the page says; else as long as pages leave a veil lifted

Guarantees: what a reveal opens, it opens to nobody else, at no other stage, for no other medium and
not after its time or the session's end; nothing grey or clear is given without one.
Must not: be taken back: that somebody saw something stays.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel import audit
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.metric import MEDIA_REVEALS
from coop_review_api.kernel.principal import Principal
from coop_review_api.media.medium import Medium, Stage
from coop_review_api.media.table import media_reveals

OPEN: Final = timedelta(seconds=60)
"""For a picture."""

PLAYED: Final = timedelta(minutes=15)
"""For what is played: a browser asks for it piece by piece."""

LONGEST: Final = 3600.0
"""Seconds: whoever leaves a page open looks at it no longer than that."""

GRAPHIC: Final = 3
"""The severity of a job from which on what is seen in it counts as graphic."""


class Reveal(Struct, frozen=True, kw_only=True):
    reveal_id: str
    expires_at: datetime


async def lift(
    connection: AsyncConnection,
    principal: Principal,
    medium: Medium,
    *,
    reference: str,
    stage: Stage,
    is_played: bool,
    veil_after: float,
    now: datetime,
) -> Reveal:
    """The person sees it, from now on. `veil_after`: seconds after which pages veil it again."""
    reveal = Reveal(
        reveal_id=secrets.token_urlsafe(24), expires_at=now + (PLAYED if is_played else OPEN)
    )
    await connection.execute(
        insert(media_reveals).values(
            reveal_id=reveal.reveal_id,
            org_id=medium.org_id,
            user_id=principal.user_id,
            session_id=principal.session_id,
            reference=_hash(reference),
            stage=stage,
            job_id=medium.job_id,
            item_key=medium.item_key,
            value_key=medium.value_key,
            is_graphic=medium.is_grave or medium.severity >= GRAPHIC,
            is_grave=medium.is_grave,
            revealed_at=now,
            expires_at=reveal.expires_at,
            seconds=veil_after,
        )
    )
    if medium.is_grave:
        await audit.record(
            connection,
            org_id=medium.org_id,
            actor=principal.user_id,
            action="child-safety.revealed",
            target=("item", medium.item.id),
            detail={
                "typeId": medium.item.type_id,
                "medium": medium.value_key,
                "stage": stage,
                "jobId": medium.job_id,
            },
            time=now,
        )
    MEDIA_REVEALS.labels(stage).inc()
    return reveal


async def check(
    connection: AsyncConnection,
    principal: Principal,
    reveal_id: str,
    *,
    reference: str,
    stage: Stage,
    now: datetime,
) -> None:
    """Raises `NotFound` unless the reveal opens this medium at this stage, to this person, now."""
    found = await connection.scalar(
        select(media_reveals.c.reveal_id).where(
            media_reveals.c.reveal_id == reveal_id,
            media_reveals.c.org_id == principal.org_id,
            media_reveals.c.user_id == principal.user_id,
            media_reveals.c.session_id == principal.session_id,
            media_reveals.c.reference == _hash(reference),
            media_reveals.c.stage == stage,
            media_reveals.c.expires_at > now,
            media_reveals.c.veiled_at.is_(None),
        )
    )
    if found is None:
        raise NotFound("it was not revealed, or is veiled again")


async def veil(
    connection: AsyncConnection, principal: Principal, reveal_id: str, *, now: datetime
) -> None:
    """The person sees it no longer. Raises `NotFound` for a reveal that is not theirs."""
    mine = (media_reveals.c.reveal_id == reveal_id) & (media_reveals.c.user_id == principal.user_id)
    row = (await connection.execute(select(media_reveals).where(mine))).one_or_none()
    if row is None:
        raise NotFound("no such reveal")
    if row.veiled_at is not None:
        return
    seconds = min(LONGEST, max(0.0, (now - row.revealed_at).total_seconds()))
    await connection.execute(
        update(media_reveals)
        .where(mine, media_reveals.c.veiled_at.is_(None))
        .values(veiled_at=now, seconds=seconds)
    )


def _hash(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()
