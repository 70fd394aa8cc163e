"""When what opened something once is forgotten: sessions, challenges, links, invitations, the
brake."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from coop_review_api.kernel.ending import SPENT, Ending
from coop_review_api.people.table import (
    invitations,
    login_challenges,
    login_throttle,
    password_resets,
    sessions,
)

_INVITATION = timedelta(days=90)
_THROTTLE = timedelta(days=30)

ENDINGS: Final = (
    Ending(table=sessions, column=sessions.c.expires_at, kept=SPENT),
    Ending(table=login_challenges, column=login_challenges.c.expires_at, kept=SPENT),
    Ending(table=password_resets, column=password_resets.c.expires_at, kept=SPENT),
    Ending(table=invitations, column=invitations.c.expires_at, kept=_INVITATION),
    Ending(table=login_throttle, column=login_throttle.c.updated_at, kept=_THROTTLE),
)
