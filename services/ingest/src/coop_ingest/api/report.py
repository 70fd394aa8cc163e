"""`POST /report`: a user of the platform reports an item.

Guarantees: 201 only after the broker has acknowledged the report; the reported item is whole. What
is only named beside it (reporter, policy, items of the thread) and does not exist never silences
the report. Thread items are read as partial and are CONTENT.
"""

from __future__ import annotations

from coop_contracts.config import ApiScope, Kind
from coop_contracts.event import ReportReason, ReportSubmitted
from coop_contracts.ids import new_id
from coop_ingest.answer import Answer, json_answer
from coop_ingest.api.related import RelatedReader
from coop_ingest.api.submission_route import SubmissionRoute
from coop_ingest.media_stamp import MediaStamp
from coop_ingest.refusal import Refusal, invalid
from coop_ingest.wire import Report, ReportAccepted


class ReportRoute(SubmissionRoute[Report, ReportSubmitted]):
    body = Report
    needs = ApiScope.REPORTS_WRITE
    status = 201
    kind = "report"

    def answer(self, event: ReportSubmitted) -> Answer:
        return json_answer(self.status, ReportAccepted(event.report_id))

    def event(self, org_id: str, body: Report, related: RelatedReader) -> ReportSubmitted:
        """The report as an event. Raises Refusal with everything that is wrong."""
        report_id = related.next_id()
        reporter = related.person(body.reporter, "/reporter")
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
            org_id=org_id,
            time=self._now(),
            correlation_id=report_id,
            report_id=report_id,
            reporter=reporter,
            reported_at=reported_at,
            item=reported.item,
            config_revision=self._table.revision(org_id),
            reason=reason,
            thread_items=thread,
            reported_in_thread=named,
            additional_items=additional,
            awaits_media=related.has_media and MediaStamp(self._table).awaits(org_id),
        )

    def _reason(self, related: RelatedReader, body: Report) -> ReportReason | None:
        sent = body.reported_for_reason
        if sent is None:
            return None
        at = "/reportedForReason"
        policy_id = sent.policy_id
        if policy_id is not None:
            policy_id = related.mention(Kind.POLICY, policy_id, at + "/policyId")
        return ReportReason(
            policy_id=policy_id,
            reason=related.text(sent.reason, at + "/reason"),
            csam=sent.csam is True,
        )
