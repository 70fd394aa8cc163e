"""What the queue store holds of one organisation.

Must not: be used while anything of the organisation is still placed or decided.
"""

from __future__ import annotations

from typing import Final

from coop_queues.table import SCHEMA
from coop_runtime.database.org_record import OrgRecords

_JOBS = "(SELECT j.job_id FROM queues.jobs AS j WHERE j.org_id = :org)"

RECORDS: Final = OrgRecords(SCHEMA, conditions={"job_items": f"t.job_id IN {_JOBS}"})
