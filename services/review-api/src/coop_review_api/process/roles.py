"""What can be run of review-api.

Must not: import what it names.
"""

from __future__ import annotations

from coop_runtime.process.role import Command, Migration, Role, RoleTable

_SETTINGS = "coop_review_api.settings:Settings"
_DATABASE_ROLE = "coop_review"

TABLE = RoleTable(
    "coop_review_api",
    roles=(
        Role(
            "relay",
            "coop_review_api.process.relay:relay",
            settings="coop_review_api.settings:RelaySettings",
            process="review-relay",
            internal_port=9082,
            database_role=_DATABASE_ROLE,
            secret_keys=True,
            internal_token=True,
        ),
        Role(
            "projector",
            "coop_review_api.process.projector:projector",
            settings="coop_review_api.settings:ProjectorSettings",
            process="review-projector",
            internal_port=9087,
            database_role=_DATABASE_ROLE,
        ),
        Role(
            "history",
            "coop_review_api.process.history:history",
            settings="coop_review_api.settings:HistorySettings",
            process="review-history",
            internal_port=9095,
            database_role=_DATABASE_ROLE,
        ),
        Role(
            "lookup",
            "coop_review_api.process.lookup:lookup",
            settings="coop_review_api.settings:LookupSettings",
            process="review-lookup",
            internal_port=9096,
            port="review_lookup_port",
            public=False,
            database_role=_DATABASE_ROLE,
            internal_token=True,
        ),
        Role(
            "api",
            "coop_review_api.process.api:api",
            settings=_SETTINGS,
            process="review-api",
            internal_port=9081,
            port="review_port",
            database_role=_DATABASE_ROLE,
            secret_keys=True,
            egress=True,
            object_store=True,
            internal_token=True,
        ),
    ),
    migration=Migration(
        "coop_review_api.migrations:run", settings=_SETTINGS, database_role=_DATABASE_ROLE
    ),
    commands=(
        Command("org", "coop_review_api.organisation.org_command:run_org"),
        Command("create-org", "coop_review_api.organisation.create_command:run_create_org"),
        Command("import", "coop_review_api.process.moving:run_import"),
        Command("shadow", "coop_review_api.shadow.shadow_command:run_shadow"),
        Command("sso-domain", "coop_review_api.people.domain_command:run_domain"),
    ),
)
