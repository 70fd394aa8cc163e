"""The bodies that Coop sends to platforms, each made by the code of the service that sends it; but
for `items_question`, which review-api writes where it asks (`tests/journey/test_clients.py` has it
ask)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from coop_action_dispatcher import callback, webhook
from coop_contracts.config import Action, ItemType, Kind, OrgSettings, Policy
from coop_contracts.event import (
    ActionRequested,
    CallbackRequested,
    CybertipRequested,
    ItemRef,
    ReportedMedium,
    ReportedUser,
    ReportEntry,
    RuleRef,
)
from coop_ncmec_reporter import store
from coop_ncmec_reporter.platform_answer import question
from coop_ncmec_reporter.preserving import Preserving
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.secret.vault import Vault

ORG = "org-1"
POST, USER = ItemRef("post-1", "t-post"), ItemRef("user-9", "t-user")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _table() -> ConfigTable:
    table = ConfigTable.of([])
    documents: list[tuple[Kind, Any]] = [
        (Kind.ITEM_TYPE, ItemType(id="t-post", name="Post", kind="CONTENT", fields=(), version="")),
        (Kind.ITEM_TYPE, ItemType(id="t-user", name="User", kind="USER", fields=(), version="")),
        (Kind.POLICY, Policy(id="p-spam", name="Spam", penalty="HIGH")),
        (
            Kind.ACTION,
            Action(
                id="a-remove",
                name="Löschen 🗑",
                callback_url="https://platform.example/coop",
                callback_url_body={"team": "red"},
            ),
        ),
    ]
    for revision, (kind, document) in enumerate(documents, 1):
        table.apply(ConfigChange(ORG, kind, document.id, document, revision))
    return table


def _request(**fields: Any) -> ActionRequested:
    values: dict[str, Any] = {
        "event_id": str(uuid.UUID(int=1)),
        "org_id": ORG,
        "time": MOMENT,
        "correlation_id": "submission-1",
        "execution_id": str(uuid.UUID(int=2)),
        "action_id": "a-remove",
        "item": POST,
        "source": "RULE_EXECUTION",
        "config_revision": 1,
    }
    return ActionRequested(**{**values, **fields})


def _action_body(request: ActionRequested) -> bytes:
    table = _table()
    return webhook.body_of(request, webhook.action_of(request, table), table)


def action() -> bytes:
    """A rule's."""
    request = _request(
        creator=USER, rules=(RuleRef("r-1", "Spam words", 7),), policy_ids=("p-spam",)
    )
    return _action_body(request)


def decided_action() -> bytes:
    """A person's, about an item that was reported, of a user with strikes."""
    request = _request(
        source="MRT_JOB",
        creator=USER,
        policy_ids=("p-spam",),
        parameters={"days": 30},
        actor_id="u-1",
        actor_email="mod@platform.example",
        actor_note="third time",
        decision_reason="spam ring",
        report_history=(
            ReportEntry(
                report_id="rep-1",
                reported_at=MOMENT,
                reporter=ItemRef("user-2", "t-user"),
                reason="annoying",
                policy_id="p-spam",
            ),
        ),
    )
    return webhook.with_strikes(_action_body(request), 3)


def trial() -> bytes:
    """One that somebody tries out."""
    return webhook.as_trial(action())


def _callback(kind: Any, body: dict[str, Any]) -> CallbackRequested:
    return CallbackRequested(
        event_id=str(uuid.UUID(int=3)),
        org_id=ORG,
        time=MOMENT,
        correlation_id="decision-1",
        callback_id=str(uuid.UUID(int=4)),
        callback=kind,
        item=POST,
        decision_id="decision-1",
        config_revision=1,
        body=msgspec.Raw(msgspec.json.encode(body)),
    )


def appeal() -> bytes:
    """With what the settings add."""
    told = {
        "appealId": "appeal-1",
        "item": POST,
        "appealedBy": USER,
        "appealDecision": "ACCEPT",
    }
    settings = OrgSettings(id="settings", name="Largo", appeal_callback_body={"team": "blue"})
    return callback.body_of(_callback("APPEAL_DECISION", told), settings)


def ignored() -> bytes:
    """An item that was looked at."""
    told = {"id": POST.id, "typeId": POST.type_id, "data": {"text": "quite all right"}}
    settings = OrgSettings(id="settings", name="Largo")
    return callback.body_of(_callback("IGNORE", told), settings)


def items_question() -> bytes:
    """As review-api asks."""
    return b'{"items":[{"id":"post-1","typeId":"t-post"},{"id":"gone","typeId":"t-post"}]}'


def info_question() -> bytes:
    """As ncmec-reporter asks."""
    return question([USER], [POST])


def preservation() -> bytes:
    """As ncmec-reporter tells."""
    vault, tip_id = Vault([b"v" * 32]), uuid.UUID(int=5)
    request = CybertipRequested(
        event_id=str(uuid.UUID(int=6)),
        org_id=ORG,
        time=MOMENT,
        correlation_id="decision-1",
        cybertip_id=str(tip_id),
        decision_id="decision-1",
        job_id="job-1",
        queue_id="queue-1",
        reviewer_id="u-1",
        environment="TEST",
        incident="CHILD_PORNOGRAPHY",
        user=ReportedUser(user=USER),
        decided_at=MOMENT,
        config_revision=1,
        media=(ReportedMedium(item=POST, field="image", url="https://platform.example/1.png"),),
    )
    sealed = store.seal(vault, ORG, str(tip_id), "request", msgspec.json.encode(request))
    empty: dict[str, Any] = dict.fromkeys(store.Cybertip.__struct_fields__)
    tip = store.Cybertip(
        **{
            **empty,
            "cybertip_id": tip_id,
            "org_id": ORG,
            "environment": "TEST",
            "report_id": 4711,
            "user_id": USER.id,
            "user_type_id": USER.type_id,
            "request": sealed,
        }
    )
    unused = cast("Any", None)  # the body is made of the row alone
    return Preserving(unused, vault, unused, clock=lambda: MOMENT)._body(tip)


def all_bodies() -> dict[str, tuple[str, bytes]]:
    """By what they are, with the kind that a receiver takes them for."""
    return {
        "an action of a rule": ("action", action()),
        "an action of a person": ("action", decided_action()),
        "an action that is tried out": ("action", trial()),
        "what came of an appeal": ("appeal", appeal()),
        "nothing is to be done": ("ignored", ignored()),
        "how are these items now": ("items", items_question()),
        "what is known of these": ("additional-info", info_question()),
        "what was reported is to be preserved": ("preservation", preservation()),
    }
