"""What of Coop's own PostgreSQL is read: tables, their columns, whose row is whose.

Guarantees: a column that is neither read nor left alone on purpose is reported by the reader, so
that what a later release of Coop keeps is never passed over in silence.
Must not: name a table of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MRT: Final = "manual_review_tool"
_PEOPLE: Final = "user_management_service"
_SIGNALS: Final = "signal_auth_service"


@dataclass(frozen=True, kw_only=True)
class CoopTable:
    """`needed` are columns without which this is not Coop's schema, `later` those that releases
    brought, `ignored` those that are left alone. `where` is the condition for one organisation
    (`%(org)s`). `casts` are how a column is asked for where its driver's form is of no use. A table
    that is not `required` may be missing."""

    name: str
    needed: tuple[str, ...]
    order: str
    schema: str = "public"
    where: str = "org_id = %(org)s"
    later: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    casts: dict[str, str] = field(default_factory=dict)
    required: bool = True

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


_TIMES: Final = ("created_at", "updated_at")
_SINCE: Final = {"sys_period": "lower(sys_period)"}
_ITEM_ROLES: Final = (
    "creator_id_field",
    "thread_id_field",
    "parent_id_field",
    "created_at_field",
    "display_name_field",
    "is_deleted_field",
    "profile_icon_field",
    "background_image_field",
)
_ITEM_TYPE: Final = ("id", "name", "description", "kind", "fields", "is_default_user", *_ITEM_ROLES)
_KIND: Final = {"kind": "kind::text"}
_WELLNESS: Final = (
    "moderator_safety_mute_video",
    "moderator_safety_grayscale",
    "moderator_safety_blur_level",
)
_ROUTING: Final = (
    "id",
    "name",
    "description",
    "sequence_number",
    "condition_set",
    "destination_queue_id",
)


def _of(owner: str, column: str, schema: str = "public") -> str:
    """Rows that belong to an organisation by their owner."""
    return f"{column} IN (SELECT id FROM {schema}.{owner} WHERE org_id = %(org)s)"  # noqa: S608


def _relation(
    name: str, columns: tuple[str, str], where: str, schema: str = "public", **more: tuple[str, ...]
) -> CoopTable:
    return CoopTable(
        name=name,
        schema=schema,
        needed=columns,
        order=", ".join(columns),
        where=where,
        ignored=(*_TIMES, "org_id", "sys_period", *more.get("ignored", ())),
        later=more.get("later", ()),
    )


_ALL: Final = (
    CoopTable(
        name="orgs",
        needed=("id", "name", "email", "website_url"),
        later=("on_call_alert_email",),
        ignored=(*_TIMES, "api_key_id"),
        where="id = %(org)s",
        order="id",
    ),
    CoopTable(
        name="org_settings",
        needed=("has_reporting_rules_enabled", "has_appeals_enabled", "saml_enabled"),
        later=(
            "partial_items_endpoint",
            "partial_items_request_headers",
            "appeal_callback_url",
            "appeal_callback_headers",
            "appeal_callback_body",
            "allow_multiple_policies_per_action",
            "user_strike_ttl_days",
            "sso_url",
            "cert",
            "is_demo_org",
        ),
        ignored=(*_TIMES, "org_id", "show_usage_statistics"),
        order="org_id",
    ),
    CoopTable(
        name="manual_review_tool_settings",
        schema=MRT,
        needed=("requires_policy_for_decisions",),
        later=(
            "mrt_requires_decision_reason",
            "mrt_requires_decision_reason_on_action",
            "mrt_requires_decision_reason_on_ignore",
            "hide_skip_button_for_non_admins",
            "ignore_callback_url",
            "preview_jobs_view_enabled",
        ),
        ignored=(*_TIMES, "org_id"),
        order="org_id",
    ),
    CoopTable(
        name="org_default_user_interface_settings",
        schema=_PEOPLE,
        needed=_WELLNESS,
        later=("moderator_safety_sepia",),
        ignored=(*_TIMES, "org_id"),
        order="org_id",
    ),
    CoopTable(
        name="user_interface_settings",
        schema=_PEOPLE,
        needed=("user_id", *_WELLNESS),
        later=("moderator_safety_sepia", "mrt_chart_configurations"),
        ignored=_TIMES,
        where=_of("users", "user_id"),
        order="user_id",
    ),
    CoopTable(
        name="user_strike_thresholds",
        needed=("threshold", "actions"),
        later=("action_parameters",),
        ignored=(*_TIMES, "id", "org_id"),
        order="threshold",
    ),
    CoopTable(
        name="api_keys",
        needed=("id", "key_hash", "name", "description", "is_active", *_TIMES),
        ignored=("org_id", "last_used_at", "created_by"),
        order="created_at, id",
    ),
    CoopTable(
        name="signing_keys",
        needed=("key_data",),
        ignored=(*_TIMES, "org_id"),
        order="org_id",
    ),
    CoopTable(
        name="item_types",
        needed=(*_ITEM_TYPE, "sys_period"),
        later=("ip_address_field", "email_field"),
        ignored=(*_TIMES, "org_id"),
        casts={**_SINCE, **_KIND},
        order="is_default_user DESC, id",
    ),
    CoopTable(
        name="item_types_history",
        needed=(*_ITEM_TYPE, "sys_period"),
        later=("ip_address_field", "email_field"),
        ignored=(*_TIMES, "org_id"),
        casts={**_SINCE, **_KIND},
        order="id, lower(sys_period)",
    ),
    CoopTable(
        name="manual_review_hidden_item_fields",
        schema=MRT,
        needed=("item_type_id", "hidden_fields"),
        ignored=(*_TIMES, "org_id"),
        order="item_type_id",
    ),
    CoopTable(
        name="policies",
        needed=(
            "id",
            "name",
            "parent_id",
            "policy_text",
            "policy_type",
            "penalty",
            "user_strike_count",
        ),
        later=("enforcement_guidelines", "apply_user_strike_count_config_to_children"),
        ignored=(*_TIMES, "org_id", "semantic_version", "sys_period"),
        order="id",
    ),
    CoopTable(
        name="actions",
        needed=(
            "id",
            "name",
            "description",
            "action_type",
            "callback_url",
            "callback_url_headers",
            "callback_url_body",
            "applies_to_all_items_of_kind",
            "penalty",
        ),
        later=("apply_user_strikes", "custom_mrt_api_params"),
        ignored=(*_TIMES, "org_id", "sys_period"),
        casts={"applies_to_all_items_of_kind": "applies_to_all_items_of_kind::text[]"},
        order="id",
    ),
    _relation("actions_and_item_types", ("action_id", "item_type_id"), _of("actions", "action_id")),
    CoopTable(
        name="text_banks",
        needed=("id", "name", "description", "type", "strings"),
        ignored=(*_TIMES, "org_id", "owner_id"),
        order="id",
    ),
    CoopTable(
        name="location_banks",
        needed=("id", "name", "description"),
        ignored=(*_TIMES, "org_id", "owner_id", "full_places_api_responses"),
        order="id",
    ),
    CoopTable(
        name="location_bank_locations",
        needed=("id", "bank_id", "name", "geometry", "bounds"),
        ignored=(*_TIMES, "google_place_info"),
        where=_of("location_banks", "bank_id"),
        order="bank_id, created_at, id",
    ),
    CoopTable(
        name="hash_banks",
        needed=("id", "name", "hma_name", "description", "enabled_ratio"),
        ignored=(*_TIMES, "org_id", "source"),
        required=False,
        order="id",
    ),
    CoopTable(
        name="rules",
        needed=(
            "id",
            "name",
            "description",
            "status_if_unexpired",
            "expiration_time",
            "rule_type",
            "tags",
            "max_daily_actions",
            "condition_set",
        ),
        ignored=(
            *_TIMES,
            "org_id",
            "creator_id",
            "daily_actions_run",
            "last_action_date",
            "alarm_status",
            "alarm_status_set_at",
            "parent_id",
            "rate_limit_config",
            "sys_period",
        ),
        # A time that has no end is none.
        casts={"expiration_time": "CASE WHEN isfinite(expiration_time) THEN expiration_time END"},
        order="id",
    ),
    _relation("rules_and_item_types", ("rule_id", "item_type_id"), _of("rules", "rule_id")),
    _relation("rules_and_policies", ("rule_id", "policy_id"), _of("rules", "rule_id")),
    _relation(
        "rules_and_actions",
        ("rule_id", "action_id"),
        _of("rules", "rule_id"),
        later=("action_parameters",),
    ),
    CoopTable(
        name="reporting_rules",
        schema="reporting_rules",
        needed=("id", "name", "description", "status", "condition_set"),
        ignored=(*_TIMES, "org_id", "creator_id", "sys_period"),
        order="id",
    ),
    CoopTable(
        name="manual_review_queues",
        schema=MRT,
        needed=("id", "name", "description", "is_default_queue", "is_appeals_queue"),
        later=(
            "auto_close_jobs",
            "clear_reports_disposition",
            "clear_reports_scope",
            "job_sort_type",
        ),
        ignored=(*_TIMES, "org_id"),
        order="is_default_queue DESC, created_at, id",
    ),
    _relation("queues_and_hidden_actions", ("queue_id", "action_id"), "org_id = %(org)s", MRT),
    CoopTable(
        name="queues_and_clear_reports_trigger_actions",
        schema=MRT,
        needed=("queue_id", "action_id"),
        ignored=(*_TIMES, "org_id"),
        required=False,
        order="queue_id, action_id",
    ),
    _relation(
        "users_and_accessible_queues",
        ("user_id", "queue_id"),
        _of("manual_review_queues", "queue_id", MRT),
        MRT,
    ),
    _relation("users_and_favorite_mrt_queues", ("user_id", "queue_id"), "org_id = %(org)s", MRT),
    *(
        CoopTable(
            name=name,
            schema=MRT,
            needed=_ROUTING,
            ignored=(*_TIMES, "org_id", "status", "creator_id", "sys_period"),
            order="sequence_number, id",
        )
        for name in ("routing_rules", "appeals_routing_rules")
    ),
    _relation(
        "routing_rules_to_item_types",
        ("routing_rule_id", "item_type_id"),
        _of("routing_rules", "routing_rule_id", MRT),
        MRT,
    ),
    _relation(
        "appeals_routing_rules_to_item_types",
        ("appeals_routing_rule_id", "item_type_id"),
        _of("appeals_routing_rules", "appeals_routing_rule_id", MRT),
        MRT,
    ),
    CoopTable(
        name="users",
        needed=(
            "id",
            "email",
            "first_name",
            "last_name",
            "role",
            "login_methods",
            "approved_by_admin",
            "rejected_by_admin",
        ),
        # Its bcrypt hashes are of no use here.
        ignored=(*_TIMES, "org_id", "password", "role_id"),
        casts={"login_methods": "login_methods::text[]"},
        order="id",
    ),
    CoopTable(
        name="roles",
        needed=("id", "key", "display_name", "description"),
        ignored=(*_TIMES, "org_id", "is_system"),
        casts={"id": "id::text"},
        required=False,
        order="key",
    ),
    CoopTable(
        name="role_permissions",
        needed=("role_id", "permission"),
        ignored=_TIMES,
        casts={"role_id": "role_id::text"},
        where=_of("roles", "role_id"),
        required=False,
        order="role_id, permission",
    ),
    CoopTable(
        name="ncmec_org_settings",
        schema="ncmec_reporting",
        needed=("username", "password", "company_template", "legal_url"),
        later=(
            "contact_email",
            "more_info_url",
            "ncmec_preservation_endpoint",
            "ncmec_additional_info_endpoint",
            "default_ncmec_queue_id",
            "terms_of_service",
            "contact_person_email",
            "contact_person_first_name",
            "contact_person_last_name",
            "contact_person_phone",
            "default_internet_detail_type",
            "media_review_requirement",
            "min_media_to_review",
            "actions_to_run_upon_report_creation",
            "policies_applied_to_actions_run_on_report_creation",
        ),
        ignored=(*_TIMES, "org_id"),
        required=False,
        order="org_id",
    ),
    *(
        CoopTable(
            name=name,
            schema=_SIGNALS,
            needed=("api_key",),
            later=later,
            ignored=(*_TIMES, "org_id"),
            required=False,
            order="org_id",
        )
        for name, later in (
            ("open_ai_configs", ()),
            ("google_content_safety_configs", ()),
            ("zentropi_configs", ("labeler_versions",)),
        )
    ),
    CoopTable(
        name="integration_configs",
        schema=_SIGNALS,
        needed=("integration_id", "config"),
        ignored=(*_TIMES, "org_id", "id"),
        required=False,
        order="integration_id",
    ),
)

TABLES: Final = {table.full_name: table for table in _ALL}

DECISIONS: Final = "manual_review_tool.manual_review_decisions"
COMMENTS: Final = "manual_review_tool.job_comments"

NOT_IMPORTED: Final = {
    DECISIONS: "decisions come in as history where that is asked for: --history",
    "manual_review_tool.job_creations": (
        "that a job was made: those that wait lie in Coop's Redis, and come in with --jobs"
    ),
    COMMENTS: "comments come in with their jobs: --history, --jobs",
    "manual_review_tool.moderator_skips": "who left a job to others is not history here",
    "ncmec_reporting.ncmec_reports": (
        "records that the law may require to be kept: keep Coop's database, or export the table"
    ),
    "ncmec_reporting.ncmec_reports_errors": "they belong to reports, which stay in Coop",
    "public.invite_user_tokens": "invite these people again: their links lead to Coop",
    "public.gdpr_delete_requests": (
        "these erasures were asked for and never carried out: ask for them here"
    ),
    "public.users_and_favorite_rules": "there are no favourite rules here",
    "public.backtests": "backtests are made again",
    "public.notifications": "alarms of rules begin anew",
    "public.media_banks": "a relic: nothing reads them in Coop either",
}
"""Tables whose rows stay where they are, and why."""

OF_NO_USE: Final = frozenset(
    {
        "public.SequelizeMeta",
        "public.session",
        "public.view_maintenance_metadata",
        "public.actions_history",
        "public.policy_history",
        "public.rules_history",
        "public.rules_and_actions_history",
        "public.rules_and_policies_history",
        "public.rules_and_item_types_history",
        "public.actions_and_item_types_history",
        "manual_review_tool.routing_rule_history",
        "manual_review_tool.appeals_routing_rule_history",
        "manual_review_tool.dim_mrt_decisions_materialized",
        "reporting_rules.reporting_rule_history",
        "reporting_rules.reporting_rules_to_item_types",
        "reporting_rules.reporting_rules_to_actions",
        "reporting_rules.reporting_rules_to_policies",
        "user_management_service.password_reset_tokens",
    }
)
"""Bookkeeping, sessions, and history of what has no history of before here."""

SCHEMAS: Final = ("public", MRT, "ncmec_reporting", "reporting_rules", _SIGNALS, _PEOPLE)
