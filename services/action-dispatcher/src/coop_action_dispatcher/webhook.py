"""The webhook of an action: what it says.

Guarantees: the body is a pure function of the request and the configuration; its form is the public
wire format's (docs: "Webhooks to the platform"). Rules and policies are those of the request, which
names only rules that carry this action, and no others. The creator of a user is the user.
Must not: hold a secret; the action's own headers stay ciphertext here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from coop_action_dispatcher.arrival import Configuration, Undeliverable, expect_arrived
from coop_action_dispatcher.strike import user_of
from coop_contracts.config import Action, ActionType, ItemType, Kind, Policy
from coop_contracts.event import ActionRequested, ItemRef


def action_of(request: ActionRequested, config: Configuration) -> Action:
    """The action of the request, with a URL to send to.

    Raises `NotYet` when it may still arrive, `Undeliverable` when there is nothing to send to.
    """
    action = config.get(request.org_id, Kind.ACTION, request.action_id)
    if not isinstance(action, Action):
        expect_arrived(request, config)
        raise Undeliverable("the action was deleted")
    if action.action_type is not ActionType.CUSTOM_ACTION:
        raise Undeliverable(f"an action of type {action.action_type} has no webhook")
    if not action.callback_url:
        raise Undeliverable("the action has no callback URL")
    return action


def body_of(request: ActionRequested, action: Action, config: Configuration) -> bytes:
    """The webhook's body as UTF-8 JSON.

    A policy or item type that was deleted since keeps its id, and its id stands for its name.
    Raises `NotYet` when one is missing that may still arrive.
    """
    item = request.item
    body: dict[str, Any] = {
        "item": {
            "id": item.id,
            "typeId": item.type_id,
            "typeName": _type_name(request, config),
        },
        "action": {"id": action.id, "name": action.name},
        "policies": [_policy(request, policy_id, config) for policy_id in request.policy_ids],
        "rules": [{"id": rule.id, "name": rule.name} for rule in request.rules],
        "custom": _custom(request, action),
    }
    if request.actor_email is not None:
        body["actorEmail"] = request.actor_email
    if request.actor_note is not None:
        body["actorNote"] = request.actor_note
    user = user_of(request, config)
    if user is not None:
        body["creator"] = _reference(user.ref)
    if request.decision_reason is not None:
        body["decisionReason"] = request.decision_reason
    return msgspec.json.encode(body)


def _reference(item: ItemRef) -> dict[str, str]:
    return {"id": item.id, "typeId": item.type_id}


def with_strikes(body: bytes, count: int) -> bytes:
    """The body with the live strikes of the user whom the action is about, this request's
    included."""
    return body[:-1] + b',"userStrikeCount":%d}' % count


def as_trial(body: bytes) -> bytes:
    """The body, marked as one that somebody tries out: nothing is to be done to the item."""
    return body[:-1] + b',"trial":true}'


def _policy(request: ActionRequested, policy_id: str, config: Configuration) -> dict[str, str]:
    policy = config.get(request.org_id, Kind.POLICY, policy_id)
    if isinstance(policy, Policy):
        return {"id": policy.id, "name": policy.name, "penalty": policy.penalty}
    expect_arrived(request, config)
    return {"id": policy_id, "name": policy_id, "penalty": "NONE"}


def _type_name(request: ActionRequested, config: Configuration) -> str:
    type_id = request.item.type_id
    current = config.get(request.org_id, Kind.ITEM_TYPE, type_id)
    if isinstance(current, ItemType):
        return current.name
    expect_arrived(request, config)
    old = [
        version
        for key, version in config.all(request.org_id, Kind.ITEM_TYPE_VERSION).items()
        if isinstance(version, ItemType) and key.rpartition("@")[0] == type_id
    ]
    return max(old, key=lambda version: version.version).name if old else type_id


def _custom(request: ActionRequested, action: Action) -> dict[str, Any]:
    custom: dict[str, Any] = {**action.callback_url_body, **request.parameters}
    if request.report_history is None:
        return custom
    if request.decision_reason is not None:
        custom["reason"] = request.decision_reason
    history = []
    for entry in request.report_history:
        told: dict[str, Any] = {}
        if entry.reason is not None:
            told["reason"] = entry.reason
        if entry.reporter is not None:
            told["reporter"] = _reference(entry.reporter)
        history.append(told)
    custom["reportHistory"] = history
    return custom
