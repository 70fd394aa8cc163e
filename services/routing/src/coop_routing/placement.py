"""From an event to what is placed: entry, item and everything that came with them.

    a report that says csam, for the queue of child safety ─▶ a job of kind NCMEC about the author,
                                                              with the reported item beside it
        nobody knows whose the item is, or it is no user's ─▶ a job about the item, marked csam

Guarantees: every field of a report, appeal or request that a reviewer may need is in the placement;
the entry's id is that of the report, appeal or request, so a replay places nothing.
Must not: decide where it goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Raw

from coop_contracts.config import ItemType
from coop_contracts.event import (
    AppealSubmitted,
    ItemRef,
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

ItemTypes = Callable[[str], ItemType | None]
"""An organisation's item types as they are now, by id."""

_TO_CHILD_SAFETY: Final = frozenset({"SETTING", "PARKED"})
"""How a report comes to the queue of child safety, or may still come to it."""
_NO_DATA: Final = Raw(b"{}")


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


def placement_of(event: Cause, route: Route, ranking: Ranking, item_types: ItemTypes) -> Placement:
    """What `coop_queues.store.place_many` takes. `ranking` is that of the route's queue."""
    traits = traits_of(event)
    match event:
        case ReportSubmitted():
            return _report(event, route, ranking, traits, item_types)
        case AppealSubmitted():
            return _appeal(event, route, ranking, traits)
        case ReviewRequested():
            return _request(event, route, ranking, traits)


def _report(
    event: ReportSubmitted,
    route: Route,
    ranking: Ranking,
    traits: EntryTraits,
    item_types: ItemTypes,
) -> Placement:
    reason = event.reason
    user: SubmittedItem | str | None = None
    if traits.child_safety and route.routing.how in _TO_CHILD_SAFETY:
        user = _user(event, item_types)
    is_another = isinstance(user, SubmittedItem) and user is not event.item
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
            item=_ref(event.item) if is_another else None,
        ),
        note=user if isinstance(user, str) else None,
        policy_ids=traits.policy_ids,
        reported_in_thread=event.reported_in_thread,
        csam=reason.csam if reason else False,
        awaits_media=event.awaits_media,
        event_id=event.event_id,
        correlation_id=event.correlation_id,
    )
    if not isinstance(user, SubmittedItem):
        return _placement(
            event,
            route,
            ranking,
            entry,
            thread_items=event.thread_items,
            additional_items=event.additional_items,
        )
    return _placement(
        event,
        route,
        ranking,
        entry,
        kind=JobKind.NCMEC,
        item=user,
        thread_items=event.thread_items,
        additional_items=tuple(
            one for one in (event.item, *event.additional_items) if one is not user
        ),
    )


def _user(event: ReportSubmitted, item_types: ItemTypes) -> SubmittedItem | str:
    """The user whom a report of child abuse is about, as far as the report knows them, or in words
    why it is about the item."""
    item_type = item_types(event.item.type_id)
    if item_type is not None and item_type.kind == "USER":
        return event.item
    author = event.item.creator
    if author is None:
        return "Reported as child abuse material; whose item this is is not known."
    author_type = item_types(author.type_id)
    if author_type is None or author_type.kind != "USER":
        return "Reported as child abuse material; the type of its author is not one of users."
    came_along = (*event.additional_items, *event.thread_items)
    return next(
        (one for one in came_along if _ref(one) == author),
        SubmittedItem(
            id=author.id,
            type_id=author.type_id,
            type_version=author_type.version,
            data=_NO_DATA,
            schema_variant="partial",
        ),
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
    item: SubmittedItem | None = None,
    thread_items: tuple[SubmittedItem, ...] = (),
    additional_items: tuple[SubmittedItem, ...] = (),
) -> Placement:
    return Placement(
        org_id=event.org_id,
        queue_id=route.queue_id,
        kind=kind,
        item=item or event.item,
        entry=entry,
        thread_items=thread_items,
        additional_items=additional_items,
        ranking=ranking,
    )


def _ref(item: SubmittedItem) -> ItemRef:
    return ItemRef(id=item.id, type_id=item.type_id)
