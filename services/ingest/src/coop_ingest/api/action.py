"""`POST /actions/`: the platform asks for one of its actions on an item.

Guarantees: 202 only after the broker has acknowledged the request; the action exists, applies to
the item's type, and its parameters are right, or the answer names what is not; under an
Idempotency-Key the same request is one execution.
Must not: carry the action out: whose the item is, and who asked, review-api knows.
"""

from __future__ import annotations

from typing import Any

from coop_contracts.action import applies_to, resolve_values
from coop_contracts.config import Action, ApiScope, ItemType, Kind
from coop_contracts.error import pointer
from coop_contracts.event import ActionOrdered, ItemRef
from coop_contracts.ids import execution_id, item_key, new_id
from coop_ingest.api.related import RelatedReader
from coop_ingest.api.submission_route import SubmissionRoute
from coop_ingest.refusal import Refusal, invalid, sentence
from coop_ingest.wire import ActionOrder

MAX_NOTE = 5000
MAX_POLICIES = 100


class ActionRoute(SubmissionRoute[ActionOrder, ActionOrdered]):
    body = ActionOrder
    needs = ApiScope.ACTIONS_WRITE
    status = 202
    kind = "action"

    def event(self, org_id: str, body: ActionOrder, related: RelatedReader) -> ActionOrdered:
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
        return ActionOrdered(
            event_id=new_id(),
            org_id=org_id,
            time=self._now(),
            correlation_id=cause,
            execution_id=execution_id(cause=cause, action=action.id, target=target),
            action_id=action.id,
            item=ItemRef(body.item_id, body.item_type_id),
            config_revision=self._table.revision(org_id),
            policy_ids=policies,
            parameters=parameters,
            actor_id=body.actor_id,
            note=note,
        )

    def _action(
        self, org_id: str, body: ActionOrder, related: RelatedReader
    ) -> tuple[Action | None, dict[str, Any]]:
        action = self._table.get(org_id, Kind.ACTION, body.action_id)
        if not isinstance(action, Action):
            related.errors.append(invalid("You have no action with this id.", "/actionId"))
            return None, {}
        item_type = self._table.get(org_id, Kind.ITEM_TYPE, body.item_type_id)
        if isinstance(item_type, ItemType) and not applies_to(
            action, item_type_id=item_type.id, item_kind=item_type.kind
        ):
            reason = f"The action {action.name} does not apply to items of type {item_type.name}."
            related.errors.append(invalid(reason, "/actionId"))
        parameters, faults = resolve_values(action.parameters, body.parameters or {})
        for name, reason in faults:
            where = pointer("parameters", name)
            related.errors.append(invalid(sentence(reason), where))
        return action, parameters
