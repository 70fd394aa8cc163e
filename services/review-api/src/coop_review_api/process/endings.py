"""Everything that goes when its time is over, of all slices."""

from __future__ import annotations

from typing import Final

import coop_review_api.automation.ending
import coop_review_api.backtest.ending
import coop_review_api.enforcement.ending
import coop_review_api.erasure.ending
import coop_review_api.kernel.tombstone
import coop_review_api.media.ending
import coop_review_api.notification.ending
import coop_review_api.people.ending
import coop_review_api.review.ending
import coop_review_api.rule_proposal.ending
import coop_review_api.single_sign_on.ending
import coop_review_api.tally.ending
from coop_review_api.kernel.ending import Ending

ENDINGS: Final[tuple[Ending, ...]] = (
    *coop_review_api.automation.ending.ENDINGS,
    *coop_review_api.backtest.ending.ENDINGS,
    *coop_review_api.enforcement.ending.ENDINGS,
    *coop_review_api.media.ending.ENDINGS,
    *coop_review_api.erasure.ending.ENDINGS,
    *coop_review_api.kernel.tombstone.ENDINGS,
    *coop_review_api.notification.ending.ENDINGS,
    *coop_review_api.people.ending.ENDINGS,
    *coop_review_api.review.ending.ENDINGS,
    *coop_review_api.rule_proposal.ending.ENDINGS,
    *coop_review_api.single_sign_on.ending.ENDINGS,
    *coop_review_api.tally.ending.ENDINGS,
)
