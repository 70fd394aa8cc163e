"""When what is known of media is forgotten; derivatives, whose bytes lie elsewhere, by `keeper`."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from coop_review_api.kernel.ending import RECORD_DAYS, Ending
from coop_review_api.media.table import media_facts, media_matches, media_reveals

FACT_DAYS: Final = timedelta(days=30)

ENDINGS: Final = (
    Ending(table=media_facts, column=media_facts.c.fetched_at, kept=FACT_DAYS),
    Ending(table=media_matches, column=media_matches.c.matched_at, kept=RECORD_DAYS),
    Ending(table=media_reveals, column=media_reveals.c.revealed_at, kept=RECORD_DAYS),
)
