"""Of what the platform is told that is no action: that a job was ignored, what became of appeals.

Guarantees: pure; one callback for an ignored item where the organisation wants to know, one for
each appeal of the job; each with an id made of the decision, so that making it twice is making it
once. The bodies are those of the public wire format (docs: "Webhooks to the platform").
Must not: know addresses or headers; the dispatcher takes them from the settings when it sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw

from coop_contracts import ids
from coop_contracts.config import OrgSettings
from coop_contracts.event import CallbackRequested, DecisionMade
from coop_queues.job import Job
from coop_review_api.review.decision import Component

_APPEALS = {"ACCEPT_APPEAL": "ACCEPT", "REJECT_APPEAL": "REJECT"}


def of(
    made: DecisionMade, components: Sequence[Component], job: Job, settings: OrgSettings
) -> Iterator[CallbackRequested]:
    """The callbacks that follow from a decision."""
    for component in components:
        if component.type == "IGNORE" and settings.ignore_callback_url:
            body: dict[str, Any] = {
                "id": job.item.id,
                "typeId": job.item.type_id,
                "data": job.item.data,
            }
            yield _callback(made, "IGNORE", body)
        elif component.type in _APPEALS:
            for appeal in job.appeals:
                body = {
                    "appealId": appeal.appeal_id,
                    "item": made.item,
                    "appealedBy": appeal.appealed_by,
                    "appealDecision": _APPEALS[component.type],
                }
                yield _callback(made, "APPEAL_DECISION", body, of_=appeal.appeal_id)


def _callback(
    made: DecisionMade,
    kind: Literal["IGNORE", "APPEAL_DECISION"],
    body: dict[str, Any],
    *,
    of_: str = "",
) -> CallbackRequested:
    target = ids.item_key(made.org_id, made.item.type_id, made.item.id)
    return CallbackRequested(
        event_id=ids.new_id(),
        org_id=made.org_id,
        time=made.time,
        correlation_id=made.correlation_id,
        causation_id=made.event_id,
        callback_id=ids.execution_id(cause=made.decision_id, action=f"{kind}/{of_}", target=target),
        callback=kind,
        item=made.item,
        decision_id=made.decision_id,
        config_revision=made.config_revision,
        body=Raw(msgspec.json.encode(body)),
    )
