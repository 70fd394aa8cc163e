"""When an automation that has ended is forgotten."""

from __future__ import annotations

from typing import Final

from coop_review_api.automation.table import automations
from coop_review_api.kernel.ending import RECORD_DAYS, Ending

ENDINGS: Final = (Ending(table=automations, column=automations.c.finished_at, kept=RECORD_DAYS),)
