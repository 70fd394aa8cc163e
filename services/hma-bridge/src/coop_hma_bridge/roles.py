"""What can be run of the bridge.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Command, Migration, Role, RoleTable

_SETTINGS = "coop_hma_bridge.settings:Settings"
_DATABASE_ROLE = "coop_hashes"

TABLE = RoleTable(
    "coop_hma_bridge",
    roles=(
        Role(
            "bridge",
            "coop_hma_bridge.app:bridge",
            settings=_SETTINGS,
            process="hma-bridge",
            internal_port=9091,
            port="hash_port",
            public=False,
            database_role=_DATABASE_ROLE,
            egress=True,
            internal_token=True,
        ),
    ),
    migration=Migration(
        "coop_hma_bridge.migrations:run", settings=_SETTINGS, database_role=_DATABASE_ROLE
    ),
    commands=(Command("rehash", "coop_hma_bridge.rehash_command:run_rehash"),),
)
