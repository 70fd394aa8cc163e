"""A decision of Coop's: the row that it is here, with the job that it closed.

Guarantees: nothing is read or written here; its id, its time, who decided and why are those of
Coop; it asks for nothing: it has no executions.
Must not: carry what was reported to NCMEC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from coop_contracts.event import ItemRef
from coop_queues.job import JobKind
from coop_queues.ranking import Ranking
from coop_queues.store import PastJob
from coop_review_api.moving.review_job import CoopNames, UnreadableJob, job_of
from coop_review_api.moving.source import Row
from coop_review_api.review.decision import Component

FROM_COOP: Final = "COOP"
"""The `came_from` of a decision that was made in Coop."""

_CLOSED_BY_ITSELF: Final = ("ITEM_DELETED_BEFORE_REVIEW", "USER_ACTIONED")
_NOTE: Final = "It was in this queue in Coop."


@dataclass(frozen=True, kw_only=True)
class PastDecision:
    """`row` is that of `review.decisions`, but for who is known here; `differs` what is not as it
    was."""

    decision_id: str
    reviewer_id: str
    row: Mapping[str, Any]
    job: PastJob
    differs: tuple[str, ...]


def decision_of(row: Row, org_id: str, named: CoopNames) -> PastDecision:
    """The decision. Raises `UnreadableJob`."""
    decision_id, queue_id = str(row["id"]), row["queue_id"] or ""
    job = job_of(row["job_payload"], named, guid=decision_id)
    differs = list(job.differs)
    components = tuple(_components(row, differs))
    if not components:
        raise UnreadableJob("nothing that was decided is known here")
    reviewer_id = row["reviewer_id"] or ""
    automatic = any(part.type == "AUTOMATIC_CLOSE" for part in components)
    past = PastJob(
        job_id=decision_id,
        placements=job.placements(
            org_id,
            queue_id,
            prefix=f"coop-past/{decision_id}",
            note=_NOTE,
            ranking=Ranking(),
            csam=any(part.type == "ESCALATE_TO_NCMEC" for part in components),
        ),
        closed_at=row["created_at"],
        closed_by=reviewer_id or "system",
        close_reason="CLOSED_AUTOMATICALLY" if automatic else "DECIDED",
    )
    return PastDecision(
        decision_id=decision_id,
        reviewer_id=reviewer_id,
        row={
            "decision_id": decision_id,
            "org_id": org_id,
            "job_id": decision_id,
            "queue_id": queue_id,
            "item_type_id": job.item.type_id,
            "item_id": job.item.id,
            "components": msgspec.to_builtins(components),
            "reason": row.get("decision_reason"),
            "executions": [],
            "request_hash": b"",
            "config_revision": 0,
            "decided_at": row["created_at"],
            "came_from": FROM_COOP,
        },
        job=past,
        differs=tuple(dict.fromkeys(differs)),
    )


def _components(row: Row, differs: list[str]) -> Iterator[Component]:
    for given in row["decision_components"] or ():
        component = _component(given, differs) if isinstance(given, dict) else None
        if component is None:
            said = _text(given.get("type")) if isinstance(given, dict) else None
            differs.append(f"a part of it is not known here and left out: {said or '?':.60}")
        else:
            yield component
    for given in row.get("related_actions") or ():
        if isinstance(given, dict):
            yield _related(given)


def _component(given: Mapping[str, Any], differs: list[str]) -> Component | None:
    match given.get("type"):
        case "IGNORE":
            return Component(type="IGNORE")
        case "CUSTOM_ACTION":
            return Component(
                type="CUSTOM_ACTION",
                action_ids=_ids(given.get("actions")),
                policy_ids=_ids(given.get("policies")),
                parameters=_parameters(given.get("actionIdsToMrtApiParamDecisionPayload")),
            )
        case "TRANSFORM_JOB_AND_RECREATE_IN_QUEUE":
            if given.get("newJobKind") == JobKind.NCMEC:
                return Component(type="ESCALATE_TO_NCMEC")
            return Component(type="MOVE", queue_id=_text(given.get("newQueueId")))
        case "ACCEPT_APPEAL" | "REJECT_APPEAL" as type_:
            return Component(type=type_, appeal_ids=_texts([given.get("appealId")]))
        case "AUTOMATIC_CLOSE":
            reason = given.get("reason")
            return Component(
                type="AUTOMATIC_CLOSE",
                close_reason=reason if reason in _CLOSED_BY_ITSELF else None,
            )
        case "SUBMIT_NCMEC_REPORT":
            differs.append("what was reported to NCMEC stays in Coop: keep its database")
            return Component(type="SUBMIT_NCMEC_REPORT")
    return None


def _related(given: Mapping[str, Any]) -> Component:
    type_id = _text(given.get("itemTypeId")) or ""
    return Component(
        type="RELATED_ACTION",
        action_ids=_texts(given.get("actionIds")),
        policy_ids=_texts(given.get("policyIds")),
        items=tuple(ItemRef(id=one, type_id=type_id) for one in _texts(given.get("itemIds"))),
    )


def _parameters(given: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(given, dict):
        return {}
    return {action: values for action, values in given.items() if isinstance(values, dict)}


def _ids(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        return ()
    return _texts([one.get("id") for one in given if isinstance(one, dict)])


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) else None


def _texts(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        return ()
    return tuple(one for one in given if isinstance(one, str) and one)
