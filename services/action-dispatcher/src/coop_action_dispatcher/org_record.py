"""What the dispatcher holds of one organisation.

Must not: be removed while something of the organisation may still arrive.
"""

from __future__ import annotations

from typing import Final

from coop_action_dispatcher.schema import SCHEMA
from coop_runtime.database.org_record import OUTBOX, OrgRecords

_REQUESTS = "(SELECT r.seq FROM dispatch.requests AS r WHERE r.org_id = :org)"
_ENDPOINTS = "(SELECT e.id FROM dispatch.endpoints AS e WHERE e.org_id = :org)"
_USERS = "(SELECT u.user_digest FROM dispatch.strike_users AS u WHERE u.org_id = :org)"
_STRIKES = f"(SELECT s.strike_id FROM dispatch.strikes AS s WHERE s.user_digest IN {_USERS})"  # noqa: S608

RECORDS: Final = OrgRecords(
    SCHEMA,
    conditions={
        "attempts": f"t.seq IN {_REQUESTS}",
        "endpoint_minutes": f"t.endpoint_id IN {_ENDPOINTS}",
        "outbox": OUTBOX,
        "owners": None,  # processes
        "strike_executions": f"t.strike_id IN {_STRIKES}",
        "strikes": f"t.user_digest IN {_USERS}",
    },
)
