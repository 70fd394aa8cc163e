"""Reporting a user to NCMEC: whether the report may be, and the event that it becomes.

Guarantees: pure; a report is about the user of a child-safety job, confirmed by their id; its media
are known here, and were looked at as the organisation requires, by the log of reveals; it is a real
one only if the queue's reports are and the operator files real ones; who looked at what is said as
it was.
Must not: take an address, or a claim to have looked, from the wire.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from coop_contracts import ids
from coop_contracts.config import FieldRoles, ItemType, Kind, NcmecSettings, ScalarType
from coop_contracts.error import pointer
from coop_contracts.event import (
    CybertipRequested,
    DecisionMade,
    ItemRef,
    ReportedMedium,
    ReportedMessage,
    ReportedThread,
    ReportedUser,
    SubmittedItem,
)
from coop_queues.job import Job, JobKind
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.review.decision import Rulebook
from coop_review_api.review.ncmec_report import ChosenMedium, ChosenPerson, NcmecReport
from coop_review_api.review.user_media import (
    KnownMedium,
    MediumPlace,
    is_seen,
    known_media,
    requirement,
)

MAX_BYTES: Final = 900_000
"""Of the event: a broker takes messages of one megabyte."""

Media = Mapping[MediumPlace, KnownMedium]


def environment_of(job: Job, rulebook: Rulebook) -> Literal["TEST", "PRODUCTION"]:
    """What a report of this job is filed as."""
    return environment_in(job.summary.queue_id, rulebook.ncmec, files_real=rulebook.files_real)


def environment_in(
    queue_id: str, settings: NcmecSettings | None, *, files_real: bool
) -> Literal["TEST", "PRODUCTION"]:
    """What a report of a job in that queue is filed as; the operator `files_real` ones, or not."""
    queues = () if settings is None else settings.production_queue_ids
    return "PRODUCTION" if files_real and queue_id in queues else "TEST"


def check(report: NcmecReport, at: str, job: Job, rulebook: Rulebook) -> Iterator[Fault]:
    """Everything that is wrong with it."""
    if job.summary.kind is not JobKind.NCMEC:
        yield Fault(at, "only of a job about child safety a report is made")
        return
    settings = rulebook.ncmec
    if settings is None or not settings.enabled:
        yield Fault(at, "reporting to NCMEC is not enabled: see the NCMEC settings")
    if report.confirmed_user_id != job.summary.item.id:
        yield Fault(f"{at}/confirmedUserId", "this is not the id of who is reported")
    environment = environment_of(job, rulebook)
    if report.environment != environment:
        yield Fault(f"{at}/environment", f"of this queue it would be {environment}")
    if report.high_priority is not None and not report.high_priority.strip():
        yield Fault(f"{at}/highPriority", "a reason")
    classified = any(one.classification for one in report.media)
    if not classified and not report.threads and not (report.additional_info or "").strip():
        yield Fault(at, "a medium that is classified, messages, or words")
    known = _known_media(job, rulebook)
    yield from _media(report, at, known)
    yield from _threads(report, at, job)
    yield from _looked_at(report, at, known, rulebook)


def _media(report: NcmecReport, at: str, known: Media) -> Iterator[Fault]:
    seen: set[MediumPlace] = set()
    for index, one in enumerate(report.media):
        where = at + pointer("media", index)
        place = MediumPlace(one.item, one.pointer)
        if place not in known:
            yield Fault(where, "no medium that is known of this job")
        if place in seen:
            yield Fault(where, "given twice")
        seen.add(place)
        if one.relevance == "SUPPLEMENTAL" and one.classification is not None:
            yield Fault(f"{where}/classification", "only what is reported is classified")
        if one.relevance == "SUPPLEMENTAL" and "POTENTIAL_MEME" in one.annotations:
            yield Fault(f"{where}/annotations", "only what is reported may be a meme")


def _threads(report: NcmecReport, at: str, job: Job) -> Iterator[Fault]:
    known = {_ref(one) for one in _items(job)}
    for index, thread in enumerate(report.threads):
        for number, message in enumerate(thread.messages):
            if message not in known:
                where = pointer("threads", index, "messages", number)
                yield Fault(at + where, "no message that is known of this job")


def _looked_at(report: NcmecReport, at: str, known: Media, rulebook: Rulebook) -> Iterator[Fault]:
    """The organisation's requirement, by the log of reveals; what is classified, always."""
    for index, one in enumerate(report.media):
        medium = known.get(MediumPlace(one.item, one.pointer))
        if one.classification and medium and not is_seen(rulebook.seen, one.item, medium.url):
            where = pointer("media", index, "classification")
            yield Fault(at + where, "look at the whole medium before you classify it")
    if rulebook.ncmec is None:
        return
    asked = requirement(known, rulebook.seen, rulebook.ncmec.minimum_media)
    if asked.looked < asked.needed:
        yield Fault(f"{at}/media", f"{asked.looked} of {asked.needed} media were looked at")


def of(
    made: DecisionMade, report: NcmecReport, at: str, job: Job, rulebook: Rulebook
) -> CybertipRequested:
    """The event. Of a checked report. Raises `Invalid` where it is more than can be sent."""
    event = _event(made, report, job, rulebook)
    if len(msgspec.json.encode(event)) > MAX_BYTES:
        raise Invalid([Fault(at, f"over {MAX_BYTES} bytes: choose fewer messages")])
    return event


def _event(
    made: DecisionMade, report: NcmecReport, job: Job, rulebook: Rulebook
) -> CybertipRequested:
    known = _known_media(job, rulebook)
    items: dict[ItemRef, SubmittedItem] = {}
    for item in (*_items(job), *rulebook.submissions):
        items.setdefault(_ref(item), item)
    return CybertipRequested(
        event_id=ids.new_id(),
        org_id=made.org_id,
        time=made.time,
        correlation_id=made.correlation_id,
        causation_id=made.event_id,
        cybertip_id=ids.cybertip_id(decision_id=made.decision_id),
        decision_id=made.decision_id,
        job_id=made.job_id,
        queue_id=made.queue_id,
        reviewer_id=made.reviewer_id,
        environment=environment_of(job, rulebook),
        incident=report.incident,
        user=_user(job.item, rulebook),
        decided_at=made.time,
        config_revision=made.config_revision,
        media=tuple(
            _medium(one, known[MediumPlace(one.item, one.pointer)], rulebook)
            for one in report.media
        ),
        threads=tuple(
            ReportedThread(
                thread=one.thread,
                messages=tuple(_message(items[ref], rulebook) for ref in one.messages),
            )
            for one in report.threads
        ),
        victims=tuple(_person(one, items, rulebook) for one in report.victims),
        recipients=tuple(_person(one, items, rulebook) for one in report.recipients),
        annotations=report.annotations,
        high_priority=report.high_priority,
        additional_info=report.additional_info,
        further=report.further,
    )


def _medium(chosen: ChosenMedium, known: KnownMedium, rulebook: Rulebook) -> ReportedMedium:
    said = _Said(known.item, rulebook)
    return ReportedMedium(
        item=chosen.item,
        field=chosen.pointer,
        url=known.url,
        classification=chosen.classification,
        annotations=chosen.annotations,
        relevance=chosen.relevance,
        viewed=is_seen(rulebook.seen, chosen.item, known.url),
        submitted_at=_submitted_at(known.item),
        uploaded_at=said.time("created_at"),
        ip_address=said.text("ip_address"),
    )


def _message(item: SubmittedItem, rulebook: Rulebook) -> ReportedMessage:
    said = _Said(item, rulebook)
    return ReportedMessage(
        item=_ref(item),
        text="\n".join(said.words()),
        sent_at=said.time("created_at") or _submitted_at(item),
        sender=item.creator,
        ip_address=said.text("ip_address"),
    )


def _person(
    person: ChosenPerson, items: Mapping[ItemRef, SubmittedItem], rulebook: Rulebook
) -> ReportedUser:
    item = items.get(person.user)
    known = ReportedUser(user=person.user) if item is None else _user(item, rulebook)
    return msgspec.structs.replace(known, age=person.age, notes=person.notes)


def _user(item: SubmittedItem, rulebook: Rulebook) -> ReportedUser:
    said = _Said(item, rulebook)
    name = said.text("display_name")
    return ReportedUser(
        user=_ref(item),
        display_names=() if name is None else (name,),
        screen_name=item.id,
        email=said.text("email"),
        ip_address=said.text("ip_address"),
    )


class _Said:
    """What an item says, by the roles of its type's fields."""

    def __init__(self, item: SubmittedItem, rulebook: Rulebook) -> None:
        data = msgspec.json.decode(item.data)
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        self._type = rulebook.catalogue.get(Kind.ITEM_TYPE, ItemType, item.type_id)

    def text(self, role: str) -> str | None:
        """The text in the field of that role."""
        roles = FieldRoles() if self._type is None else self._type.field_roles
        value = self._data.get(getattr(roles, role) or "")
        return value if isinstance(value, str) and value.strip() else None

    def time(self, role: str) -> datetime | None:
        """The time in the field of that role."""
        try:
            found = datetime.fromisoformat(self.text(role) or "")
        except ValueError:
            return None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

    def words(self) -> list[str]:
        """What was written, field by field."""
        fields = () if self._type is None else self._type.fields
        names = [one.name for one in fields if one.type == ScalarType.STRING]
        return [value for name in names if isinstance(value := self._data.get(name), str)]


def _known_media(job: Job, rulebook: Rulebook) -> Media:
    return known_media(job, rulebook.submissions)


def _items(job: Job) -> Iterable[SubmittedItem]:
    return (job.item, *job.additional_items, *job.thread_items, *job.earlier_items)


def _submitted_at(item: SubmittedItem) -> datetime | None:
    """Ids of submissions begin with their time (UUIDv7)."""
    try:
        value = uuid.UUID(item.submission_id or "")
    except ValueError:
        return None
    if value.version != 7:
        return None
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def _ref(item: SubmittedItem) -> ItemRef:
    return ItemRef(id=item.id, type_id=item.type_id)
