"""`POST /report/appeal`: a user of the platform appeals against actions taken on an item.

Guarantees: 204 only after the broker has acknowledged the appeal; an organisation that has appeals
off gets 409 instead of an appeal that nobody reads. An action, a policy or an appellant's type that
it names and that does not exist, perhaps no longer, never silences it.
"""

from __future__ import annotations

from coop_contracts.config import ApiScope, Kind, OrgSettings
from coop_contracts.event import AppealSubmitted
from coop_contracts.ids import new_id
from coop_ingest.api.related import RelatedReader
from coop_ingest.api.submission_route import SubmissionRoute
from coop_ingest.refusal import Refusal, conflict
from coop_ingest.wire import Appeal


class AppealRoute(SubmissionRoute[Appeal, AppealSubmitted]):
    body = Appeal
    needs = ApiScope.APPEALS_WRITE
    status = 204
    kind = "appeal"

    def allowed(self, org_id: str) -> None:
        settings = self._table.get(org_id, Kind.SETTINGS, "settings")
        if not isinstance(settings, OrgSettings) or not settings.has_appeals_enabled:
            raise conflict("Your organisation has appeals turned off.")

    def event(self, org_id: str, body: Appeal, related: RelatedReader) -> AppealSubmitted:
        """The appeal as an event. Raises Refusal with everything that is wrong."""
        correlation_id = related.next_id()
        appeal_id = related.id(body.appeal_id, "/appealId")
        appealed_by = related.person(body.appealed_by, "/appealedBy")
        appealed_at = related.moment(body.appealed_at, "/appealedAt")
        actioned = related.item(body.actioned_item, "/actionedItem")
        additional = related.items(body.additional_items, "/additionalItems", kind="CONTENT")
        actions = _mentioned(related, Kind.ACTION, body.actions_taken, "/actionsTaken/{}")
        policies = _mentioned(
            related,
            Kind.POLICY,
            [policy.id for policy in body.violating_policies or ()],
            "/violatingPolicies/{}/id",
        )
        reason = related.text(body.appeal_reason, "/appealReason")
        if related.errors or actioned.item is None or appealed_at is None:
            raise Refusal("invalid", related.errors)
        return AppealSubmitted(
            event_id=new_id(),
            org_id=org_id,
            time=self._now(),
            correlation_id=correlation_id,
            appeal_id=appeal_id,
            appealed_by=appealed_by,
            appealed_at=appealed_at,
            item=actioned.item,
            actions_taken=actions,
            config_revision=self._table.revision(org_id),
            appeal_reason=reason,
            violating_policies=policies,
            additional_items=additional,
        )


def _mentioned(related: RelatedReader, kind: Kind, ids: list[str], at: str) -> tuple[str, ...]:
    found = (related.mention(kind, one, at.format(index)) for index, one in enumerate(ids))
    return tuple(one for one in found if one is not None)
