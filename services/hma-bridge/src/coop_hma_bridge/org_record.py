"""What the bridge holds of one organisation.

Must not: be removed while something of the organisation may still arrive.
"""

from __future__ import annotations

from typing import Final

from coop_hma_bridge.schema import SCHEMA
from coop_runtime.database.org_record import OrgRecords

_BANKS = "(SELECT b.bank_no FROM hashes.banks AS b WHERE b.org_id = :org)"

RECORDS: Final = OrgRecords(SCHEMA, conditions={"entries": f"t.bank_no IN {_BANKS}"})
