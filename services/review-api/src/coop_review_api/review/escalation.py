"""Escalating to NCMEC: of a job about an item it makes the request of a job about its author.

Guarantees: pure; the request holds the job's own items, text or media, and then everything else
with media that is known of the user, the newest first, each version once, as far as one message
goes; what did not fit is counted in its note. Asking twice is asking once.
Must not: choose the queue; routing knows the organisation's setting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from coop_contracts import ids
from coop_contracts.config import ItemType, Kind
from coop_contracts.event import DecisionMade, ItemRef, ReviewRequested, SubmittedItem
from coop_queues.job import Job
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.review.decision import Escalation, Rulebook

MAX_ITEMS: Final = 500
MAX_BYTES: Final = 700_000
"""Of a request's items together: a broker takes messages of one megabyte."""

_NO_DATA: Final = msgspec.Raw(b"{}")

_Version = tuple[str, str, bytes]


@dataclass(frozen=True, kw_only=True)
class EscalationRequest:
    """The event, and what the decision keeps of it."""

    request: ReviewRequested
    escalation: Escalation


def author_of(job: Job) -> ItemRef | None:
    """Who made the job's item, as far as the job knows."""
    versions = (job.item, *job.earlier_items)
    return next((version.creator for version in versions if version.creator), None)


def user_of(job: Job, rulebook: Rulebook) -> ItemRef | str:
    """The user whom the job is about, or why that cannot be said."""
    item_type = rulebook.catalogue.get(Kind.ITEM_TYPE, ItemType, job.item.type_id)
    if item_type is not None and item_type.kind == "USER":
        return job.summary.item
    user = author_of(job) or rulebook.author
    if user is None:
        if item_type is None:
            return "the item's type is gone, and its author is not known"
        if item_type.field_roles.creator_id is None:
            return f"whose item this is is not known: {item_type.name} names no creator field"
        return "whose item this is is not known: it was submitted without its creator"
    user_type = rulebook.catalogue.get(Kind.ITEM_TYPE, ItemType, user.type_id)
    if user_type is None:
        return "the item type of its author is gone"
    if user_type.kind != "USER":
        return f"its author is of the type {user_type.name}, whose items are no users"
    return user


def of(
    made: DecisionMade, job: Job, rulebook: Rulebook, *, actor_id: str | None, note: str | None
) -> EscalationRequest:
    """The request. Raises `Invalid` when the user is not known."""
    user = user_of(job, rulebook)
    if isinstance(user, str):
        raise Invalid([Fault("/components", user)])
    profile = _profile(job, user, rulebook)
    chosen, left = _fitting(profile, _evidence(job, user, rulebook.submissions))
    target = ids.item_key(made.org_id, user.type_id, user.id)
    entry_id = ids.execution_id(cause=made.decision_id, action="ESCALATE_TO_NCMEC", target=target)
    request = ReviewRequested(
        event_id=ids.new_id(),
        org_id=made.org_id,
        time=made.time,
        correlation_id=made.correlation_id,
        causation_id=made.event_id,
        entry_id=entry_id,
        item=profile,
        source="MRT_JOB",
        config_revision=made.config_revision,
        policy_ids=job.summary.policy_ids,
        note=_note(note, left),
        job_kind="NCMEC",
        related_items=tuple(chosen),
        actor_id=actor_id,
        from_job_id=made.job_id,
    )
    return EscalationRequest(request=request, escalation=Escalation(entry_id=entry_id, user=user))


def _note(note: str | None, left: int) -> str | None:
    parts = [note] if note else []
    if left:
        parts.append(f"{left} more items with media are known of this user")
    return "\n".join(parts) or None


def _profile(job: Job, user: ItemRef, rulebook: Rulebook) -> SubmittedItem:
    """The user as last submitted; where that never happened, a user without data."""
    known = (job.item, *job.additional_items, *rulebook.submissions)
    for item in known:
        if _ref(item) == user:
            return item
    user_type = rulebook.catalogue.get(Kind.ITEM_TYPE, ItemType, user.type_id)
    return SubmittedItem(
        id=user.id,
        type_id=user.type_id,
        type_version=user_type.version if user_type else "",
        data=_NO_DATA,
        schema_variant="partial",
    )


def _evidence(
    job: Job, user: ItemRef, submissions: Sequence[SubmittedItem]
) -> Iterator[SubmittedItem]:
    """What the job about the user came from, then what else shows media; the most telling first."""
    if job.summary.item != user:
        yield job.item
    for item in (*job.earlier_items, *job.additional_items, *job.thread_items):
        if has_media(item):
            yield item
    yield from (item for item in submissions if has_media(item))
    # Words may be what it is about: a conversation that grooms shows no media.
    yield from (*job.earlier_items, *job.thread_items, *job.additional_items)


def _fitting(
    profile: SubmittedItem, items: Iterable[SubmittedItem]
) -> tuple[list[SubmittedItem], int]:
    """Each version once, besides the profile, as long as there is room; and how many with media
    found none."""
    chosen: dict[_Version, SubmittedItem] = {}
    left: set[_Version] = set()
    room = MAX_BYTES - len(msgspec.json.encode(profile))
    for item in items:
        key = _version(item)
        if key in chosen or key in left or key == _version(profile):
            continue
        size = len(msgspec.json.encode(item))
        if size > room or len(chosen) == MAX_ITEMS:
            if has_media(item):
                left.add(key)
            continue
        room -= size
        chosen[key] = item
    return list(chosen.values()), len(left)


def has_media(item: SubmittedItem) -> bool:
    """Whether its data shows an image, a video or a sound: as coerced, `{"url": …}`."""
    # A stack, not recursion: how deep unknown fields nest is up to who submitted them.
    stack: list[Any] = [msgspec.json.decode(item.data)]
    while stack:
        match stack.pop():
            case {"url": str()}:
                return True
            case dict() as fields:
                stack.extend(fields.values())
            case list() as entries:
                stack.extend(entries)
    return False


def _version(item: SubmittedItem) -> _Version:
    return item.type_id, item.id, bytes(item.data)


def _ref(item: SubmittedItem) -> ItemRef:
    return ItemRef(id=item.id, type_id=item.type_id)
