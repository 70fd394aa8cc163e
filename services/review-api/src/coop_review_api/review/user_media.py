"""All media of the user whom a child-safety job is about.

    what the job carries (what was reported first) ─▶ what the history has of the user, newest first

Guarantees: gathered when it is asked for, whatever brought the job, and by the same way for the
page and for the decision: what is shown is what is known of the job when it is decided; each item
as it was sent last, once; bounded.
Must not: be stored with the job: what was sent since then belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from coop_contracts.event import ItemRef, SubmittedItem
from coop_queues.job import Job
from coop_queues.reading import item_key
from coop_review_api.history.port import MAX_SCAN, FoundItem, ItemFinder, Slice
from coop_review_api.media_value.reference import digest_of
from coop_review_api.media_value.value import MediaValue, values_of

MOST: Final = 1000
"""Items of the history that a job knows."""

_PAGES: Final = 10

Seen = frozenset[tuple[str, str]]
"""By key of the item and digest of the address."""


class MediumPlace(NamedTuple):
    """Where a medium is: `pointer` leads to it in the item's data."""

    item: ItemRef
    pointer: str


class KnownMedium(NamedTuple):
    """A medium, and the version of its item that has it."""

    value: MediaValue
    item: SubmittedItem

    @property
    def url(self) -> str:
        return self.value.url


class Requirement(NamedTuple):
    """Of so many known media so many were looked at, and so many have to be."""

    known: int
    looked: int
    needed: int


async def submissions_of(finder: ItemFinder, job: Job) -> tuple[SubmittedItem, ...]:
    """What of the user has media, the newest first. Raises `Retryable`."""
    found: list[SubmittedItem] = []
    part = Slice(limit=MAX_SCAN)
    for _ in range(_PAGES):
        page = await finder.media_of(job.summary.org_id, job.summary.item, part)
        found += [submitted(one) for one in page.items]
        if page.next is None or len(found) >= MOST:
            break
        part = Slice(limit=MAX_SCAN, after=page.next)
    return tuple(found[:MOST])


def submitted(found: FoundItem) -> SubmittedItem:
    """The version, with what brought it."""
    return msgspec.structs.replace(found.item, submission_id=found.submission_id)


def carried(job: Job) -> Iterator[SubmittedItem]:
    """What lies in the job: what was reported, then the user, then what was said around it."""
    yield from job.additional_items
    yield job.item
    yield from (*job.thread_items, *job.earlier_items)


def known_media(job: Job, submissions: Sequence[SubmittedItem]) -> dict[MediumPlace, KnownMedium]:
    """By where they are, each once: as the job has it, where it does."""
    found: dict[MediumPlace, KnownMedium] = {}
    for item in (*carried(job), *submissions):
        ref = ItemRef(id=item.id, type_id=item.type_id)
        for value in values_of(item.data):
            found.setdefault(MediumPlace(ref, value.pointer), KnownMedium(value, item))
    return found


def is_seen(seen: Seen, item: ItemRef, url: str) -> bool:
    """Whether the reviewer saw the whole of it in this job."""
    return (item_key(item.type_id, item.id), digest_of(url)) in seen


def requirement(
    known: Mapping[MediumPlace, KnownMedium], seen: Seen, minimum: int | None
) -> Requirement:
    """What the organisation asks for (`minimum`: without one all), by the log of reveals."""
    looked = sum(is_seen(seen, place.item, one.url) for place, one in known.items())
    needed = len(known) if minimum is None else min(minimum, len(known))
    return Requirement(known=len(known), looked=looked, needed=needed)
