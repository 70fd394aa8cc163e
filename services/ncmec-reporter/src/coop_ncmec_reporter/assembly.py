"""A report is put together: the decision, the settings, what the platform adds, what was held.

Guarantees: pure functions; a time that nobody knows is not made up, `incident_at_means` says which
one it is; a medium that is gone is told in words, with its hashes; what only one file may have once
(the address of its upload) and is known more often goes to the notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from coop_contracts.config import NcmecSettings
from coop_contracts.event import (
    CybertipRequested,
    ReportedMedium,
    ReportedThread,
    ReportedUser,
)
from coop_ncmec_reporter.filing import (
    Account,
    Conversation,
    Device,
    EmailAddress,
    FileFacts,
    Filing,
    IpEvent,
    PhoneNumber,
    Place,
    Reporter,
)
from coop_ncmec_reporter.platform_answer import (
    AnsweredDevice,
    AnsweredEvent,
    AnsweredUser,
    PlatformAnswer,
)
from coop_ncmec_reporter.text import clean, csv_lines, cut
from coop_ncmec_reporter.tree import moment

FileKind = Literal["MEDIUM", "ADDITIONAL", "THREAD"]

_SHOWN: Final = 10_000  # characters of a conversation in the report itself; all are in its file
_COLUMNS: Final = ("content", "src", "target", "thread", "type", "contentId", "sentAt", "ip")


class WantedFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that belongs to the report: fetched from `url`, or made of `content`. `index` is its
    place among its kind. `missing`: the platform says that it is no more."""

    kind: FileKind
    index: int
    name: str
    url: str | None = None
    content: bytes | None = None
    missing: bool = False


def wanted_files(request: CybertipRequested, answer: PlatformAnswer) -> list[WantedFile]:
    """All files, in the order in which they are held and sent: the reported media first."""
    found: list[WantedFile] = []
    for index, medium in enumerate(request.media):
        known = answer.medium(medium.item)
        found.append(
            WantedFile(
                kind="MEDIUM",
                index=index,
                name=(known.file_name if known else None) or name_of(medium.url),
                url=medium.url,
                missing=known is not None and known.missing,
            )
        )
    for index, file in enumerate(answer.files):
        name = file.file_name or name_of(file.file_url)
        found.append(WantedFile(kind="ADDITIONAL", index=index, name=name, url=file.file_url))
    for index, thread in enumerate(request.threads):
        found.append(
            WantedFile(
                kind="THREAD",
                index=index,
                name=f"thread-{index + 1}.csv",
                content=csv_lines(_rows(thread)),
            )
        )
    return found


def name_of(url: str) -> str:
    """A file's name by its address."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return "file"
    return unquote(path.rstrip("/").rpartition("/")[2])[:255] or "file"


def facts_of(wanted: WantedFile, request: CybertipRequested, answer: PlatformAnswer) -> FileFacts:
    """What is said of a file."""
    if wanted.kind == "THREAD":
        thread = request.threads[wanted.index]
        return FileFacts(
            name=wanted.name,
            relevance="SUPPLEMENTAL",
            notes=(f"Messages of the thread {thread.thread.id}", "Columns: " + ", ".join(_COLUMNS)),
        )
    if wanted.kind == "ADDITIONAL":
        return FileFacts(
            name=wanted.name,
            relevance="SUPPLEMENTAL",
            notes=answer.files[wanted.index].additional_info,
        )
    return _medium_facts(request.media[wanted.index], wanted.name, answer)


def _medium_facts(medium: ReportedMedium, name: str, answer: PlatformAnswer) -> FileFacts:
    known = answer.medium(medium.item)
    events = [] if known is None else [_ip(event) for event in known.ip_capture_event]
    if not events and medium.ip_address:
        at = medium.uploaded_at
        events = [IpEvent(ip_address=medium.ip_address, event_name="Upload", at=at)]
    uploads = [event for event in events if event.event_name == "Upload"]
    chosen = next(iter(uploads or events), None)
    notes = [] if known is None else list(known.additional_info)
    notes += [_told(event) for event in events if event is not chosen]
    hashes = {kind.upper(): value for kind, value in medium.hashes.items()}
    if known is not None:
        hashes |= {one.hash_type.upper(): one.hash for one in known.file_details}
    public = medium.publicly_available if known is None else known.publicly_available
    return FileFacts(
        name=name,
        relevance=medium.relevance,
        uploaded_at=medium.uploaded_at or (known.uploaded_at if known else None),
        location=medium.url,
        viewed=medium.viewed,
        exif_viewed=medium.exif_viewed,
        publicly_available=public,
        classification=medium.classification,
        annotations=medium.annotations,
        hashes=hashes,
        ip_event=chosen,
        devices=() if known is None else tuple(map(_device, known.device_id)),
        exif={} if known is None else known.exif,
        notes=tuple(notes),
    )


def filing_of(
    request: CybertipRequested,
    settings: NcmecSettings,
    answer: PlatformAnswer,
    *,
    missing: Sequence[WantedFile] = (),
    prior: Mapping[str, Sequence[int]] = {},
    now: datetime,
) -> Filing:
    """The report. `prior`: numbers of earlier reports about a user, by `type/id`."""
    at, means = _incident(request)
    notes = [] if request.additional_info is None else [request.additional_info]
    if answer.additional_info:
        notes.append(answer.additional_info)
    notes += [_gone(request, one) for one in missing]

    def account(user: ReportedUser) -> Account:
        known = f"{user.user.type_id}/{user.user.id}"
        return _account(user, answer.user(user.user), prior.get(known, ()), at)

    pages = [one.page_url for one in request.media if one.page_url]
    return Filing(
        reference=request.cybertip_id,
        prepared_at=now,
        incident=request.incident,
        incident_at=at,
        incident_at_means=means,
        reporter=Reporter(
            email=settings.contact_email,
            company=settings.company_report_name,
            legal_url=settings.legal_url,
            terms_of_service=settings.terms_of_service,
            more_info_url=settings.more_info_url,
            contact=settings.contact_person,
            internet_detail=settings.internet_detail,
        ),
        suspect=account(request.user),
        annotations=request.annotations,
        high_priority=request.high_priority,
        victims=tuple(map(account, request.victims)),
        recipients=tuple(map(account, request.recipients)),
        pages=tuple(pages),
        conversations=tuple(map(_conversation, request.threads)),
        notes=tuple(notes),
    )


def _incident(request: CybertipRequested) -> tuple[datetime, str]:
    reported = [one for one in request.media if one.relevance == "REPORTED"] or request.media
    uploads = [one.uploaded_at for one in reported if one.uploaded_at]
    if uploads:
        return max(uploads), "Time of the newest reported upload"
    sent = [one.sent_at for thread in request.threads for one in thread.messages if one.sent_at]
    submitted = [one.submitted_at for one in reported if one.submitted_at]
    if sent and not submitted:
        return max(sent), "Time of the newest reported message"
    if submitted:
        return max(submitted), "Time at which the newest reported content reached our moderation"
    return request.decided_at, "Time at which it was decided to report; the incident was earlier"


def _account(
    user: ReportedUser, known: AnsweredUser | None, prior: Sequence[int], incident: datetime
) -> Account:
    events = [] if known is None else [_ip(event) for event in known.ip_capture_event]
    if user.ip_address and all(one.ip_address != user.ip_address for one in events):
        events.append(IpEvent(ip_address=user.ip_address, event_name="Unknown", at=incident))
    emails: dict[str, EmailAddress] = {}
    for one in () if known is None else known.email:
        emails[one.email] = EmailAddress(
            address=one.email,
            kind=one.type,
            verified=one.verified,
            verified_at=one.verification_date,
        )
    if user.email:
        emails.setdefault(user.email, EmailAddress(address=user.email))
    phones = {} if known is None else {one.phone: one.verified for one in known.phone}
    if user.phone:
        phones.setdefault(user.phone, None)
    urls = [
        *(known.profile_url if known else ()),
        *([user.profile_url] if user.profile_url else []),
    ]
    where = known.estimated_location if known else None
    return Account(
        id=user.user.id,
        first_name=user.first_name,
        last_name=user.last_name,
        phones=tuple(PhoneNumber(number=n, verified=v) for n, v in phones.items()),
        emails=tuple(emails.values()),
        age=user.age,
        date_of_birth=user.date_of_birth,
        screen_name=(known.screen_name if known else None) or user.screen_name,
        display_names=user.display_names,
        profile_urls=tuple(dict.fromkeys(urls)),
        profile_bio=user.profile_bio,
        ip_events=tuple(events),
        devices=() if known is None else tuple(map(_device, known.device_id)),
        prior_reports=tuple(prior),
        group=user.group,
        compromised=user.compromised,
        disabled=user.disabled,
        disabled_at=user.disabled_at,
        place=None
        if where is None
        else Place(
            city=where.city,
            region=where.region,
            country_code=where.country_code,
            verified=where.verified,
            at=where.timestamp,
        ),
        notes=() if user.notes is None else (user.notes,),
    )


def _ip(event: AnsweredEvent) -> IpEvent:
    return IpEvent(
        ip_address=event.ip_address,
        event_name=event.event_name,
        at=_zoned(event.date_time),
        possible_proxy=event.possible_proxy,
        port=event.port,
    )


def _device(device: AnsweredDevice) -> Device:
    return Device(
        id_type=device.id_type,
        id_value=device.id_value,
        event_name=device.event_name,
        at=_zoned(device.date_time),
    )


def _zoned(at: datetime | None) -> datetime | None:
    # A time without a zone says nothing that could be filed.
    return None if at is None or at.tzinfo is None else at


def _told(event: IpEvent) -> str:
    at = "" if event.at is None else f" at {moment(event.at)}"
    return f"Also seen: {event.ip_address} ({event.event_name or 'Unknown'}){at}"


def _gone(request: CybertipRequested, wanted: WantedFile) -> str:
    said = f"A file could not be had any more: {wanted.url}"
    if wanted.kind == "MEDIUM":
        hashes = request.media[wanted.index].hashes
        said += "".join(f"; {kind.upper()} {value}" for kind, value in hashes.items())
    return said


def _conversation(thread: ReportedThread) -> Conversation:
    lines = [
        f"{'' if one.sender is None else one.sender.id}: {clean(one.text)}"
        for one in thread.messages
    ]
    return Conversation(room=thread.thread.id, content=cut("\n".join(lines), _SHOWN))


def _rows(thread: ReportedThread) -> Iterator[tuple[str, ...]]:
    yield _COLUMNS
    for one in thread.messages:
        yield (
            one.text,
            "" if one.sender is None else one.sender.id,
            "" if one.recipient is None else one.recipient.id,
            thread.thread.id,
            one.item.type_id,
            one.item.id,
            "" if one.sent_at is None else moment(one.sent_at),
            one.ip_address or "",
        )
