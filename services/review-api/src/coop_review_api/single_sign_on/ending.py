"""When a sign-in through an identity provider is forgotten. An assertion is refused by its own time
before that."""

from __future__ import annotations

from typing import Final

from coop_review_api.kernel.ending import SPENT, Ending
from coop_review_api.single_sign_on.table import sso_assertions, sso_attempts

ENDINGS: Final = (
    Ending(table=sso_attempts, column=sso_attempts.c.expires_at, kept=SPENT),
    Ending(table=sso_assertions, column=sso_assertions.c.expires_at, kept=SPENT),
)
