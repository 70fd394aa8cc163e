"""What an organisation may decide for itself.

Guarantees: every threshold of strikes can be carried out: its actions exist, can be done to users
and take the given parameters; every number lies where its reader expects it.
Must not: say what a setting does; its readers do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from coop_contracts.action import applies_to
from coop_contracts.config import Action, ItemType, Kind, OrgSettings, StrikeThreshold
from coop_contracts.error import pointer
from coop_review_api.configuration.action import check_url
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.kernel.email_address import check_email
from coop_review_api.kernel.error import Fault

MAX_THRESHOLDS = 50
MAX_THRESHOLD = 1_000_000
MAX_THRESHOLD_ACTIONS = 20
MAX_TTL_DAYS = 3650
MAX_HISTORY_DAYS = 3650
MIN_RECORD_DAYS = 30  # of what was decided a month ago people still ask
MAX_UNDO_WINDOW = 3600.0
MAX_HOLD_HOURS = 720
MAX_BULK = 100_000
MAX_CEILING = 1_000_000_000
MIN_SESSION_HOURS = 0.25
MAX_SESSION_HOURS = 720


def check_settings(settings: OrgSettings, catalogue: Catalogue) -> Iterator[Fault]:
    """Faults of the settings."""
    for value, at in (
        (settings.appeal_callback_url, "/appealCallbackUrl"),
        (settings.ignore_callback_url, "/ignoreCallbackUrl"),
        (settings.partial_items_endpoint, "/partialItemsEndpoint"),
        (settings.website_url, "/websiteUrl"),
    ):
        if value is not None:
            yield from check_url(value, at)
    for value, at in (
        (settings.email, "/email"),
        (settings.on_call_alert_email, "/onCallAlertEmail"),
    ):
        if value is not None:
            yield from check_email(value, at)
    if settings.default_wellness.grayscale and settings.default_wellness.sepia:
        yield Fault("/defaultWellness/sepia", "grayscale or sepia, not both")
    yield from _numbers(settings)
    yield from _thresholds(settings, catalogue)


def _numbers(settings: OrgSettings) -> Iterator[Fault]:
    for value, lowest, highest, at in (
        (settings.user_strike_ttl_days, 1, MAX_TTL_DAYS, "/userStrikeTtlDays"),
        (settings.undo_window, 0, MAX_UNDO_WINDOW, "/undoWindow"),
        (settings.max_hold_hours, 1, MAX_HOLD_HOURS, "/maxHoldHours"),
        (settings.bulk_confirmation_above, 0, MAX_BULK, "/bulkConfirmationAbove"),
        (settings.evaluation_sample, 0, 1, "/evaluationSample"),
        (settings.item_history_days, 0, MAX_HISTORY_DAYS, "/itemHistoryDays"),
        (settings.closed_job_days, 1, MAX_HISTORY_DAYS, "/closedJobDays"),
        (settings.record_days, MIN_RECORD_DAYS, MAX_HISTORY_DAYS, "/recordDays"),
        (settings.rule_max_actions_per_minute, 1, MAX_CEILING, "/ruleMaxActionsPerMinute"),
        (settings.rule_max_users_per_hour, 1, MAX_CEILING, "/ruleMaxUsersPerHour"),
        (settings.rule_approval_above, 0, MAX_CEILING, "/ruleApprovalAbove"),
        (settings.session_hours, MIN_SESSION_HOURS, MAX_SESSION_HOURS, "/sessionHours"),
        (settings.session_idle_minutes, 1, MAX_SESSION_HOURS * 60, "/sessionIdleMinutes"),
    ):
        if value is not None and not (math.isfinite(value) and lowest <= value <= highest):
            yield Fault(at, f"from {lowest:g} to {highest:g}")


def _thresholds(settings: OrgSettings, catalogue: Catalogue) -> Iterator[Fault]:
    at = "/userStrikeThresholds"
    if len(settings.user_strike_thresholds) > MAX_THRESHOLDS:
        yield Fault(at, f"at most {MAX_THRESHOLDS} thresholds")
    seen: set[int] = set()
    for position, threshold in enumerate(settings.user_strike_thresholds):
        here = at + pointer(position)
        if not 1 <= threshold.threshold <= MAX_THRESHOLD:
            yield Fault(here + "/threshold", f"from 1 to {MAX_THRESHOLD}")
        elif threshold.threshold in seen:
            yield Fault(here + "/threshold", "given twice")
        seen.add(threshold.threshold)
        yield from _actions(threshold, catalogue, here)


def _actions(threshold: StrikeThreshold, catalogue: Catalogue, at: str) -> Iterator[Fault]:
    if not 1 <= len(threshold.action_ids) <= MAX_THRESHOLD_ACTIONS:
        yield Fault(at + "/actionIds", f"1 to {MAX_THRESHOLD_ACTIONS} actions")
    for action_id in threshold.action_parameters:
        if action_id not in threshold.action_ids:
            yield Fault(
                at + pointer("actionParameters", action_id), "the threshold has no such action"
            )
    for position, action_id in enumerate(threshold.action_ids):
        here = at + pointer("actionIds", position)
        if action_id in threshold.action_ids[:position]:
            yield Fault(here, "given twice")
            continue
        action = catalogue.get(Kind.ACTION, Action, action_id)
        if action is None:
            continue  # reported as a missing reference
        if not _applies_to_users(action, catalogue):
            yield Fault(here, f"{action.name} does not apply to users")
        values = threshold.action_parameters.get(action_id, {})
        parameters_at = at + pointer("actionParameters", action_id)
        yield from resolve_values(action.parameters, values, at=parameters_at)[1]


def _applies_to_users(action: Action, catalogue: Catalogue) -> bool:
    types = catalogue.all(Kind.ITEM_TYPE, ItemType).values()
    return "USER" in action.applies_to_all_items_of_kind or any(
        one.kind == "USER" and applies_to(action, item_type_id=one.id, item_kind=one.kind)
        for one in types
    )
