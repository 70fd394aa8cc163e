"""When the report of an erasure is forgotten. That it was carried out stays in the audit log."""

from __future__ import annotations

from typing import Final

from coop_review_api.erasure.table import erasures
from coop_review_api.kernel.ending import RECORD_DAYS, Ending

ENDINGS: Final = (Ending(table=erasures, column=erasures.c.finished_at, kept=RECORD_DAYS),)
