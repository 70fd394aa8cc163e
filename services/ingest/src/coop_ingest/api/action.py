"""`POST /actions/`: the platform asks for one of its actions on an item.

Guarantees: 202 only after the broker has acknowledged the request; the action exists, applies to
the item's type, and its parameters are right, or the answer names what is not; under an
Idempotency-Key the same request is one execution.
Must not: carry the action out; the dispatcher and the router do.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from coop_contracts.action import applies_to, resolve_values
from coop_contracts.config import Action, ActionType, ApiScope, ItemType, Kind
from coop_contracts.error import pointer
from coop_contracts.event import ActionRequested, ItemRef, ReviewRequested, SubmittedItem
from coop_contracts.ids import execution_id, item_key, new_id
from coop_ingest.api.related import RelatedReader
from coop_ingest.api.submission_route import SubmissionRoute
from coop_ingest.refusal import Refusal, invalid, sentence
from coop_ingest.wire import ActionOrder

MAX_NOTE = 5000
MAX_POLICIES = 100

_NO_DATA = Raw(b"{}")


class ActionRoute(SubmissionRoute[ActionOrder, ActionRequested | ReviewRequested]):
    body = ActionOrder
    needs = ApiScope.ACTIONS_WRITE
    status = 202
    kind = "action"

    def event(
        self, org_id: str, body: ActionOrder, related: RelatedReader
    ) -> ActionRequested | ReviewRequested:
        """What is asked for, as an event. Raises Refusal with everything that is wrong."""
        cause = related.next_id()
        related.id(body.item_id, "/itemId")
        related.item_type(body.item_type_id, "/itemTypeId")
        note = related.text(body.note, "/note")
        if note is not None and len(note) > MAX_NOTE:
            related.errors.append(invalid(f"At most {MAX_NOTE} characters.", "/note"))
        policies = tuple(dict.fromkeys(body.policy_ids or ()))
        if len(policies) > MAX_POLICIES:
            related.errors.append(invalid(f"At most {MAX_POLICIES} policies.", "/policyIds"))
        for index, policy_id in enumerate(policies[:MAX_POLICIES]):
            related.known(Kind.POLICY, policy_id, f"/policyIds/{index}")
        if body.actor_id is not None:
            related.id(body.actor_id, "/actorId")
        action, parameters = self._action(org_id, body, related)
        if related.errors or action is None:
            raise Refusal("invalid", related.errors)
        target = item_key(org_id, body.item_type_id, body.item_id)
        execution = execution_id(cause=cause, action=action.id, target=target)
        revision = self._table.revision(org_id)
        if action.action_type is not ActionType.CUSTOM_ACTION:
            to_ncmec = action.action_type is ActionType.ENQUEUE_TO_NCMEC
            return ReviewRequested(
                event_id=new_id(),
                org_id=org_id,
                time=self._now(),
                correlation_id=cause,
                config_revision=revision,
                entry_id=execution,
                item=self._item(org_id, body, cause),
                source="POST_ACTIONS",
                policy_ids=policies,
                note=note,
                actor_id=body.actor_id,
                job_kind="NCMEC" if to_ncmec else "DEFAULT",
            )
        return ActionRequested(
            event_id=new_id(),
            org_id=org_id,
            time=self._now(),
            correlation_id=cause,
            config_revision=revision,
            execution_id=execution,
            action_id=action.id,
            item=ItemRef(body.item_id, body.item_type_id),
            source="POST_ACTIONS",
            policy_ids=policies,
            parameters=parameters,
            actor_id=body.actor_id,
            actor_note=note,
            cause_id=cause,
        )

    def _action(
        self, org_id: str, body: ActionOrder, related: RelatedReader
    ) -> tuple[Action | None, dict[str, Any]]:
        action = self._table.get(org_id, Kind.ACTION, body.action_id)
        if not isinstance(action, Action):
            related.errors.append(invalid("You have no action with this id.", "/actionId"))
            return None, {}
        item_type = self._table.get(org_id, Kind.ITEM_TYPE, body.item_type_id)
        if isinstance(item_type, ItemType):
            reason = _unfit(action, item_type)
            if reason is not None:
                related.errors.append(invalid(reason, "/actionId"))
        parameters, faults = resolve_values(action.parameters, body.parameters or {})
        for name, reason in faults:
            where = pointer("parameters", name)
            related.errors.append(invalid(sentence(reason), where))
        return action, parameters

    def _item(self, org_id: str, body: ActionOrder, cause: str) -> SubmittedItem:
        item_type = self._table.get(org_id, Kind.ITEM_TYPE, body.item_type_id)
        return SubmittedItem(
            id=body.item_id,
            type_id=body.item_type_id,
            type_version=item_type.version if isinstance(item_type, ItemType) else "",
            data=_NO_DATA,
            schema_variant="partial",
            submission_id=cause,
        )


def _unfit(action: Action, item_type: ItemType) -> str | None:
    """Why the action cannot be done to items of this type, None where it can."""
    if not applies_to(action, item_type_id=item_type.id, item_kind=item_type.kind):
        return f"The action {action.name} does not apply to items of type {item_type.name}."
    if action.action_type is ActionType.ENQUEUE_AUTHOR_TO_MRT or (
        action.action_type is ActionType.ENQUEUE_TO_NCMEC and item_type.kind != "USER"
    ):
        # Only who holds the item knows its author; here there is its id alone.
        return f"The action {action.name} needs the author; ask for it on the user."
    return None
