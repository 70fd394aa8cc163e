"""What can be run of the reporter.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Migration, Role, RoleTable

_SETTINGS = "coop_ncmec_reporter.settings:Settings"
_DATABASE_ROLE = "coop_ncmec"

TABLE = RoleTable(
    "coop_ncmec_reporter",
    roles=(
        Role(
            "reporter",
            "coop_ncmec_reporter.app:reporter",
            settings=_SETTINGS,
            process="ncmec-reporter",
            internal_port=9094,
            port="ncmec_port",
            public=False,
            database_role=_DATABASE_ROLE,
            secret_keys=True,
            egress=True,
            internal_token=True,
        ),
    ),
    migration=Migration(
        "coop_ncmec_reporter.migrations:run", settings=_SETTINGS, database_role=_DATABASE_ROLE
    ),
)
