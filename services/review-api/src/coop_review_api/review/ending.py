"""When a draft that nobody sent is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from coop_review_api.kernel.ending import Ending
from coop_review_api.review.table import job_drafts

ENDINGS: Final = (Ending(table=job_drafts, column=job_drafts.c.expires_at, kept=timedelta(0)),)
