"""`POST /report/appeal`: a user of the platform appeals against actions taken on an item.

Guarantees: 204 only after the broker has acknowledged the appeal; an organisation that has appeals
off gets 409 instead of an appeal that nobody reads; every action it names exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import AppealSubmitted
from coop_contracts.ids import item_key, new_id
from coop_ingest import metric
from coop_ingest.answer import Answer
from coop_ingest.api.related import RelatedReader
from coop_ingest.body import Receive
from coop_ingest.gate import Gate, Request
from coop_ingest.idempotency import Submission
from coop_ingest.json_reading import StructReader, Unreadable
from coop_ingest.publisher import Publisher
from coop_ingest.refusal import Refusal, conflict
from coop_ingest.wire import Appeal
from coop_runtime.config_table import ConfigTable

_ACCEPTED = metric.ACCEPTED.labels("appeal")


class AppealRoute:
    """Wired once. `related` makes the reader of one request's parts."""

    def __init__(
        self,
        *,
        gate: Gate,
        table: ConfigTable,
        related: Callable[[str, Submission], RelatedReader],
        publisher: Publisher,
        now: Callable[[], datetime],
    ) -> None:
        self._gate = gate
        self._table = table
        self._related = related
        self._publisher = publisher
        self._now = now
        self._bodies = StructReader(Appeal)

    async def handle(self, scope: Mapping[str, Any], receive: Receive, request_id: str) -> Answer:
        """Raises Refusal or ClientGone."""
        return await self._gate.post(scope, receive, request_id, self._run)

    async def _run(self, request: Request, submission: Submission) -> Answer:
        settings = self._table.get(request.org_id, Kind.SETTINGS, "settings")
        if not isinstance(settings, OrgSettings) or not settings.has_appeals_enabled:
            raise conflict("Your organisation has appeals turned off.")
        try:
            body: Appeal = self._bodies.read(request.body)
        except Unreadable as unreadable:
            raise unreadable.refusal() from None
        event = self._event(request, submission, body)
        key = item_key(request.org_id, event.item.type_id, event.item.id)
        message = self._publisher.message(event, key, request.traceparent)
        if message is None:
            raise self._publisher.too_large()
        await self._publisher.publish([message])
        _ACCEPTED.inc()
        return Answer(204)

    def _event(self, request: Request, submission: Submission, body: Appeal) -> AppealSubmitted:
        """The appeal as an event. Raises Refusal with everything that is wrong."""
        related = self._related(request.org_id, submission)
        correlation_id = related.next_id()
        appeal_id = related.id(body.appeal_id, "/appealId")
        appealed_by = related.reference(body.appealed_by, "/appealedBy", kind="USER")
        appealed_at = related.moment(body.appealed_at, "/appealedAt")
        actioned = related.item(body.actioned_item, "/actionedItem")
        additional = related.items(body.additional_items, "/additionalItems", kind="CONTENT")
        actions = tuple(
            related.known(Kind.ACTION, action_id, f"/actionsTaken/{index}")
            for index, action_id in enumerate(body.actions_taken)
        )
        # Policies are not looked up: an appeal against one deleted since must still be heard.
        policies = tuple(
            related.id(policy.id, f"/violatingPolicies/{index}/id")
            for index, policy in enumerate(body.violating_policies or ())
        )
        reason = related.text(body.appeal_reason, "/appealReason")
        if related.errors or actioned.item is None or appealed_at is None:
            raise Refusal("invalid", related.errors)
        return AppealSubmitted(
            event_id=new_id(),
            org_id=request.org_id,
            time=self._now(),
            correlation_id=correlation_id,
            appeal_id=appeal_id,
            appealed_by=appealed_by,
            appealed_at=appealed_at,
            item=actioned.item,
            actions_taken=actions,
            config_revision=self._table.revision(request.org_id),
            appeal_reason=reason,
            violating_policies=policies,
            additional_items=additional,
        )
