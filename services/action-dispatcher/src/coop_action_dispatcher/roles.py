"""What can be run of the dispatcher.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Migration, Role, RoleTable

_SETTINGS = "coop_action_dispatcher.settings:Settings"
_DATABASE_ROLE = "coop_dispatch"

TABLE = RoleTable(
    "coop_action_dispatcher",
    roles=(
        Role(
            "api",
            "coop_action_dispatcher.api.app:api",
            settings="coop_action_dispatcher.settings:ApiSettings",
            process="dispatch-api",
            internal_port=9086,
            port="dispatch_port",
            public=False,
            database_role=_DATABASE_ROLE,
            secret_keys=True,
            egress=True,
            internal_token=True,
        ),
        Role(
            "dispatcher",
            "coop_action_dispatcher.app:dispatcher",
            settings=_SETTINGS,
            process="action-dispatcher",
            internal_port=9085,
            database_role=_DATABASE_ROLE,
            secret_keys=True,
            egress=True,
        ),
    ),
    migration=Migration(
        "coop_action_dispatcher.migrations:run", settings=_SETTINGS, database_role=_DATABASE_ROLE
    ),
)
