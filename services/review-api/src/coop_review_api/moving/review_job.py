"""A review job of Coop's, as its payload says: in its Redis while it waits, beside its decision
afterwards.

Guarantees: nothing is read or written here; every cause, item and id that the payload has is in
what comes of it, and what is left out of it is said; a payload that cannot be understood is one
`UnreadableJob` with the reason.
Must not: carry an item's content in a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, get_args

import msgspec
from msgspec import Raw

from coop_contracts.event import ItemRef, ReportEntry, RuleRef, Source, SubmittedItem
from coop_queues.job import AppealEntry, JobEntry, JobKind, Placement, Routing
from coop_queues.ranking import Ranking
from coop_review_api.configuration.log import format_version
from coop_review_api.moving.coop_job_id import guid_of, item_of
from coop_review_api.moving.source import CoopSource

_SOURCES: Final = frozenset(get_args(Source))
_ID_BYTES: Final = 2000  # of an id that an index holds
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableJob(Exception):
    """A job that cannot be understood: a sentence without its beginning."""


@dataclass(frozen=True, kw_only=True)
class CoopNames:
    """What jobs name: item types with their versions, the newest last, and rules."""

    versions: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, str]

    @classmethod
    def of(cls, source: CoopSource) -> CoopNames:
        """What the organisation has in Coop."""
        versions: dict[str, list[datetime]] = {}
        for table in ("public.item_types_history", "public.item_types"):
            for row in source.of(table):
                versions.setdefault(row["id"], []).append(row["sys_period"])
        return cls(
            versions={
                type_id: tuple(format_version(one) for one in sorted(periods))
                for type_id, periods in versions.items()
            },
            rules={row["id"]: row["name"] for row in source.of("public.rules")},
        )


@dataclass(frozen=True, kw_only=True)
class ReviewJob:
    """`guid` is what Coop's decision on it has as its id. `differs` says what is not as it was."""

    guid: str
    kind: JobKind
    item: SubmittedItem
    created_at: datetime
    source: Source
    policy_ids: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    reports: tuple[ReportEntry, ...] = ()
    appeal: AppealEntry | None = None
    thread_items: tuple[SubmittedItem, ...] = ()
    additional_items: tuple[SubmittedItem, ...] = ()
    reported_in_thread: tuple[ItemRef, ...] = ()
    differs: list[str] = field(default_factory=list)

    def placements(
        self,
        org_id: str,
        queue_id: str,
        *,
        prefix: str,
        note: str,
        ranking: Ranking,
        csam: bool = False,
        waits: bool = False,
    ) -> tuple[Placement, ...]:
        """One a cause, the oldest first; its entry is `prefix`, those of further reports with
        theirs behind it. An appeal that `waits` has the id that it has here when the platform makes
        it. `note` says how it came to the queue."""
        routing = Routing(how="SENDER", config_revision=ranking.revision, note=note)
        reports = sorted(self.reports, key=lambda one: one.reported_at)
        causes: list[ReportEntry | None] = [*reports] if self.source == "REPORT" else []
        if not causes:
            causes = [None, *reports]
        placements = []
        for number, report in enumerate(causes):
            entry_id = prefix
            if number:
                entry_id = f"{prefix}/{report.report_id if report else number}"
            elif self.appeal is not None and waits:
                entry_id = f"appeal/{self.appeal.appeal_id}"
            entry = JobEntry(
                entry_id=entry_id,
                source="REPORT" if report else self.source,
                at=report.reported_at if report else self.created_at,
                routing=routing,
                report=report,
                appeal=None if number else self.appeal,
                rules=() if number else self.rules,
                policy_ids=self._policies(report, first=not number),
                reported_in_thread=() if number else self.reported_in_thread,
                csam=csam or self.kind is JobKind.NCMEC,
            )
            placements.append(
                Placement(
                    org_id=org_id,
                    queue_id=queue_id,
                    kind=self.kind,
                    item=self.item,
                    entry=entry,
                    thread_items=() if number else self.thread_items,
                    additional_items=() if number else self.additional_items,
                    ranking=ranking,
                )
            )
        return tuple(placements)

    def _policies(self, report: ReportEntry | None, *, first: bool) -> tuple[str, ...]:
        own = (report.policy_id,) if report and report.policy_id else ()
        return tuple(dict.fromkeys((*own, *(self.policy_ids if first else ()))))


def job_of(given: Any, named: CoopNames, *, guid: str | None = None) -> ReviewJob:
    """The job. `guid` where it is known from elsewhere. Raises `UnreadableJob`."""
    job = _object(given, "it is no object")
    external = str(job.get("id") or "")
    guid = guid or guid_of(external)
    if guid is None:
        raise UnreadableJob("its id is none that Coop gives")
    payload = job.get("payload")
    if not isinstance(payload, dict):
        return _bare(job, external, guid, named)
    kind = _kind(payload)
    differs: list[str] = []
    origin = _origin(job, payload, kind)
    reader = _Items(named, differs)
    item = reader.item(payload.get("item"))
    created_at = _time(job.get("createdAt")) or _EARLIEST
    return ReviewJob(
        guid=guid,
        kind=kind,
        item=item,
        created_at=created_at,
        source=_source(origin, payload, kind),
        policy_ids=_policies(job, payload),
        rules=tuple(
            RuleRef(id=one, name=named.rules.get(one, one), revision=0)
            for one in _texts(origin.get("rules"))
        ),
        reports=tuple(_reports(payload, created_at, differs)),
        appeal=_appeal(payload, created_at) if kind is JobKind.APPEAL else None,
        thread_items=tuple(reader.items(payload.get("itemThreadContentItems"))),
        additional_items=tuple(reader.items(_beside(payload, kind))),
        reported_in_thread=tuple(_refs(payload.get("reportedItems"))),
        differs=differs,
    )


def _bare(job: Mapping[str, Any], external: str, guid: str, named: CoopNames) -> ReviewJob:
    """A job of which no more than its id is known: it says what it is about."""
    about = item_of(external)
    if about is None:
        raise UnreadableJob("it has no payload, and its id does not say what it is about")
    type_id, item_id = about
    _storable(item_id)
    return ReviewJob(
        guid=guid,
        kind=JobKind.DEFAULT,
        item=SubmittedItem(
            id=item_id,
            type_id=type_id,
            type_version=named.versions.get(type_id, ("",))[-1],
            data=Raw(b"{}"),
            schema_variant="partial",
        ),
        created_at=_time(job.get("createdAt")) or _EARLIEST,
        source="MRT_JOB",
        differs=["what the item said is not in Coop any more"],
    )


def _kind(payload: Mapping[str, Any]) -> JobKind:
    kind = payload.get("kind") or "DEFAULT"
    if not isinstance(kind, str) or kind not in JobKind.__members__:
        raise UnreadableJob("a job of its kind is not known here")
    return JobKind(kind)


def _origin(job: Mapping[str, Any], payload: Mapping[str, Any], kind: JobKind) -> Mapping[str, Any]:
    for given in (job.get("enqueueSourceInfo"), payload.get("enqueueSourceInfo")):
        if isinstance(given, dict) and _text(given.get("kind")) in _SOURCES:
            return given
    return {"kind": "APPEAL"} if kind is JobKind.APPEAL else {}


def _source(origin: Mapping[str, Any], payload: Mapping[str, Any], kind: JobKind) -> Source:
    if kind is JobKind.APPEAL:
        return "APPEAL"
    found: Source = origin.get("kind") or ("REPORT" if payload.get("reportHistory") else "MRT_JOB")
    return found


def _policies(job: Mapping[str, Any], payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Old payloads have one, as `policyId`."""
    given = [*_texts(job.get("policyIds")), *_texts(payload.get("policyIds"))]
    return tuple(dict.fromkeys([*given, *_texts([payload.get("policyId")])]))


def _beside(payload: Mapping[str, Any], kind: JobKind) -> list[Any]:
    found = payload.get("additionalContentItems")
    beside = list(found) if isinstance(found, list) else []
    media = payload.get("allMediaItems")
    if kind is JobKind.NCMEC and isinstance(media, list):
        beside += [one.get("contentItem") for one in media if isinstance(one, dict)]
    return beside


def _reports(
    payload: Mapping[str, Any], created_at: datetime, differs: list[str]
) -> Iterator[ReportEntry]:
    history = payload.get("reportHistory")
    for number, one in enumerate(history if isinstance(history, list) else ()):
        if not isinstance(one, dict):
            differs.append("a report that is no object is left out")
            continue
        # One without an id is told from the others by its place.
        report_id = str(one.get("reportId") or f"of-{number}")
        _storable(report_id)
        yield ReportEntry(
            report_id=report_id,
            reported_at=_time(one.get("reportedAt")) or created_at,
            reporter=_ref(one.get("reporterId")),
            reason=_text(one.get("reason")),
            policy_id=_text(one.get("policyId")),
        )


def _appeal(payload: Mapping[str, Any], created_at: datetime) -> AppealEntry:
    appealed_by = _ref(payload.get("appealerIdentifier"))
    appeal_id = _text(payload.get("appealId"))
    if appealed_by is None or appeal_id is None:
        raise UnreadableJob("its appeal does not say who appeals, or has no id")
    _storable(appeal_id)
    return AppealEntry(
        appeal_id=appeal_id,
        appealed_by=appealed_by,
        appealed_at=created_at,
        actions_taken=tuple(_texts(payload.get("actionsTaken"))),
        reason=_text(payload.get("appealReason")),
    )


class _Items:
    """Reads items, and says what is not as it was."""

    def __init__(self, named: CoopNames, differs: list[str]) -> None:
        self._named = named
        self._differs = differs

    def items(self, given: Any) -> Iterator[SubmittedItem]:
        for one in given if isinstance(given, list) else ():
            try:
                yield self.item(one)
            except UnreadableJob as error:
                self._differs.append(f"an item beside it is left out: {error}")

    def item(self, given: Any) -> SubmittedItem:
        item = _object(given, "it holds no item")
        # Old payloads have the short names.
        item_id = _text(item.get("itemId")) or _text(item.get("id"))
        type_ = item.get("itemTypeIdentifier") or item.get("typeIdentifier")
        type_ = type_ if isinstance(type_, dict) else {}
        type_id = _text(type_.get("id"))
        if item_id is None or type_id is None:
            raise UnreadableJob("an item without an id or a type")
        _storable(item_id)
        data = item.get("data")
        partial = type_.get("schemaVariant") == "partial"
        return SubmittedItem(
            id=item_id,
            type_id=type_id,
            type_version=self._version(type_id, _text(type_.get("version"))),
            data=Raw(msgspec.json.encode(data if isinstance(data, dict) else {})),
            schema_variant="partial" if partial else "original",
            creator=_ref(item.get("creator")),
            submission_id=_text(item.get("submissionId")),
        )

    def _version(self, type_id: str, version: str | None) -> str:
        versions = self._named.versions.get(type_id, ())
        if version in versions or not versions:
            return version or ""
        self._differs.append("an item is of a version of its type that Coop has not: the newest")
        return versions[-1]


def _object(given: Any, otherwise: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise UnreadableJob(otherwise)
    return given


def _storable(id_: str) -> None:
    if "\x00" in id_ or len(id_.encode()) > _ID_BYTES:
        raise UnreadableJob("an id that cannot be kept")


def _refs(given: Any) -> Iterator[ItemRef]:
    for one in given if isinstance(given, list) else ():
        ref = _ref(one)
        if ref is not None:
            yield ref


def _ref(given: Any) -> ItemRef | None:
    if not isinstance(given, dict):
        return None
    id_, type_id = _text(given.get("id")), _text(given.get("typeId"))
    return None if id_ is None or type_id is None else ItemRef(id=id_, type_id=type_id)


def _texts(given: Any) -> Iterable[str]:
    return [one for one in given if _text(one)] if isinstance(given, list) else ()


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _time(given: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
