"""From an event to what is placed: entry, item and everything that came with them.

Guarantees: every field of a report, appeal or request that a reviewer may need is in the placement;
the entry's id is that of the report, appeal or request, so a replay places nothing.
Must not: decide where it goes.
"""

from __future__ import annotations

from coop_contracts.event import (
    AppealSubmitted,
    ReportEntry,
    ReportSubmitted,
    ReviewRequested,
    SubmittedItem,
)
from coop_queues.job import AppealEntry, Job, JobEntry, JobKind, Placement, requested_entry_id
from coop_queues.ranking import Ranking
from coop_routing.route import Route
from coop_rules.queue_choice import EntryTraits

Cause = ReportSubmitted | AppealSubmitted | ReviewRequested
"""What makes routing place something."""


def traits_of(event: Cause) -> EntryTraits:
    """The traits of a report, appeal or request."""
    match event:
        case ReportSubmitted():
            reason = event.reason
            policy = reason.policy_id if reason else None
            csam = reason.csam if reason else False
            return EntryTraits("REPORT", (policy,) if policy else (), child_safety=csam)
        case AppealSubmitted():
            return EntryTraits("APPEAL", event.violating_policies, for_appeals=True)
        case ReviewRequested():
            return EntryTraits(
                event.source,
                event.policy_ids,
                queue_id=event.queue_id,
                child_safety=event.job_kind == "NCMEC",
            )


def media_of(event: Cause) -> str | None:
    """The submission whose media hma-bridge speaks of: a report that ingest stamped."""
    if isinstance(event, ReportSubmitted) and event.awaits_media:
        return event.report_id
    return None


def media_of_job(job: Job) -> str | None:
    """The same of a job: its newest report that was stamped."""
    for entry in job.entries:
        if entry.awaits_media and entry.report is not None:
            return entry.report.report_id
    return None


def asked_by(event: Cause) -> str | None:
    """The person who asked for a review, where one did."""
    return event.actor_id if isinstance(event, ReviewRequested) else None


def placement_of(event: Cause, route: Route, ranking: Ranking) -> Placement:
    """What `coop_queues.store.place_many` takes. `ranking` is that of the route's queue."""
    traits = traits_of(event)
    match event:
        case ReportSubmitted():
            return _report(event, route, ranking, traits)
        case AppealSubmitted():
            return _appeal(event, route, ranking, traits)
        case ReviewRequested():
            return _request(event, route, ranking, traits)


def _report(
    event: ReportSubmitted, route: Route, ranking: Ranking, traits: EntryTraits
) -> Placement:
    reason = event.reason
    entry = JobEntry(
        entry_id=f"report/{event.report_id}",
        source=traits.source,
        at=event.time,
        routing=route.routing,
        report=ReportEntry(
            report_id=event.report_id,
            reported_at=event.reported_at,
            reporter=event.reporter,
            reason=reason.reason if reason else None,
            policy_id=reason.policy_id if reason else None,
        ),
        policy_ids=traits.policy_ids,
        reported_in_thread=event.reported_in_thread,
        csam=reason.csam if reason else False,
        awaits_media=event.awaits_media,
        event_id=event.event_id,
        correlation_id=event.correlation_id,
    )
    return _placement(
        event,
        route,
        ranking,
        entry,
        thread_items=event.thread_items,
        additional_items=event.additional_items,
    )


def _appeal(
    event: AppealSubmitted, route: Route, ranking: Ranking, traits: EntryTraits
) -> Placement:
    entry = JobEntry(
        entry_id=f"appeal/{event.appeal_id}",
        source=traits.source,
        at=event.time,
        routing=route.routing,
        appeal=AppealEntry(
            appeal_id=event.appeal_id,
            appealed_by=event.appealed_by,
            appealed_at=event.appealed_at,
            actions_taken=event.actions_taken,
            reason=event.appeal_reason,
        ),
        policy_ids=traits.policy_ids,
        event_id=event.event_id,
        correlation_id=event.correlation_id,
    )
    return _placement(
        event, route, ranking, entry, kind=JobKind.APPEAL, additional_items=event.additional_items
    )


def _request(
    event: ReviewRequested, route: Route, ranking: Ranking, traits: EntryTraits
) -> Placement:
    entry = JobEntry(
        entry_id=requested_entry_id(event.entry_id),
        source=traits.source,
        at=event.time,
        routing=route.routing,
        rules=event.rules,
        policy_ids=traits.policy_ids,
        csam=event.job_kind == "NCMEC",
        note=event.note,
        from_job_id=event.from_job_id,
        event_id=event.event_id,
        correlation_id=event.correlation_id,
    )
    return _placement(
        event,
        route,
        ranking,
        entry,
        kind=JobKind(event.job_kind),
        additional_items=event.related_items,
    )


def _placement(
    event: Cause,
    route: Route,
    ranking: Ranking,
    entry: JobEntry,
    *,
    kind: JobKind = JobKind.DEFAULT,
    thread_items: tuple[SubmittedItem, ...] = (),
    additional_items: tuple[SubmittedItem, ...] = (),
) -> Placement:
    return Placement(
        org_id=event.org_id,
        queue_id=route.queue_id,
        kind=kind,
        item=event.item,
        entry=entry,
        thread_items=thread_items,
        additional_items=additional_items,
        ranking=ranking,
    )
