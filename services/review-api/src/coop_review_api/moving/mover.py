"""Carries an organisation of Coop's over: what is not here is made, what differs is changed, what
is the same stays.

    read ─▶ mapped, in order ─▶ compared with what is here ─▶ saved, in batches ─▶ report
                                                          ╰▶ plan: all of it, and rolled back

Guarantees: a plan is what would happen, because it happens, in one transaction that is rolled back;
every document is checked as if somebody had saved it here, under the organisation's lock, and those
that cannot be are told with the reason; killed at any moment and run again, it goes on; run again
when all is done, it changes nothing. What people changed here since then is left, unless
`overwrite` says otherwise.
Must not: turn anything on that acts: rules run in the background until `promotion`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import (
    DOCUMENT_TYPES,
    ApiKey,
    Document,
    ItemType,
    Kind,
    LocationBank,
    OrgSettings,
    RoutingRule,
    Rule,
    RuleStatus,
    TextBank,
    WebhookKey,
)
from coop_items import check_item_type_definition
from coop_review_api.configuration import bank_part, key, log
from coop_review_api.configuration.bank_part import BankParts
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.check import SETTINGS_ID, DocumentChecks
from coop_review_api.configuration.log import Entry, LockedConfiguration
from coop_review_api.configuration.relation import ORGS
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Invalid, ReviewError
from coop_review_api.moving.history_mover import HistoryMover, Step
from coop_review_api.moving.live import LIVE_TAGS
from coop_review_api.moving.mapped import Finding, Mapped, MappedPerson
from coop_review_api.moving.merging import differing, merged, with_secrets
from coop_review_api.moving.report import Deed, MoveOutcome, Report
from coop_review_api.moving.settling import settle_person
from coop_review_api.organisation.creation import begin_named
from coop_review_api.organisation.state import was_removed
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.database.engine import database_errors, transaction
from coop_runtime.secret.vault import Vault

AUTHOR = "import"
BATCH = 25
_WITHIN = 300.0  # seconds of a batch: a large bank takes some
_REASONS = 1_500  # characters of a draft's description

_TEXTS: BankParts[TextBank] = BankParts()
_PLACES: BankParts[LocationBank] = BankParts()

Thing = Mapped | MappedPerson | Finding


@dataclass(frozen=True, kw_only=True)
class Destination:
    """What the importer needs of this system."""

    engine: AsyncEngine
    vault: Vault
    signals: SignalCatalogue
    checks: DocumentChecks
    clock: Clock


@dataclass(kw_only=True)
class Mover:
    """One run for one organisation. `tell` is told how far it is; `committed` after each batch."""

    here: Destination
    org_id: str
    name: str
    things: Sequence[Thing]
    overwrite: bool = False
    history: HistoryMover | None = None
    tell: Callable[[str], None] = lambda _: None
    _outcomes: list[MoveOutcome] = field(default_factory=list)
    _findings: list[Finding] = field(default_factory=list)

    async def plan(self) -> Report:
        """What `apply` would do. Raises `Retryable`."""
        with database_errors():
            async with self.here.engine.connect() as connection:
                try:
                    await self._begin(connection)
                    configuration = await self._lock(connection)
                    for thing in self.things:
                        await self._carry(configuration, thing)
                    await self._keys(configuration)
                    if self.history is not None:
                        await self.history.carry(lambda step: step(connection))
                finally:
                    await connection.rollback()
        return self._report(applied=False)

    async def apply(self) -> Report:
        """Do it. Raises `Retryable`: run again, it goes on."""
        async with transaction(self.here.engine) as connection:
            await self._begin(connection)
        for start in range(0, len(self.things), BATCH):
            async with transaction(self.here.engine, within=_WITHIN) as connection:
                configuration = await self._lock(connection)
                for thing in self.things[start : start + BATCH]:
                    await self._carry(configuration, thing)
            self.tell(f"{min(start + BATCH, len(self.things))} of {len(self.things)}")
        async with transaction(self.here.engine) as connection:
            await self._keys(await self._lock(connection))
        if self.history is not None:
            await self.history.carry(self._in_a_transaction)
        return self._report(applied=True)

    async def _in_a_transaction(self, step: Step) -> None:
        async with transaction(self.here.engine, within=_WITHIN) as connection:
            await step(connection)

    def _report(self, *, applied: bool) -> Report:
        return Report.of(
            org_id=self.org_id,
            name=self.name,
            applied=applied,
            outcomes=self._outcomes,
            findings=self._findings,
            history=None if self.history is None else self.history.tally,
        )

    async def _begin(self, connection: AsyncConnection) -> None:
        known = await connection.scalar(
            ORGS.of.select().where(ORGS.of.c.org_id == self.org_id).limit(1)
        )
        if known is not None:
            return
        await begin_named(connection, self.org_id, name=self.name, slug=None)
        configuration = await self._lock(connection)
        if await was_removed(connection, self.org_id):
            # Seconds grow faster than revisions did, however often it comes and goes.
            configuration.raise_head(int(configuration.now.timestamp()))
        await configuration.save(Kind.SETTINGS, OrgSettings(id=SETTINGS_ID, name=self.name))

    async def _lock(self, connection: AsyncConnection) -> LockedConfiguration:
        return await log.lock(
            connection,
            self.org_id,
            author=AUTHOR,
            clock=self.here.clock,
            signals=self.here.signals,
            checks=self.here.checks,
        )

    async def _carry(self, configuration: LockedConfiguration, thing: Thing) -> None:
        if isinstance(thing, Finding):
            self._findings.append(thing)
            return
        self._findings.extend(thing.findings)
        if isinstance(thing, MappedPerson):
            outcome, findings = await settle_person(configuration, thing)
            self._findings.extend(findings)
        else:
            outcome = await self._document(configuration, thing)
        self._outcomes.append(outcome)

    async def _document(self, configuration: LockedConfiguration, one: Mapped) -> MoveOutcome:
        type_ = DOCUMENT_TYPES[one.kind]
        connection, thing_id = configuration.connection, one.document.id
        entry = await log.read(connection, self.org_id, one.kind, type_, thing_id)
        if entry is None and await log.is_known(connection, self.org_id, one.kind, thing_id):
            return self._left(one, "was deleted here since: it stays so", ())
        previous = None if entry is None else await self._whole(configuration, entry.document)
        wanted = self._wanted(one, previous)
        fields = () if previous is None else differing(one.kind, wanted, previous)
        await self._keep_versions(configuration, one)
        if previous is not None and not fields:
            return self._outcome(one, "SAME")
        if entry is not None and entry.author != AUTHOR and not self.overwrite:
            return self._left(one, "was changed here since: it is left as it is", fields)
        try:
            await self._tried(configuration, one, wanted)
        except Invalid as error:
            return await self._drafted(configuration, one, wanted, entry, error)
        except ReviewError as error:
            return self._refused(one, str(error))
        return self._outcome(one, "CREATE" if previous is None else "CHANGE", fields)

    def _wanted(self, one: Mapped, previous: Document | None) -> Document:
        wanted = merged(one.kind, one.document, previous)
        context = bound_to(self.org_id, one.kind, one.document.id)
        return with_secrets(wanted, one.secrets, previous, self.here.vault, context)

    async def _whole(self, configuration: LockedConfiguration, document: Document) -> Document:
        """With what is kept beside it."""
        connection = configuration.connection
        if isinstance(document, TextBank):
            return await _TEXTS.whole(connection, self.org_id, document)
        if isinstance(document, LocationBank):
            return await _PLACES.whole(connection, self.org_id, document)
        return document

    async def _tried(
        self,
        configuration: LockedConfiguration,
        one: Mapped,
        wanted: Document,
    ) -> None:
        """Save it; where that is refused nothing of it stays."""
        head = configuration.head
        try:
            async with configuration.connection.begin_nested():
                await self._save(configuration, one, wanted)
        except (ReviewError, IntegrityError) as error:
            configuration.head = head
            if isinstance(error, IntegrityError):
                raise Conflict("its id or name is taken by another one here") from error
            raise

    async def _save(
        self, configuration: LockedConfiguration, one: Mapped, wanted: Document
    ) -> None:
        if isinstance(wanted, ItemType) and isinstance(one.document, ItemType):
            await configuration.save(one.kind, wanted, version=one.document.version)
        elif isinstance(wanted, TextBank | LocationBank):
            await self._save_bank(configuration, one.kind, wanted)
        elif isinstance(wanted, ApiKey):
            known = await log.is_known(configuration.connection, self.org_id, one.kind, wanted.id)
            if known:
                await configuration.save(one.kind, wanted)
            else:
                await key.take_over_api_key(configuration, wanted)
        else:
            await configuration.save(one.kind, wanted)

    async def _save_bank(
        self, configuration: LockedConfiguration, kind: Kind, wanted: TextBank | LocationBank
    ) -> None:
        type_ = type(wanted)
        before = await log.read(configuration.connection, self.org_id, kind, type_, wanted.id)
        stored: TextBank | LocationBank
        if isinstance(wanted, TextBank):
            stored = await _TEXTS.stored(configuration, wanted)
        else:
            stored = await _PLACES.stored(configuration, wanted)
        await configuration.save(kind, stored)
        await bank_part.drop_unused(
            configuration, before=before.document if before else None, after=stored
        )

    async def _keep_versions(self, configuration: LockedConfiguration, one: Mapped) -> None:
        """Earlier versions of an item type, which old items and jobs name."""
        for version in one.versions:
            kept = structs.replace(version, id=f"{version.id}@{version.version}")
            known = await log.is_known(
                configuration.connection, self.org_id, Kind.ITEM_TYPE_VERSION, kept.id
            )
            if known:
                continue
            faults = check_item_type_definition(version)
            if faults:
                self._findings.append(
                    _finding(
                        one, f"its version of {version.version} is left out: {faults[0].detail}"
                    )
                )
            else:
                await configuration.restate(Kind.ITEM_TYPE_VERSION, kept.id, kept)

    async def _drafted(
        self,
        configuration: LockedConfiguration,
        one: Mapped,
        wanted: Document,
        entry: Entry[Any] | None,
        error: Invalid,
    ) -> MoveOutcome:
        """A rule that cannot be saved as it is, as a draft, unchecked; anything else is refused."""
        if not isinstance(wanted, Rule | RoutingRule):
            return self._refused(one, str(error))
        for fault in error.faults:
            self._findings.append(
                _finding(one, fault.reason, pointer=fault.pointer, is_draft=True, source=one.source)
            )
        draft = _draft(wanted, error)
        fields = () if entry is None else differing(one.kind, draft, entry.document)
        if entry is not None and not fields:
            return self._outcome(one, "SAME")
        head = configuration.head
        try:
            async with configuration.connection.begin_nested():
                await configuration.restate(one.kind, draft.id, draft)
        except (Invalid, IntegrityError):
            configuration.head = head
            return self._refused(one, "is too large, or its name is taken: not even a draft")
        return self._outcome(one, "DRAFT", fields)

    async def _keys(self, configuration: LockedConfiguration) -> None:
        """A webhook carries two signatures: what Coop had no key for gets one."""
        catalogue = await configuration.catalogue(Kind.WEBHOOK_KEY)
        there = catalogue.all(Kind.WEBHOOK_KEY, WebhookKey).values()
        active = {one.scheme for one in there if one.status == "ACTIVE"}
        for scheme in ("RSA_SHA256", "STANDARD_WEBHOOKS"):
            if scheme not in active:
                made = await key.rotate_webhook_key(
                    configuration,
                    self.here.vault,
                    scheme=scheme,
                )
                self._outcomes.append(
                    MoveOutcome(
                        kind=Kind.WEBHOOK_KEY,
                        id=made.entry.document.id,
                        name=scheme,
                        deed="CREATE",
                    )
                )

    def _left(self, one: Mapped, reason: str, fields: tuple[str, ...]) -> MoveOutcome:
        said = f" (it differs in {', '.join(fields)})" if fields else ""
        self._findings.append(_finding(one, reason + said, verdict="DIFFERS"))
        return self._outcome(one, "LEFT", fields)

    def _refused(self, one: Mapped, reason: str) -> MoveOutcome:
        self._findings.append(_finding(one, reason, source=one.source))
        return self._outcome(one, "REFUSED")

    def _outcome(self, one: Mapped, deed: Deed, fields: tuple[str, ...] = ()) -> MoveOutcome:
        return MoveOutcome(
            kind=one.kind, id=one.document.id, name=one.name, deed=deed, fields=fields
        )


def _draft(wanted: Rule | RoutingRule, error: Invalid) -> Rule | RoutingRule:
    """With the reasons in front of its description, for whoever finishes it."""
    reasons = "; ".join(f"{fault.pointer or '/'}: {fault.reason}" for fault in error.faults)
    said = f"Imported as a draft. {reasons}"[:_REASONS]
    description = f"{said}\n\n{wanted.description}".strip()
    if isinstance(wanted, RoutingRule):
        return structs.replace(wanted, status="DRAFT", description=description)
    resting = wanted.status in {RuleStatus.ARCHIVED, RuleStatus.DEPRECATED}
    return structs.replace(
        wanted,
        status=wanted.status if resting else RuleStatus.DRAFT,
        description=description,
        tags=tuple(tag for tag in wanted.tags if tag not in LIVE_TAGS),
    )


def _finding(one: Mapped, reason: str, **more: Any) -> Finding:
    given = {"verdict": "CANNOT", **more}
    return Finding(kind=one.kind, id=one.document.id, name=one.name, reason=reason, **given)
