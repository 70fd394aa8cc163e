"""What people wrote into second reviews and golden items, when it is no longer kept; what was
answered stays, as categories."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Table, Text, and_, cast, select
from sqlalchemy.sql.expression import Label

from coop_queues.reading import jobs
from coop_review_api.configuration.fading import Fades, Fading, Spares
from coop_review_api.quality.table import golden_items, second_reviews

_ABOUT: Final = "about"


def fading(spares: Spares) -> tuple[Fades, ...]:
    """Reasons and notes of answers; notes of golden items that are handed out no more."""
    answers, golden = second_reviews.c, golden_items.c
    return (
        Fading(
            table=second_reviews,
            column=answers.answered_at,
            key=_key_of,
            spares=spares,
            beside=(_item_of(second_reviews),),
            # Child-safety reviews stay, whatever became of their jobs.
            only=and_(
                answers.reason.is_not(None) | answers.note.is_not(None), answers.csam.is_(False)
            ),
            values={"reason": None, "note": None},
        ),
        Fading(
            table=golden_items,
            column=golden.retired_at,
            key=_key_of,
            spares=spares,
            beside=(_item_of(golden_items),),
            only=and_(golden.note.is_not(None), golden.csam.is_(False)),
            values={"note": None},
        ),
    )


def _key_of(row: Any) -> str:
    return str(getattr(row, _ABOUT))


def _item_of(table: Table) -> Label[Any]:
    """The item of the row's job."""
    found = select(jobs.c.item_key).where(
        jobs.c.org_id == table.c.org_id, cast(jobs.c.job_id, Text) == table.c.job_id
    )
    return found.scalar_subquery().label(_ABOUT)
