"""When an alarm that was raised is forgotten: long after its event left the log, so that a replay
raises nothing twice."""

from __future__ import annotations

from typing import Final

from coop_review_api.kernel.ending import RECORD_DAYS, Ending
from coop_review_api.notification.table import alarms

ENDINGS: Final = (Ending(table=alarms, column=alarms.c.raised_at, kept=RECORD_DAYS),)
