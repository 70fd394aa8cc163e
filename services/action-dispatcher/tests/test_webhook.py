"""What a webhook says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from coop_action_dispatcher.arrival import NotYet, Undeliverable
from coop_action_dispatcher.webhook import action_of, body_of
from coop_contracts.config import ActionType, ItemType, Kind
from coop_contracts.event import ItemRef, ReportEntry, RuleRef

ORG = "org-1"
T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def body(configuration: Any, request: Any) -> Any:
    action = action_of(request, configuration.table)
    return json.loads(body_of(request, action, configuration.table))


def test_the_smallest_webhook(configuration: Any, make_request: Any) -> None:
    """Optional parts are left out, the others are there even when empty."""
    configuration.put_action("https://platform.example/hook")
    assert body(configuration, make_request()) == {
        "item": {"id": "post-1", "typeId": "t-1", "typeName": "Post"},
        "action": {"id": "a-1", "name": "Remove post"},
        "policies": [],
        "rules": [],
        "custom": {},
    }


def test_a_webhook_of_a_rule(configuration: Any, make_request: Any) -> None:
    """Rules and policies are those of the request; a rule's name is the one it had then."""
    configuration.put_action(
        "https://platform.example/hook", callback_url_body={"team": "red", "level": 1}
    )
    request = make_request(
        creator=ItemRef("user-9", "t-user"),
        rules=(RuleRef("r-1", "Spam words", 7), RuleRef("r-2", "Links", 3)),
        policy_ids=("p-spam",),
        parameters={"level": 2, "days": 30},
    )
    assert body(configuration, request) == {
        "item": {"id": "post-1", "typeId": "t-1", "typeName": "Post"},
        "action": {"id": "a-1", "name": "Remove post"},
        "policies": [{"id": "p-spam", "name": "Spam", "penalty": "HIGH"}],
        "rules": [{"id": "r-1", "name": "Spam words"}, {"id": "r-2", "name": "Links"}],
        "custom": {"team": "red", "level": 2, "days": 30},
        "creator": {"id": "user-9", "typeId": "t-user"},
    }


def test_the_creator_of_a_user_is_the_user(configuration: Any, make_request: Any) -> None:
    """Whoever asked: a rule, a person, the platform, a threshold."""
    configuration.put_action("https://platform.example/hook")
    user = ItemType(id="t-user", name="User", kind="USER", fields=(), version="")
    configuration.put(Kind.ITEM_TYPE, user)
    request = make_request(item="user-9", source="STRIKE_THRESHOLD")
    request = msgspec.structs.replace(request, item=ItemRef("user-9", "t-user"))
    assert body(configuration, request)["creator"] == {"id": "user-9", "typeId": "t-user"}
    configuration.remove(Kind.ITEM_TYPE, "t-user")
    version = ItemType(id="t-user@1", name="User", kind="USER", fields=(), version="1")
    configuration.put(Kind.ITEM_TYPE_VERSION, version)
    assert body(configuration, request)["creator"] == {"id": "user-9", "typeId": "t-user"}


def test_a_webhook_of_a_decision_on_a_reported_item(configuration: Any, make_request: Any) -> None:
    """The person, the reason and the reports are told, the last two in `custom` as well."""
    configuration.put_action("https://platform.example/hook", callback_url_body={"reason": "x"})
    request = make_request(
        source="MRT_JOB",
        actor_id="u-1",
        actor_email="mod@platform.example",
        actor_note="third time",
        decision_reason="spam ring",
        report_history=(
            ReportEntry(
                report_id="rep-1",
                reported_at=T0,
                reporter=ItemRef("user-2", "t-user"),
                reason="annoying",
                policy_id="p-spam",
            ),
            ReportEntry(report_id="rep-2", reported_at=T0),
        ),
    )
    told = body(configuration, request)
    assert told["custom"] == {
        "reason": "spam ring",
        "reportHistory": [
            {"reason": "annoying", "reporter": {"id": "user-2", "typeId": "t-user"}},
            {},
        ],
    }
    assert told["actorEmail"] == "mod@platform.example"
    assert told["actorNote"] == "third time"
    assert told["decisionReason"] == "spam ring"
    assert "actorId" not in told


def test_a_decision_without_reports_tells_none(configuration: Any, make_request: Any) -> None:
    """`custom` stays the configured body when the item was not reported."""
    configuration.put_action("https://platform.example/hook", callback_url_body={"a": 1})
    told = body(configuration, make_request(decision_reason="because"))
    assert told["custom"] == {"a": 1}


def test_text_of_any_script_survives(configuration: Any, make_request: Any) -> None:
    """The body is UTF-8 JSON, whatever the ids hold."""
    configuration.put_action("https://platform.example/hook", name="Löschen 🗑")
    told = body(configuration, make_request(item="пост/\u0000\u2028"))
    assert told["item"]["id"] == "пост/\u0000\u2028"
    assert told["action"]["name"] == "Löschen 🗑"


def test_what_was_deleted_since_keeps_its_id(configuration: Any, make_request: Any) -> None:
    """A deleted policy is still told by its id; a deleted item type by its last version's name."""
    configuration.put_action("https://platform.example/hook")
    for version, name in (("2026-01-01", "Post v1"), ("2026-02-01", "Post v2")):
        document = ItemType(
            id=f"t-1@{version}", name=name, kind="CONTENT", fields=(), version=version
        )
        configuration.put(Kind.ITEM_TYPE_VERSION, document)
    configuration.remove(Kind.ITEM_TYPE, "t-1")
    configuration.remove(Kind.POLICY, "p-spam")
    told = body(configuration, make_request(policy_ids=("p-spam",)))
    assert told["item"]["typeName"] == "Post v2"
    assert told["policies"] == [{"id": "p-spam", "name": "p-spam", "penalty": "NONE"}]


def test_a_deleted_action_has_nothing_to_send_to(configuration: Any, make_request: Any) -> None:
    """It is undeliverable only when the configuration is as new as the request."""
    configuration.put_action("https://platform.example/hook")
    configuration.remove(Kind.ACTION, "a-1")
    with pytest.raises(Undeliverable, match="deleted"):
        action_of(make_request(config_revision=configuration.revision), configuration.table)
    with pytest.raises(NotYet):
        action_of(make_request(config_revision=configuration.revision + 1), configuration.table)


def test_names_wait_for_their_configuration(configuration: Any, make_request: Any) -> None:
    """A policy that has not arrived yet is not told under a wrong name."""
    configuration.put_action("https://platform.example/hook")
    request = make_request(policy_ids=("p-new",), config_revision=configuration.revision + 1)
    with pytest.raises(NotYet):
        body(configuration, request)


@pytest.mark.parametrize("url", [None, ""])
def test_an_action_without_a_url_is_undeliverable(
    configuration: Any, make_request: Any, url: str | None
) -> None:
    """A custom action needs a callback URL."""
    configuration.put_action(url)
    with pytest.raises(Undeliverable, match="no callback URL"):
        action_of(make_request(), configuration.table)


def test_a_built_in_action_has_no_webhook(configuration: Any, make_request: Any) -> None:
    """Enqueueing is other services' work."""
    configuration.put_action(None, action_type=ActionType.ENQUEUE_TO_NCMEC)
    with pytest.raises(Undeliverable, match="ENQUEUE_TO_NCMEC"):
        action_of(make_request(), configuration.table)


def test_another_organisations_action_is_unknown(configuration: Any, make_request: Any) -> None:
    """An action is looked up in the request's own organisation."""
    configuration.put_action("https://platform.example/hook")
    with pytest.raises((Undeliverable, NotYet)):
        action_of(make_request(org_id="org-2"), configuration.table)
