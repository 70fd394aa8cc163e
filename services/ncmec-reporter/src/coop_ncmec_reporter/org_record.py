"""What the reporter holds of one organisation.

Must not: be removed while something of the organisation may still arrive, or has to be preserved.
"""

from __future__ import annotations

from typing import Final

from coop_ncmec_reporter.schema import SCHEMA
from coop_runtime.database.org_record import OUTBOX, OrgRecords

# Orphans are files of which nobody knows whose they were; served schemas are NCMEC's.
RECORDS: Final = OrgRecords(
    SCHEMA, conditions={"outbox": OUTBOX, "orphans": None, "served_schemas": None}
)
