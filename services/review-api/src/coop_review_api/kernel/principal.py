"""Who makes a request.

Must not: know how they signed in, or read anything; `people.session` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from coop_contracts.permission import Permission


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who makes a request. `must_enrol`: the organisation requires a second factor, and this
    person has none: they may set one up and nothing else. The session is over at `expires_at`, or
    at `idle_expires_at` (exact to a minute) if nothing is asked in it until then."""

    user_id: str
    org_id: str
    email: str
    name: str
    role: str
    permissions: frozenset[Permission]
    session_id: str
    expires_at: datetime
    idle_expires_at: datetime
    must_enrol: bool

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions
