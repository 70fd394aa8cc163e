"""The organisation's settings on this API's wire: what comes in and what goes out.

Guarantees: values of headers are written, never read; what the operator decides (`isDemoOrg`) is
only shown.
Must not: check what needs other documents; `configuration.settings` does, under the lock.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, JsonValue

from coop_review_api.configuration.document_model import (
    Ceiling,
    Id,
    Name,
    ParameterValues,
    Stamped,
    Url,
)
from coop_review_api.http.body import Body, Model
from coop_review_api.people.wellness import WellnessBody

Headers = dict[str, str | None]
Email = Annotated[str, Field(max_length=254)]
TimeZone = Annotated[str, Field(min_length=1, max_length=64)]


class StrikeThresholdBody(Body):
    """Reaching so many strikes runs the actions, on the user."""

    threshold: Annotated[int, Field(ge=1, le=1_000_000)]
    action_ids: list[Id]
    action_parameters: ParameterValues = Field(default_factory=dict)


class StrikeThresholdView(Model):
    threshold: int
    action_ids: list[str]
    action_parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)


class SettingsBody(Body):
    """Everything an organisation decides for itself. Headers are kept, replaced and removed like an
    action's. `undoWindow` is in seconds, `evaluationSample` a share; a ceiling of null is none, and
    so is a limit of sessions: the operator's holds then. What jobs say is gone `closedJobDays`
    after they closed; null keeps it. A change by which a rule is expected to act on more than
    `ruleApprovalAbove` items a day needs a second person; null: no change does."""

    name: Name
    email: Email | None = None
    website_url: Url | None = None
    on_call_alert_email: Email | None = None
    has_reporting_rules_enabled: bool = False
    has_appeals_enabled: bool = False
    appeal_callback_url: Url | None = None
    appeal_callback_headers: Headers | None = None
    appeal_callback_body: dict[str, JsonValue] = Field(default_factory=dict)
    ignore_callback_url: Url | None = None
    ignore_callback_headers: Headers | None = None
    partial_items_endpoint: Url | None = None
    partial_items_headers: Headers | None = None
    requires_policy_for_decisions: bool = False
    requires_decision_reason: bool = False
    requires_decision_reason_on_ignore: bool = False
    allow_multiple_policies_per_action: bool = True
    hide_skip_button_for_non_admins: bool = False
    preview_jobs_view_enabled: bool = True
    default_wellness: WellnessBody = WellnessBody()
    requires_second_factor: bool = False
    requires_single_sign_on: bool = False
    session_hours: Annotated[float, Field(ge=0.25, le=720)] | None = None
    session_idle_minutes: Annotated[float, Field(ge=1, le=43_200)] | None = None
    requests_per_second: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    ncmec_queue_id: Id | None = None
    user_strike_ttl_days: Annotated[int, Field(ge=1, le=3650)] = 90
    user_strike_thresholds: list[StrikeThresholdBody] = Field(default_factory=list)
    undo_window: Annotated[float, Field(ge=0, le=3600)] = 10.0
    max_hold_hours: Annotated[int, Field(ge=1, le=720)] = 72
    bulk_confirmation_above: Annotated[int, Field(ge=0, le=100_000)] = 100
    evaluation_sample: Annotated[float, Field(ge=0, le=1)] = 0.01
    rule_max_actions_per_minute: Ceiling | None = None
    rule_max_users_per_hour: Ceiling | None = None
    rule_approval_above: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    item_history_days: Annotated[int, Field(ge=0, le=3650)] = 30
    closed_job_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    record_days: Annotated[int, Field(ge=30, le=3650)] | None = None
    item_text_search: bool = False
    time_zone: TimeZone = "UTC"


class SettingsView(Stamped):
    """`isDemoOrg` is the operator's to say."""

    name: str
    email: str | None = None
    website_url: str | None = None
    on_call_alert_email: str | None = None
    is_demo_org: bool = False
    has_reporting_rules_enabled: bool = False
    has_appeals_enabled: bool = False
    appeal_callback_url: str | None = None
    appeal_callback_header_names: list[str] = Field(default_factory=list)
    appeal_callback_body: dict[str, Any] = Field(default_factory=dict)
    ignore_callback_url: str | None = None
    ignore_callback_header_names: list[str] = Field(default_factory=list)
    partial_items_endpoint: str | None = None
    partial_items_header_names: list[str] = Field(default_factory=list)
    requires_policy_for_decisions: bool = False
    requires_decision_reason: bool = False
    requires_decision_reason_on_ignore: bool = False
    allow_multiple_policies_per_action: bool = True
    hide_skip_button_for_non_admins: bool = False
    preview_jobs_view_enabled: bool = True
    default_wellness: WellnessBody = WellnessBody()
    requires_second_factor: bool = False
    requires_single_sign_on: bool = False
    session_hours: float | None = None
    session_idle_minutes: float | None = None
    requests_per_second: int | None = None
    ncmec_queue_id: str | None = None
    user_strike_ttl_days: int = 90
    user_strike_thresholds: list[StrikeThresholdView] = Field(default_factory=list)
    undo_window: float = 10.0
    max_hold_hours: int = 72
    bulk_confirmation_above: int = 100
    evaluation_sample: float = 0.01
    rule_max_actions_per_minute: int | None = None
    rule_max_users_per_hour: int | None = None
    rule_approval_above: int | None = None
    item_history_days: int = 30
    closed_job_days: int | None = None
    record_days: int | None = None
    item_text_search: bool = False
    time_zone: str = "UTC"
