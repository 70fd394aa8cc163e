"""Whether a change may be saved, judged against the state it will be applied to.

Guarantees: what passes here can be loaded by every service; all faults are reported at once, each
with the pointer of the field; names are unique; references exist; nothing that is referred to, or
that the organisation cannot do without, is deleted.
Must not: do I/O: what a check needs to know is in the catalogue. Know what is special to a kind:
its own check does (`OWN_CHECKS`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from coop_contracts.config import (
    Action,
    ActionType,
    Document,
    ItemType,
    Kind,
    OrgSettings,
    Queue,
)
from coop_review_api.configuration.action import check_action
from coop_review_api.configuration.approval import Foretell, not_foretold
from coop_review_api.configuration.bank import (
    check_hash_bank,
    check_location_bank,
    check_text_bank,
)
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.policy import check_policy
from coop_review_api.configuration.queue import check_queue
from coop_review_api.configuration.reference import BANKS, REFERRED, REFERRING, references_of
from coop_review_api.configuration.role import check_role
from coop_review_api.configuration.rule import (
    check_item_type,
    check_routing_rule,
    check_rule,
)
from coop_review_api.configuration.settings import check_settings
from coop_review_api.configuration.table import NAMED_KINDS
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_rules.signal.catalogue import SignalCatalogue

SETTINGS_ID = "settings"


def kinds_to_check(kind: Kind) -> frozenset[Kind]:
    """The kinds whose documents a check of this kind looks at."""
    if kind is Kind.BANK_CHUNK:
        return frozenset()  # checked with the bank that it is a part of
    kinds = {kind, *REFERRED.get(kind, ()), *REFERRING.get(kind, ())}
    if kind is Kind.ITEM_TYPE:
        kinds.update(BANKS)  # the rules of the type are checked again
    return frozenset(kinds)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A document that is to be saved, and what it is judged against: what it replaces (of the same
    type; None: nothing), the documents of `kinds_to_check`, the signals there are."""

    document: Any
    previous: Any
    catalogue: Catalogue
    signals: SignalCatalogue


Check = Callable[[Examined], Iterable[Fault]]
"""Every fault of a document by itself, missing references apart. May raise `Conflict`."""


def _nothing(_: Examined) -> Iterable[Fault]:
    return ()


def _settings(it: Examined) -> Iterator[Fault]:
    if it.document.id != SETTINGS_ID:
        yield Fault("/id", f"must be {SETTINGS_ID}")
    yield from check_settings(it.document, it.catalogue)


OWN_CHECKS: Final[Mapping[Kind, Check]] = {
    Kind.ITEM_TYPE: lambda it: check_item_type(it.document, it.previous, it.catalogue, it.signals),
    Kind.POLICY: lambda it: check_policy(it.document, it.catalogue),
    Kind.ACTION: lambda it: check_action(it.document, it.previous, it.catalogue),
    Kind.RULE: lambda it: check_rule(it.document, it.catalogue, it.signals),
    Kind.ROUTING_RULE: lambda it: check_routing_rule(it.document, it.catalogue, it.signals),
    Kind.QUEUE: lambda it: check_queue(it.document, it.previous, it.catalogue),
    Kind.TEXT_BANK: lambda it: check_text_bank(it.document, it.previous, it.catalogue),
    Kind.LOCATION_BANK: lambda it: check_location_bank(it.document, it.catalogue),
    Kind.HASH_BANK: lambda it: check_hash_bank(it.document, it.previous),
    Kind.ROLE: lambda it: check_role(it.document, it.catalogue),
    Kind.SETTINGS: _settings,
    # Made here, of what was checked before.
    Kind.BANK_CHUNK: _nothing,
    Kind.API_KEY: _nothing,
    Kind.WEBHOOK_KEY: _nothing,
    Kind.INTEGRATION: _nothing,
}
"""By kind; those of kinds that a slice above knows are handed in by it."""

ASKED: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.ACTION: {"callback_url": "/callbackUrl"},
    Kind.SETTINGS: {
        "appeal_callback_url": "/appealCallbackUrl",
        "ignore_callback_url": "/ignoreCallbackUrl",
        "partial_items_endpoint": "/partialItemsEndpoint",
    },
    Kind.NCMEC_SETTINGS: {
        "additional_info_endpoint": "/additionalInfoEndpoint",
        "preservation_endpoint": "/preservationEndpoint",
    },
    Kind.IDENTITY_PROVIDER: {"issuer": "/issuer", "metadata_url": "/metadataUrl"},
}
"""The addresses that this system itself will ask, by kind: field and pointer."""

Refusal = Callable[[str], str | None]
"""Why a URL will not be asked, as far as can be seen without resolving its name; None if it may."""


def _not_judged(_url: str) -> str | None:
    return None


@dataclass(frozen=True)
class DocumentChecks:
    """Which documents may be saved: those of the kinds that have a check here. `refusal` is the
    judgement of the egress guard, through which what is saved will be asked; `foretell` says how
    much a rule would act on."""

    by_kind: Mapping[Kind, Check] = field(default_factory=lambda: OWN_CHECKS)
    refusal: Refusal = _not_judged
    foretell: Foretell = not_foretold

    def check_save(self, kind: Kind, examined: Examined) -> None:
        """Raises `Invalid` with every fault, or `Conflict`."""
        faults = self.faults(kind, examined)
        if faults:
            raise Invalid(faults)
        _refuse_taken_name(kind, examined.document, examined.catalogue)

    def faults(self, kind: Kind, examined: Examined) -> list[Fault]:
        """Every fault of a document by itself, but for a taken name. Raises `Conflict`."""
        faults = list(_missing_references(examined.document, examined.catalogue))
        missing = {fault.pointer for fault in faults}
        # What is missing is said once, not again by who could not use it.
        found = self.by_kind[kind](examined)
        faults += [fault for fault in found if fault.pointer not in missing]
        return faults + list(self._unreachable(kind, examined.document, faults))

    def _unreachable(self, kind: Kind, document: Any, known: Sequence[Fault]) -> Iterator[Fault]:
        """Addresses that would be refused whenever they were asked: better now than then."""
        told = {fault.pointer for fault in known}
        for name, at in ASKED.get(kind, {}).items():
            url = getattr(document, name)
            reason = self.refusal(url) if url and at not in told else None
            if reason is not None:
                yield Fault(at, reason)


def check_delete(kind: Kind, document: Document, *, catalogue: Catalogue) -> None:
    """Raises `Conflict`, naming what still refers to the document."""
    match document:
        case ItemType(is_default_user_type=True):
            raise Conflict("the default user type cannot be deleted")
        case Action() if document.action_type is not ActionType.CUSTOM_ACTION:
            raise Conflict(f"{document.name} is a built-in action and cannot be deleted")
        case Queue(is_default_queue=True):
            raise Conflict("the default queue cannot be deleted: make another one the default")
        case OrgSettings():
            raise Conflict("the settings cannot be deleted")
    users = catalogue.users_of(kind, document.id)
    if users:
        raise Conflict(
            "still in use", used_by=[f"{other} {name_of(user)}" for other, user in users]
        )


def name_of(document: Document) -> str:
    """What a person calls the document."""
    return str(getattr(document, "name", document.id))


def _missing_references(document: Document, catalogue: Catalogue) -> Iterator[Fault]:
    for reference in references_of(document):
        if catalogue.get(reference.kind, Document, reference.id) is None:
            yield Fault(reference.pointer, f"no such {reference.kind.replace('-', ' ')}")


def _refuse_taken_name(kind: Kind, document: Document, catalogue: Catalogue) -> None:
    if kind not in NAMED_KINDS:
        return
    name = name_of(document)
    for other in catalogue.all(kind, Document).values():
        if other.id != document.id and name_of(other) == name:
            raise Conflict(
                f"another {kind.replace('-', ' ')} is called {name}",
                faults=[Fault("/name", "already taken")],
                used_by=[other.id],
            )
