"""The steps at NCMEC: open, fill, finish; give up what cannot be finished.

killed, or the answer lost     then
─────────────────────────────  ──────────────────────────────────────────────────────────────
submit                         a new attempt: what may have been opened is never finished, and
                               dies by itself
upload                         retract, a new attempt: the file may be there twice otherwise
fileinfo                       the same again; refused then: retract, a new attempt
finish                         the same again: 0 is a receipt, 5102 says that it was filed
retract                        the same again: 5101 and 5001 are as good as 0; 5102: filed
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter import attempt_store, file_store, metric, store
from coop_ncmec_reporter.evidence import EvidenceStore, Held
from coop_ncmec_reporter.file_document import file_document
from coop_ncmec_reporter.filed_note import FiledNote
from coop_ncmec_reporter.filer import Clock, tell
from coop_ncmec_reporter.gathering import Prepared
from coop_ncmec_reporter.ncmec import NcmecAnswer, NcmecClient, Refused
from coop_ncmec_reporter.ncmec_call import NcmecCalls
from coop_ncmec_reporter.outcome import Later, NeedsPerson, Paused
from coop_ncmec_reporter.schema_watch import SchemaWatch
from coop_ncmec_reporter.store import Cybertip
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import Vault

ClientOf = Callable[[Cybertip], NcmecClient]
"""Raises StepEnded where there is none."""

_YOUNG: Final = timedelta(seconds=60)  # so long one of two servers may not know of a report
_SOON: Final = 5.0
_OLD: Final = timedelta(hours=1)  # NCMEC forgets what was not touched for an hour

GONE, NO_FILE, RETRACTED, FINISHED = 5001, 5002, 5101, 5102


class Sending:
    """Its methods are steps of `Filer`."""

    def __init__(
        self,
        engine: AsyncEngine,
        vault: Vault,
        evidence: EvidenceStore,
        client_of: ClientOf,
        watch: SchemaWatch,
        *,
        calls: NcmecCalls,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._evidence = evidence
        self._client_of = client_of
        self._watch = watch
        self._calls = calls
        self._clock = clock

    async def open(self, tip: Cybertip) -> Cybertip:
        """OPENING: a report, with a number of its own; unless it was filed, and the row does not
        know."""
        assert tip.document is not None
        note = await self._evidence.filed.find(tip.cybertip_id)
        if note is not None and note.environment == tip.environment:
            return await self._known(tip, note)
        async with self._client(tip) as client:
            await self._watch.look(tip, client)
            document = store.unseal(self._vault, tip, "document", tip.document)
            async with transaction(self._engine) as connection:
                tip = await attempt_store.begin_attempt(connection, tip, now=self._clock())
            try:
                answer = await self._calls.ask(tip, "submit", lambda: client.submit(document))
            except Refused as error:
                async with transaction(self._engine) as connection:
                    await attempt_store.end_attempt(connection, tip, "REFUSED", now=self._clock())
                raise NeedsPerson(str(error), resume="READY", code=error.code) from None
        assert answer.report_id is not None
        async with transaction(self._engine) as connection:
            await attempt_store.opened(connection, tip, answer.report_id)
            return await store.save(
                connection, tip, state="FILLING", report_id=answer.report_id, refused=False
            )

    async def fill(self, tip: Cybertip) -> Cybertip:
        """FILLING: every file is there, once, and said what it is."""
        assert tip.facts is not None
        plain = store.unseal(self._vault, tip, "facts", tip.facts)
        prepared = msgspec.json.decode(plain, type=Prepared)
        async with transaction(self._engine) as connection:
            rows = await file_store.files(connection, tip)
            sent = await file_store.uploads(connection, tip)
            began = (await attempt_store.attempts(connection, tip))[-1].started_at
        if self._clock() - began > _OLD:
            return await self._give_up(tip, "it was open for more than an hour")
        async with self._client(tip) as client:
            for position, row in rows.items():
                if row.held is None:
                    continue
                upload = sent.get(position)
                if upload is not None and upload.file_id is None:
                    return await self._give_up(tip, "a file may have been sent")
                file_id = None if upload is None else upload.file_id
                if file_id is None:
                    name = prepared.facts[position].name
                    found = await self._upload(tip, client, position, name, row.held)
                    if isinstance(found, Cybertip):
                        return found
                    file_id = found
                if upload is None or not upload.described:
                    document = file_document(
                        prepared.facts[position],
                        report_id=tip.report_id or 0,
                        file_id=file_id,
                        now=prepared.at,
                    )
                    asked = 0 if upload is None else upload.asked
                    other = await self._describe(tip, client, position, document, asked)
                    if other is not None:
                        return other
        async with transaction(self._engine) as connection:
            return await store.save(connection, tip, state="FINISHING")

    async def finish(self, tip: Cybertip) -> Cybertip:
        """FINISHING: filed, with a receipt."""
        async with self._client(tip) as client:
            report_id = tip.report_id or 0
            try:
                answer = await self._calls.ask(tip, "finish", lambda: client.finish(report_id))
            except Refused as error:
                if error.code == FINISHED:
                    return await self._filed(tip, None)
                return await self._over(tip, error)
        return await self._filed(tip, answer)

    async def retract(self, tip: Cybertip) -> Cybertip:
        """RETRACTING: nobody will finish it."""
        outcome = "RETRACTED"
        async with self._client(tip) as client:
            report_id = tip.report_id or 0
            try:
                await self._calls.ask(tip, "retract", lambda: client.retract(report_id))
            except Refused as error:
                if error.code == FINISHED:
                    return await self._filed(tip, None)
                await self._if_young(tip, error)
                outcome = "EXPIRED" if error.code == GONE else "RETRACTED"
        async with transaction(self._engine) as connection:
            await attempt_store.end_attempt(connection, tip, outcome, now=self._clock())
        if tip.refused:
            raise NeedsPerson(tip.fault or "refused", resume="READY", code=tip.code)
        async with transaction(self._engine) as connection:
            # What failed may fail again: by the schedule, with everything begun anew.
            tip = await store.save(connection, tip, state="READY", report_id=None)
        raise Later(tip.fault or "begun anew")

    async def _upload(
        self,
        tip: Cybertip,
        client: NcmecClient,
        position: int,
        name: str,
        held: Held,
    ) -> Cybertip | str:
        async with transaction(self._engine) as connection:
            await store.own(connection, tip)
            await file_store.change_upload(connection, tip, position, "begin")
            await file_store.note_access(
                connection, tip, held.evidence_id, why="upload", now=self._clock()
            )

        def send() -> Awaitable[NcmecAnswer]:
            return client.upload(
                tip.report_id or 0,
                name=name,
                size=held.size,
                content=self._evidence.read(tip.org_id, held),
            )

        try:
            answer = await self._calls.ask(tip, "upload", send)
        except Refused as error:
            # It was not taken, so it may be sent again.
            async with transaction(self._engine) as connection:
                await file_store.change_upload(connection, tip, position, "take back")
            return await self._over(tip, error)
        except Paused:
            raise
        except Later as later:
            return await self._give_up(tip, str(later))
        if answer.hash != held.md5:
            return await self._give_up(tip, "another file arrived than was sent")
        file_id = answer.file_id or ""
        async with transaction(self._engine) as connection:
            await store.own(connection, tip)
            await file_store.change_upload(connection, tip, position, "sent", file=file_id)
        return file_id

    async def _describe(
        self,
        tip: Cybertip,
        client: NcmecClient,
        position: int,
        document: bytes,
        asked: int,
    ) -> Cybertip | None:
        async with transaction(self._engine) as connection:
            await store.own(connection, tip)
            await file_store.change_upload(connection, tip, position, "asked")
        try:
            await self._calls.ask(tip, "fileinfo", lambda: client.describe(document))
        except Refused as error:
            if asked and (error.code or 0) // 1000 == 4:
                return await self._give_up(tip, f"what a file is may have been said: {error}")
            if error.code == NO_FILE:
                return await self._give_up(tip, str(error))
            return await self._over(tip, error)
        async with transaction(self._engine) as connection:
            await file_store.change_upload(connection, tip, position, "described")
        return None

    async def _over(self, tip: Cybertip, error: Refused) -> Cybertip:
        """What a refusal means for the attempt."""
        await self._if_young(tip, error)
        if error.code == FINISHED:
            async with transaction(self._engine) as connection:
                return await store.save(connection, tip, state="FINISHING")
        if error.code in (GONE, RETRACTED):
            outcome = "EXPIRED" if error.code == GONE else "RETRACTED"
            async with transaction(self._engine) as connection:
                await attempt_store.end_attempt(connection, tip, outcome, now=self._clock())
                expired = tip.expired + 1
                warnings = [*tip.warnings, f"report {tip.report_id} ended unfiled; begun anew"]
                tip = await store.save(
                    connection,
                    tip,
                    state="READY",
                    report_id=None,
                    expired=expired,
                    warnings=warnings,
                )
            if expired >= 2:
                raise NeedsPerson("the report ended unfiled twice", resume="READY", code=error.code)
            return tip
        async with transaction(self._engine) as connection:
            return await store.save(
                connection, tip, state="RETRACTING", refused=True, fault=str(error), code=error.code
            )

    async def _if_young(self, tip: Cybertip, error: Refused) -> None:
        if error.code != GONE:
            return
        async with transaction(self._engine) as connection:
            began = (await attempt_store.attempts(connection, tip))[-1].started_at
        if self._clock() - began < _YOUNG:
            raise Later("the report is not known everywhere yet", delay=_SOON)

    async def _give_up(self, tip: Cybertip, why: str) -> Cybertip:
        async with transaction(self._engine) as connection:
            return await store.save(connection, tip, state="RETRACTING", fault=why)

    async def _known(self, tip: Cybertip, note: FiledNote) -> Cybertip:
        """It was filed: the database is older than that."""
        warning = f"it was filed before the database was restored, as {note.report_id}"
        async with transaction(self._engine) as connection:
            tip = await store.save(
                connection,
                tip,
                state="FILED",
                report_id=note.report_id,
                filed_at=note.filed_at,
                receipt_lost=True,
                warnings=[*tip.warnings, warning],
                fault=None,
                code=None,
            )
            await tell(connection, tip, "FILED", now=note.filed_at)
        metric.REPORTS.labels("known", tip.environment).inc()
        return tip

    async def _filed(self, tip: Cybertip, answer: NcmecAnswer | None) -> Cybertip:
        now = self._clock()
        note = FiledNote(report_id=tip.report_id or 0, environment=tip.environment, filed_at=now)
        await self._evidence.filed.write(tip.cybertip_id, note)
        async with transaction(self._engine) as connection:
            sent = await file_store.uploads(connection, tip)
            warnings = list(tip.warnings)
            receipt = None
            if answer is None:
                warnings.append("the receipt was lost: NCMEC says that the report is finished")
            else:
                where = (self._vault, tip.org_id, str(tip.cybertip_id))
                receipt = store.seal(*where, "receipt", answer.body)
                if set(answer.files) != {one.file_id for one in sent.values()}:
                    warnings.append("the receipt names other files than were sent")
            await attempt_store.end_attempt(connection, tip, "FILED", now=now)
            tip = await store.save(
                connection,
                tip,
                state="FILED",
                filed_at=now,
                receipt=receipt,
                receipt_lost=answer is None,
                warnings=warnings,
                fault=None,
                code=None,
            )
            await tell(connection, tip, "FILED", now=now)
        metric.REPORTS.labels("filed", tip.environment).inc()
        return tip

    @asynccontextmanager
    async def _client(self, tip: Cybertip) -> AsyncIterator[NcmecClient]:
        client = self._client_of(tip)
        try:
            yield client
        finally:
            await client.aclose()
