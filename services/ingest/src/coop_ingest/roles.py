"""What can be run of ingest.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Role, RoleTable

TABLE = RoleTable(
    "coop_ingest",
    roles=(
        Role(
            "api",
            "coop_ingest.app:api",
            settings="coop_ingest.settings:Settings",
            process="ingest",
            internal_port=9080,
            port="ingest_port",
            internal_token=True,
        ),
    ),
)
