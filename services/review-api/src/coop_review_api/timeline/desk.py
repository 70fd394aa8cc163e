"""Asking the sources of a timeline for a page, as far as a person may.

Guarantees: kinds that a person may not see, or that cannot be had now, are named in `missing` and
the others are there; of what is about child safety the ids are given back, so that one audit row
can say what was looked at.
Must not: show anything to who may not see the subject; the caller has seen to that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import ItemType
from coop_contracts.config import Kind as DocumentKind
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.decision_log.entry import LogEntry
from coop_review_api.history.known_item import name_of, own_first
from coop_review_api.history.port import FoundItem, ItemFinder
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.visibility import scope_of
from coop_review_api.timeline import source
from coop_review_api.timeline.entry import (
    Found,
    Kind,
    Moment,
    Place,
    SourceName,
    Subject,
    bound_of,
    merged,
)
from coop_review_api.timeline.source import Asked, Cause
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_P = Permission
_NEEDS: Final[Mapping[Kind, tuple[Permission, ...]]] = {
    "SUBMISSION": (_P.VIEW_INVESTIGATION,),
    "REPORT": (_P.VIEW_MRT, _P.VIEW_INVESTIGATION),
    "APPEAL": (_P.VIEW_MRT, _P.VIEW_INVESTIGATION),
    "KEEPING": (_P.VIEW_MRT, _P.VIEW_INVESTIGATION),
    "RULE": (_P.VIEW_INVESTIGATION, _P.VIEW_INSIGHTS),
    "DECISION": (_P.VIEW_MRT_DATA,),
    "STRIKE": (_P.VIEW_INVESTIGATION, _P.MANUALLY_ACTION_CONTENT),
    "NOTE": (_P.VIEW_MRT_DATA, _P.VIEW_INVESTIGATION),
    "COMMENT": (_P.VIEW_MRT_DATA,),
    "DELIVERY": (_P.VIEW_INVESTIGATION, _P.MANUALLY_ACTION_CONTENT),
}
"""One of these is enough to see a kind, as elsewhere."""

_OF_USERS: Final = frozenset({"STRIKE", "NOTE"})

_log = logger("coop.review_api.timeline")


@dataclass(frozen=True, kw_only=True)
class MissingKind:
    """UNAVAILABLE: what has it does not answer now. NOT_PERMITTED: not for this person."""

    kind: Kind
    reason: Literal["UNAVAILABLE", "NOT_PERMITTED"]


@dataclass(frozen=True, kw_only=True)
class TimelinePart:
    """A page: newest first; `next` is where the following one begins. `names` are those of the
    platform's users who are named, as far as they are known."""

    moments: tuple[Moment, ...]
    next: Place | None
    missing: tuple[MissingKind, ...]
    names: Mapping[ItemRef, str]

    @property
    def grave(self) -> list[str]:
        """What of it is about child safety: kinds and keys."""
        return [f"{one.kind}/{one.key}" for one in self.moments if one.csam]


@dataclass(frozen=True, kw_only=True)
class Timelines:
    """Made for a request."""

    engine: AsyncEngine
    finder: ItemFinder
    clock: Clock

    async def page(
        self,
        principal: Principal,
        subject: Subject,
        *,
        kinds: Collection[Kind],
        after: Place | None,
        limit: int,
    ) -> TimelinePart:
        """What happened to the subject before `after`. Raises `Invalid` for a place of no page."""
        kinds = [one for one in kinds if subject.of == "USER" or one not in _OF_USERS]
        missing = [
            MissingKind(kind=one, reason="NOT_PERMITTED")
            for one in kinds
            if not any(map(principal.may, _NEEDS[one]))
        ]
        allowed = [one for one in kinds if any(map(principal.may, _NEEDS[one]))]
        async with transaction(self.engine) as connection:
            asked = Asked(
                subject=subject,
                scope=await scope_of(connection, principal),
                sees_closed=principal.may(_P.VIEW_MRT_DATA) or principal.may(_P.VIEW_INVESTIGATION),
                limit=limit,
                now=self.clock(),
            )
            found = await _found(connection, asked, allowed, after)
        moments, place, known = await self._with_sent(asked, found, missing, allowed, after)
        return await self._named(principal, moments, place, missing, known)

    async def _with_sent(
        self,
        asked: Asked,
        found: Sequence[Found],
        missing: list[MissingKind],
        kinds: Collection[Kind],
        after: Place | None,
    ) -> tuple[list[Moment], Place | None, Mapping[ItemRef, FoundItem]]:
        """The page with what the history has of it, and the users in it as they are known."""
        org_id = asked.org_id
        try:
            if "SUBMISSION" not in kinds:
                moments, place = merged(found, asked.limit)
                return moments, place, await self.finder.latest_of(org_id, _users_among(moments))
            async with self.finder.together(org_id) as finder:
                bound = bound_of("ITEM", after, asked.now)
                sent = await source.submissions(finder, asked, bound)
                moments, place = merged([*found, sent], asked.limit)
                return moments, place, await finder.latest_of(org_id, _users_among(moments))
        except Retryable as error:
            _log.warning("the history is missing in a timeline", reason=str(error))
            if "SUBMISSION" in kinds:
                missing.append(MissingKind(kind="SUBMISSION", reason="UNAVAILABLE"))
            return *merged(found, asked.limit), {}

    async def _named(
        self,
        principal: Principal,
        moments: Sequence[Moment],
        place: Place | None,
        missing: Sequence[MissingKind],
        known: Mapping[ItemRef, FoundItem],
    ) -> TimelinePart:
        """Without what became grave meanwhile, and with names."""
        users = set(_users_among(moments))
        sent = [one for one in moments if one.kind == "SUBMISSION"]
        items = {_item_of(one) for one in sent}
        async with transaction(self.engine) as connection:
            grave = await child_safety.grave_among(connection, principal.org_id, items | users)
            types = await load_documents(
                connection,
                principal.org_id,
                {(DocumentKind.ITEM_TYPE, one.type_id) for one in known},
            )
        shown = list(moments)
        if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
            shown = [one for one in moments if one not in sent or _item_of(one) not in grave]
            users -= grave
        by_id = types.all(DocumentKind.ITEM_TYPE, ItemType)
        names: dict[ItemRef, str] = {}
        for ref, one in known.items():
            name = name_of(one.item, by_id)
            if name is not None and ref in users:
                names[ref] = name
        return TimelinePart(moments=tuple(shown), next=place, missing=tuple(missing), names=names)


async def _found(
    connection: AsyncConnection, asked: Asked, kinds: Sequence[Kind], after: Place | None
) -> list[Found]:
    """Of every source that has one of the kinds; `ITEM` is none of this database's own."""
    wanted: list[tuple[SourceName, Callable[..., Awaitable[Found]], frozenset[Kind]]] = [
        ("LOG", source.decisions, frozenset({"DECISION"})),
        ("RULE", source.evaluations, frozenset({"RULE"})),
        ("STRIKE", source.strikes, frozenset({"STRIKE"})),
        ("NOTE", source.noted, frozenset({"NOTE"})),
        ("COMMENT", source.said, frozenset({"COMMENT"})),
        ("KEEPING", source.kept, frozenset({"KEEPING"})),
        ("DELIVERY", source.deliveries, frozenset({"DELIVERY"})),
    ]
    found = [
        await ask(connection, asked, bound_of(name, after, asked.now))
        for name, ask, has in wanted
        if has & set(kinds)
    ]
    if {"REPORT", "APPEAL"} & set(kinds):
        bound = bound_of("ENTRY", after, asked.now)
        found.append(await source.causes(connection, asked, bound, kinds))
    return found


def _users_among(moments: Sequence[Moment]) -> list[ItemRef]:
    """Each once; those that entries are about before what else was acted on."""
    return own_first(_users_in(one) for one in moments)


def _users_in(one: Moment) -> list[ItemRef]:
    """The platform's users whom an entry names; a decision's are those that have a name at all."""
    if isinstance(one.shown, LogEntry):
        return one.shown.named
    if not isinstance(one.shown, Cause):
        return []
    entry = one.shown.entry
    reporter = entry.report.reporter if entry.report else None
    appellant = entry.appeal.appealed_by if entry.appeal else None
    return [ref for ref in (reporter, appellant) if ref is not None]


def _item_of(one: Moment) -> ItemRef:
    return ItemRef(id=one.shown.item.id, type_id=one.shown.item.type_id)


async def audited(
    connection: AsyncConnection, principal: Principal, found: TimelinePart, now: datetime
) -> None:
    """One row for what of a page is about child safety."""
    await child_safety.listed(connection, principal, "timeline", found.grave, now=now)
