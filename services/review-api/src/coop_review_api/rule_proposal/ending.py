"""When a proposal is forgotten; what was approved is in the logs."""

from __future__ import annotations

from typing import Final

from coop_review_api.kernel.ending import RECORD_DAYS, Ending
from coop_review_api.rule_proposal.table import rule_proposals

ENDINGS: Final = (
    Ending(table=rule_proposals, column=rule_proposals.c.proposed_at, kept=RECORD_DAYS),
)
