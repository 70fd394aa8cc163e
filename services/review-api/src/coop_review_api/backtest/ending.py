"""When a retroaction is forgotten, its preview and its run with it."""

from __future__ import annotations

from typing import Final

from coop_review_api.backtest.table import retroactions
from coop_review_api.kernel.ending import RECORD_DAYS, Ending

ENDINGS: Final = (Ending(table=retroactions, column=retroactions.c.created_at, kept=RECORD_DAYS),)
