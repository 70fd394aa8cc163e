"""The steps before anything is opened: what the platform adds, evidence, the documents.

    REQUESTED ─ additional info ─▶ HOLDING ─ every medium encrypted ─▶ READY ─ checked ─▶ OPENING

Guarantees: whatever leaves was held before; what a report lacks is known before it is opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import NcmecSettings
from coop_contracts.event import CybertipRequested
from coop_ncmec_reporter import file_store, metric, platform_answer, store
from coop_ncmec_reporter.assembly import WantedFile, facts_of, filing_of, wanted_files
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.evidence import EvidenceStore, TooLargeToHold
from coop_ncmec_reporter.file_document import file_document
from coop_ncmec_reporter.filer import Clock, tell_secured
from coop_ncmec_reporter.filing import FileFacts
from coop_ncmec_reporter.outcome import Later, NeedsPerson, StepEnded
from coop_ncmec_reporter.platform_answer import PlatformAnswer, UnusableAnswer
from coop_ncmec_reporter.report_document import report_document
from coop_ncmec_reporter.signed_call import PlatformFault, Platforms
from coop_ncmec_reporter.store import Cybertip
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import Vault

Fetch = Callable[[str], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Raises FetchFault."""

_FETCHES: Final = (10.0, 60.0, 180.0, 350.0)  # seconds between five tries: ten minutes
_SHOWN: Final = 10  # faults of documents


class FetchFault(Exception):
    """A medium could not be had. `for_good`: another try changes nothing."""

    def __init__(self, text: str, *, for_good: bool) -> None:
        super().__init__(text)
        self.for_good = for_good


class Gathering:
    """Its methods are steps of `Filer`."""

    def __init__(
        self,
        engine: AsyncEngine,
        vault: Vault,
        platforms: Platforms,
        evidence: EvidenceStore,
        fetch: Fetch,
        check: DocumentCheck,
        *,
        clock: Clock,
        fetches: tuple[float, ...] = _FETCHES,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._platforms = platforms
        self._evidence = evidence
        self._fetch = fetch
        self._check = check
        self._clock = clock
        self._fetches = fetches

    async def ask(self, tip: Cybertip) -> Cybertip:
        """REQUESTED: the platform says what it knows of users and media."""
        request = self._request(tip)
        answer = PlatformAnswer()
        try:
            settings = self._complete(tip)
            if settings.additional_info_endpoint:
                answer = await self._asked(tip, settings, request)
        except StepEnded:
            # Media do not wait for who does not answer: they may be gone by then. They come first,
            # whatever the platform will add.
            await self._hold_all(tip, wanted_files(request, answer)[: len(request.media)])
            raise
        sealed = store.seal(
            self._vault, tip.org_id, str(tip.cybertip_id), "answer", msgspec.json.encode(answer)
        )
        async with transaction(self._engine) as connection:
            return await store.save(
                connection, tip, state="HOLDING", answer=sealed, warnings=list(answer.faults)
            )

    async def hold(self, tip: Cybertip) -> Cybertip:
        """HOLDING: every file lies in the evidence store, or is known to be gone."""
        request, answer = self._request(tip), self._answer(tip)
        waits = await self._hold_all(tip, wanted_files(request, answer))
        if waits:
            raise Later("media could not be had yet", delay=min(waits))
        async with transaction(self._engine) as connection:
            rows = await file_store.files(connection, tip)
            missing = sum(row.missing is not None for row in rows.values())
            tip = await store.save(
                connection,
                tip,
                state="READY",
                missing=missing,
                files=len(rows) - missing,
            )
            await tell_secured(connection, tip, now=self._clock())
            return tip

    async def prepare(self, tip: Cybertip) -> Cybertip:
        """READY: the documents, checked."""
        settings = self._complete(tip)
        request, answer = self._request(tip), self._answer(tip)
        wanted = wanted_files(request, answer)
        async with transaction(self._engine) as connection:
            rows = await file_store.files(connection, tip)
            users = [request.user, *request.victims, *request.recipients]
            prior = await store.prior(
                connection, tip, [f"{one.user.type_id}/{one.user.id}" for one in users]
            )
        gone = [one for position, one in enumerate(wanted) if rows[position].missing is not None]
        self._confirmed(tip, request, gone, prior)
        now = self._clock()
        filing = filing_of(request, settings, answer, missing=gone, prior=prior, now=now)
        facts = [facts_of(one, request, answer) for one in wanted]
        document = report_document(filing)
        faults = self._check.faults(document, now=now)
        for one in facts:
            sample = file_document(one, report_id=1, file_id="0" * 32, now=now)
            faults += [f"{one.relevance}: {fault}" for fault in self._check.faults(sample, now=now)]
        if faults:
            raise NeedsPerson(
                "the report cannot be filed as it is: " + "; ".join(faults[:_SHOWN]),
                resume="READY",
            )
        prepared = Prepared(at=now, facts=tuple(facts))
        where = (self._vault, tip.org_id, str(tip.cybertip_id))
        async with transaction(self._engine) as connection:
            return await store.save(
                connection,
                tip,
                state="OPENING",
                document=store.seal(*where, "document", document),
                facts=store.seal(*where, "facts", msgspec.json.encode(prepared)),
            )

    def _confirmed(
        self,
        tip: Cybertip,
        request: CybertipRequested,
        gone: list[WantedFile],
        prior: dict[str, list[int]],
    ) -> None:
        """What a person has to say yes to. Raises NeedsPerson."""
        lost = sum(one.kind == "MEDIUM" for one in gone)
        if lost and lost == len(request.media) and not request.threads and not tip.without_media:
            raise NeedsPerson(
                f"all {lost} media are gone: confirm a report without files", resume="READY"
            )
        before = prior.get(f"{tip.user_type_id}/{tip.user_id}")
        if before and not tip.further:
            numbers = ", ".join(map(str, before))
            raise NeedsPerson(
                f"the user was reported before ({numbers}): confirm a further report",
                resume="READY",
            )

    def _complete(self, tip: Cybertip) -> NcmecSettings:
        settings = self._platforms.settings(tip.org_id)
        missing = settings.missing()
        if missing or not settings.enabled:
            said = ", ".join(missing) or "they are not enabled"
            raise NeedsPerson(f"the NCMEC settings are not complete: {said}", resume=tip.state)
        return settings

    async def _asked(
        self, tip: Cybertip, settings: NcmecSettings, request: CybertipRequested
    ) -> PlatformAnswer:
        accounts = [request.user, *request.victims, *request.recipients]
        users = list(dict.fromkeys(one.user for one in accounts))
        media = list(dict.fromkeys(one.item for one in request.media))
        try:
            body = await self._platforms.ask(
                tip.org_id,
                settings.additional_info_endpoint or "",
                settings.additional_info_headers,
                platform_answer.question(users, media),
                message_id=f"{tip.cybertip_id}-info",
            )
            answer = platform_answer.read(body, users, media)
        except (PlatformFault, UnusableAnswer) as error:
            metric.PLATFORM.labels("additional-info", "failed").inc()
            raise Later(f"additional information: {error}") from None
        metric.PLATFORM.labels("additional-info", "ok").inc()
        return answer

    async def _hold_all(self, tip: Cybertip, wanted: Sequence[WantedFile]) -> list[float]:
        """The seconds until the next try, of each that is neither held nor known to be gone."""
        async with transaction(self._engine) as connection:
            known = await file_store.files(connection, tip)
        waits: list[float] = []
        for position, file in enumerate(wanted):
            row = known.get(position)
            if row is not None and (row.held is not None or row.missing is not None):
                continue
            tries = 0 if row is None else row.tries
            wait = await self._hold_one(tip, position, file, tries)
            waits += [] if wait is None else [wait]
        return waits

    async def _hold_one(
        self, tip: Cybertip, position: int, file: WantedFile, tries: int
    ) -> float | None:
        """None once it is held or known to be gone; else the seconds until the next try."""
        missing, held, wait = None, None, None
        try:
            if file.missing:
                raise FetchFault("the platform says that it is gone", for_good=True)
            if file.content is not None:
                held = await self._evidence.write(tip.org_id, _once(file.content))
            else:
                async with self._fetch(file.url or "") as content:
                    held = await self._evidence.write(tip.org_id, content)
        except TooLargeToHold:
            missing = "too large"
        except FetchFault as fault:
            if fault.for_good or tries >= len(self._fetches):
                missing = str(fault)
            else:
                wait = self._fetches[tries]
        async with transaction(self._engine) as connection:
            await store.own(connection, tip)
            await file_store.keep_file(
                connection,
                tip,
                position,
                file.kind,
                held=held,
                missing=missing,
                now=self._clock(),
            )
        if wait is None:
            metric.FILES.labels("missing" if held is None else "held").inc()
        return wait

    def _request(self, tip: Cybertip) -> CybertipRequested:
        plain = store.unseal(self._vault, tip, "request", tip.request)
        return msgspec.json.decode(plain, type=CybertipRequested)

    def _answer(self, tip: Cybertip) -> PlatformAnswer:
        if tip.answer is None:
            return PlatformAnswer()
        plain = store.unseal(self._vault, tip, "answer", tip.answer)
        return msgspec.json.decode(plain, type=PlatformAnswer)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of the files, by position, as it was checked."""

    at: datetime
    facts: tuple[FileFacts, ...]


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
