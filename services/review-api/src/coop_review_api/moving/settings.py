"""What an organisation of Coop's decided for itself, and how it reports to NCMEC.

Guarantees: a row that is missing is Coop's defaults, not ours; nothing is filed by having moved:
reporting comes in switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from coop_contracts.config import (
    Kind,
    LegalContact,
    NcmecSettings,
    OrgSettings,
    StrikeThreshold,
)
from coop_contracts.error import pointer
from coop_review_api.configuration.action import check_url
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.kernel.email_address import check_email, normalize_email
from coop_review_api.moving.action import headers_of
from coop_review_api.moving.mapped import Mapped, Noter
from coop_review_api.moving.person import default_wellness
from coop_review_api.moving.source import CoopSource, Row

_DEFAULT_TTL: Final = 90
_DETAILS: Final = frozenset(
    {
        "WEB_PAGE",
        "EMAIL",
        "NEWSGROUP",
        "CHAT_IM",
        "ONLINE_GAMING",
        "CELL_PHONE",
        "NON_INTERNET",
        "PEER_TO_PEER",
    }
)
_MAX_MEDIA: Final = 1000


def settings(source: CoopSource) -> Mapped:
    """All that Coop keeps; what is ours alone is as a new organisation has it."""
    org, given = source.one("public.orgs"), source.one("public.org_settings")
    review = source.one("manual_review_tool.manual_review_tool_settings")
    note = Noter(Kind.SETTINGS, SETTINGS_ID, org["name"])
    secrets = {
        name: headers
        for name, column, at in (
            ("partial_items_headers", "partial_items_request_headers", "/partialItemsHeaders"),
            ("appeal_callback_headers", "appeal_callback_headers", "/appealCallbackHeaders"),
        )
        if (headers := headers_of(given.get(column), note, at)) is not None
    }
    body = given.get("appeal_callback_body")
    reason = review.get("mrt_requires_decision_reason")
    document = OrgSettings(
        id=SETTINGS_ID,
        name=org["name"],
        email=_email(org["email"], note, "/email"),
        website_url=_website(org["website_url"], note),
        on_call_alert_email=_email(org.get("on_call_alert_email"), note, "/onCallAlertEmail"),
        partial_items_endpoint=_url(
            given.get("partial_items_endpoint"), note, "/partialItemsEndpoint"
        ),
        has_reporting_rules_enabled=bool(given.get("has_reporting_rules_enabled")),
        has_appeals_enabled=bool(given.get("has_appeals_enabled")),
        appeal_callback_url=_url(given.get("appeal_callback_url"), note, "/appealCallbackUrl"),
        appeal_callback_body=body if isinstance(body, dict) else {},
        allow_multiple_policies_per_action=bool(given.get("allow_multiple_policies_per_action")),
        user_strike_ttl_days=given.get("user_strike_ttl_days") or _DEFAULT_TTL,
        is_demo_org=bool(given.get("is_demo_org")),
        requires_policy_for_decisions=bool(review.get("requires_policy_for_decisions")),
        requires_decision_reason=bool(review.get("mrt_requires_decision_reason_on_action", reason)),
        requires_decision_reason_on_ignore=bool(
            review.get("mrt_requires_decision_reason_on_ignore", reason)
        ),
        hide_skip_button_for_non_admins=bool(review.get("hide_skip_button_for_non_admins")),
        ignore_callback_url=_url(review.get("ignore_callback_url"), note, "/ignoreCallbackUrl"),
        preview_jobs_view_enabled=bool(review.get("preview_jobs_view_enabled")),
        default_wellness=default_wellness(source, note),
        user_strike_thresholds=tuple(_thresholds(source, note)),
        ncmec_queue_id=_ncmec_queue(source, note),
    )
    if given.get("saml_enabled"):
        note.differs(
            "Coop refuses all passwords where SAML is on: turn requiresSingleSignOn on when"
            " somebody has signed in, and an account is marked for emergencies",
            "/requiresSingleSignOn",
        )
    return Mapped(
        kind=Kind.SETTINGS, document=document, secrets=secrets, findings=tuple(note.findings)
    )


def _url(given: str | None, note: Noter, at: str) -> str | None:
    if not given:
        return None
    faults = list(check_url(given, at))
    for fault in faults:  # the address may hold a password: it is not repeated
        note.cannot(f"the address is left out: {fault.reason}", at)
    return None if faults else given


def _website(given: str | None, note: Noter) -> str | None:
    if given and "://" not in given:
        note.differs("the address has no scheme: https is put before it", "/websiteUrl")
        given = f"https://{given}"
    return _url(given, note, "/websiteUrl")


def _email(given: str | None, note: Noter, at: str) -> str | None:
    if not given:
        return None
    email = normalize_email(given)
    faults = check_email(email, at)
    for fault in faults:
        note.cannot(f"the address {given} is left out: {fault.reason}", at, given)
    return None if faults else email


def _thresholds(source: CoopSource, note: Noter) -> Iterator[StrikeThreshold]:
    there = source.ids("public.actions")
    for position, row in enumerate(source.of("public.user_strike_thresholds")):
        at = pointer("userStrikeThresholds", position)
        actions = note.known(list(row["actions"] or ()), there, "action", at)
        usable = tuple(one for one in actions if _for_users(source, one))
        for one in sorted(set(actions) - set(usable)):
            note.differs(f"the action {one} is not for users: left out", at)
        if not usable:
            note.cannot(
                f"the threshold of {row['threshold']} strikes has no action that can be done to a"
                " user: left out",
                at,
                {"threshold": row["threshold"], "actions": list(row["actions"] or ())},
            )
            continue
        values = row.get("action_parameters")
        yield StrikeThreshold(
            threshold=row["threshold"],
            action_ids=usable,
            action_parameters={
                action_id: given
                for action_id, given in (values.items() if isinstance(values, dict) else ())
                if action_id in usable and isinstance(given, dict) and given
            },
        )


def _for_users(source: CoopSource, action_id: str) -> bool:
    users = {row["id"] for row in source.of("public.item_types") if row["kind"] == "USER"}
    named = {
        row["item_type_id"]
        for row in source.of("public.actions_and_item_types")
        if row["action_id"] == action_id
    }
    kinds: set[Any] = set()
    for row in source.of("public.actions"):
        if row["id"] == action_id:
            kinds.update(row["applies_to_all_items_of_kind"] or ())
    return "USER" in kinds or bool(users & named)


def _ncmec_queue(source: CoopSource, note: Noter) -> str | None:
    queue_id = source.one("ncmec_reporting.ncmec_org_settings").get("default_ncmec_queue_id")
    if not queue_id:
        return None
    queues = source.ids("manual_review_tool.manual_review_queues")
    return next(iter(note.known([queue_id], queues, "queue", "/ncmecQueueId")), None)


def ncmec_settings(source: CoopSource) -> Iterator[Mapped]:
    """How the organisation reports to NCMEC, where it does."""
    row = source.one("ncmec_reporting.ncmec_org_settings")
    if not row:
        return
    note = Noter(Kind.NCMEC_SETTINGS, SETTINGS_ID, source.one("public.orgs")["name"])
    note.differs("reporting comes in switched off: check the settings, then enable it", "/enabled")
    if row.get("actions_to_run_upon_report_creation"):
        note.cannot(
            "actions that run by themselves when a report is filed: choose them in the decision",
            "/",
            list(row["actions_to_run_upon_report_creation"]),
        )
    detail = row.get("default_internet_detail_type")
    if detail is not None and detail not in _DETAILS:
        note.cannot(f"{detail} is no kind of incident here: left out", "/internetDetail")
        detail = None
    contact_email = _email(row.get("contact_email"), note, "/contactEmail")
    document = NcmecSettings(
        id=SETTINGS_ID,
        username=row["username"] or "",
        company_report_name=row["company_template"] or "",
        legal_url=_url(row["legal_url"], note, "/legalUrl") or "",
        contact_email=contact_email or "",
        terms_of_service=row.get("terms_of_service") or "",
        contact_person=_contact(row, note),
        more_info_url=_url(row.get("more_info_url"), note, "/moreInfoUrl") or "",
        internet_detail=detail,
        additional_info_endpoint=_url(
            row.get("ncmec_additional_info_endpoint"), note, "/additionalInfoEndpoint"
        ),
        preservation_endpoint=_url(
            row.get("ncmec_preservation_endpoint"), note, "/preservationEndpoint"
        ),
        minimum_media=_minimum_media(row, note),
    )
    yield Mapped(
        kind=Kind.NCMEC_SETTINGS,
        document=document,
        secrets={"password": row["password"]} if row["password"] else {},
        findings=tuple(note.findings),
    )


def _contact(row: Row, note: Noter) -> LegalContact | None:
    contact = LegalContact(
        first_name=row.get("contact_person_first_name") or "",
        last_name=row.get("contact_person_last_name") or "",
        email=_email(row.get("contact_person_email"), note, "/contactPerson/email") or "",
        phone=row.get("contact_person_phone") or "",
    )
    return None if contact == LegalContact() else contact


def _minimum_media(row: Row, note: Noter) -> int | None:
    """None: all of them have to be looked at."""
    if row.get("media_review_requirement") != "MINIMUM":
        return None
    wanted = row.get("min_media_to_review") or 1
    if wanted > _MAX_MEDIA:
        note.differs(f"{wanted} media before a report are {_MAX_MEDIA} here", "/minimumMedia")
    return min(int(wanted), _MAX_MEDIA)
