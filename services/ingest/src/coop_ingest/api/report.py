"""`POST /report`: a user of the platform reports an item.

Guarantees: 201 only after the broker has acknowledged the report; reporter, policy and every item's
type exist. Thread items are read as partial and are CONTENT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from coop_contracts.config import Kind
from coop_contracts.event import ReportReason, ReportSubmitted
from coop_contracts.ids import item_key, new_id
from coop_ingest import metric
from coop_ingest.answer import Answer, json_answer
from coop_ingest.api.related import RelatedReader
from coop_ingest.body import Receive
from coop_ingest.gate import Gate, Request
from coop_ingest.idempotency import Submission
from coop_ingest.json_reading import StructReader, Unreadable
from coop_ingest.publisher import Publisher
from coop_ingest.refusal import Refusal, invalid
from coop_ingest.wire import Report, ReportAccepted
from coop_runtime.config_table import ConfigTable

_ACCEPTED = metric.ACCEPTED.labels("report")


class ReportRoute:
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
        self._bodies = StructReader(Report)

    async def handle(self, scope: Mapping[str, Any], receive: Receive, request_id: str) -> Answer:
        """Raises Refusal or ClientGone."""
        return await self._gate.post(scope, receive, request_id, self._run)

    async def _run(self, request: Request, submission: Submission) -> Answer:
        try:
            body: Report = self._bodies.read(request.body)
        except Unreadable as unreadable:
            raise unreadable.refusal() from None
        event = self._event(request, submission, body)
        key = item_key(request.org_id, event.item.type_id, event.item.id)
        message = self._publisher.message(event, key, request.traceparent)
        if message is None:
            raise self._publisher.too_large()
        await self._publisher.publish([message])
        _ACCEPTED.inc()
        return json_answer(201, ReportAccepted(event.report_id))

    def _event(self, request: Request, submission: Submission, body: Report) -> ReportSubmitted:
        """The report as an event. Raises Refusal with everything that is wrong."""
        related = self._related(request.org_id, submission)
        report_id = related.next_id()
        reporter = related.reference(body.reporter, "/reporter", kind="USER")
        reported_at = related.moment(body.reported_at, "/reportedAt")
        reported = related.item(body.reported_item, "/reportedItem")
        if reported.kind == "THREAD" and body.additional_items:
            detail = "A report of a THREAD has no additional items."
            related.errors.append(invalid(detail, "/additionalItems"))
        thread = related.items(
            body.reported_item_thread, "/reportedItemThread", variant="partial", kind="CONTENT"
        )
        named = related.references(body.reported_items_in_thread, "/reportedItemsInThread")
        additional = related.items(body.additional_items, "/additionalItems")
        reason = self._reason(related, body)
        if related.errors or reported.item is None or reported_at is None:
            raise Refusal("invalid", related.errors)
        return ReportSubmitted(
            event_id=new_id(),
            org_id=request.org_id,
            time=self._now(),
            correlation_id=report_id,
            report_id=report_id,
            reporter=reporter,
            reported_at=reported_at,
            item=reported.item,
            config_revision=self._table.revision(request.org_id),
            reason=reason,
            thread_items=thread,
            reported_in_thread=named,
            additional_items=additional,
        )

    def _reason(self, related: RelatedReader, body: Report) -> ReportReason | None:
        sent = body.reported_for_reason
        if sent is None:
            return None
        at = "/reportedForReason"
        if sent.policy_id is not None:
            related.known(Kind.POLICY, sent.policy_id, at + "/policyId")
        return ReportReason(
            policy_id=sent.policy_id,
            reason=related.text(sent.reason, at + "/reason"),
            csam=sent.csam is True,
        )
