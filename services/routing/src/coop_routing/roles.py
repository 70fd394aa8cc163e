"""What can be run of routing.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Migration, Role, RoleTable

_SETTINGS = "coop_routing.settings:Settings"

TABLE = RoleTable(
    "coop_routing",
    roles=(
        Role(
            "router",
            "coop_routing.app:router",
            settings=_SETTINGS,
            process="routing",
            internal_port=9084,
            database_role="coop_queues",
            secret_keys=True,
            egress=True,
        ),
    ),
    migration=Migration(
        "coop_queues.migrations:run", settings=_SETTINGS, database_role="coop_queues"
    ),
)
