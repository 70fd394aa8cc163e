"""Whether a change may be saved, judged against the state it will be applied to.

Guarantees: what passes here can be loaded by every service; all faults are reported at once, each
with the pointer of the field; names are unique; references exist; nothing that is referred to, or
that the organisation cannot do without, is deleted.
Must not: do I/O. What a check needs to know is in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator

from coop_contracts.config import (
    Action,
    ActionType,
    Document,
    HashBank,
    IdentityProvider,
    ItemType,
    Kind,
    LocationBank,
    OrgSettings,
    Policy,
    Queue,
    RoleDefinition,
    RoutingRule,
    Rule,
    TextBank,
)
from coop_review_api.configuration.action import check_action
from coop_review_api.configuration.bank import (
    check_hash_bank,
    check_location_bank,
    check_text_bank,
)
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.identity_provider import check_identity_provider
from coop_review_api.configuration.queue import MAX_TARGET_MINUTES, check_queue
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


def check_save(
    kind: Kind,
    document: Document,
    *,
    previous: Document | None,
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> None:
    """Raises `Invalid` with every fault, or `Conflict`; `catalogue` holds `kinds_to_check`."""
    faults = check_document(document, previous=previous, catalogue=catalogue, signals=signals)
    if faults:
        raise Invalid(faults)
    _refuse_taken_name(kind, document, catalogue)


def check_document(
    document: Document,
    *,
    previous: Document | None = None,
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> list[Fault]:
    """Every fault of a document by itself, but for a taken name. Raises `Conflict`."""
    faults = list(_missing_references(document, catalogue))
    missing = {fault.pointer for fault in faults}
    # What is missing is said once, not again by who could not use it.
    found = _of_kind(document, previous, catalogue, signals)
    return faults + [fault for fault in found if fault.pointer not in missing]


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


def _of_kind(
    document: Document,
    previous: Document | None,
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> Iterator[Fault]:
    # A previous document always has the kind's type; the isinstance tests are for the type checker.
    match document:
        case ItemType():
            was_type = previous if isinstance(previous, ItemType) else None
            yield from check_item_type(document, was_type, catalogue, signals)
        case Policy():
            yield from _policy(document, catalogue)
        case Action():
            was_action = previous if isinstance(previous, Action) else None
            yield from check_action(document, was_action, catalogue)
        case Rule():
            yield from check_rule(document, catalogue, signals)
        case RoutingRule():
            yield from check_routing_rule(document, catalogue, signals)
        case Queue():
            was_queue = previous if isinstance(previous, Queue) else None
            yield from check_queue(document, was_queue, catalogue)
        case TextBank():
            was_bank = previous if isinstance(previous, TextBank) else None
            yield from check_text_bank(document, was_bank, catalogue)
        case LocationBank():
            yield from check_location_bank(document, catalogue)
        case HashBank():
            was_hashes = previous if isinstance(previous, HashBank) else None
            yield from check_hash_bank(document, was_hashes)
        case RoleDefinition():
            yield from check_role(document, catalogue)
        case IdentityProvider():
            yield from check_identity_provider(document)
        case OrgSettings():
            if document.id != SETTINGS_ID:
                yield Fault("/id", f"must be {SETTINGS_ID}")
            yield from check_settings(document, catalogue)


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


def _policy(policy: Policy, catalogue: Catalogue) -> Iterator[Fault]:
    within = policy.review_within_minutes
    if within is not None and not 1 <= within <= MAX_TARGET_MINUTES:
        yield Fault("/reviewWithinMinutes", f"from 1 to {MAX_TARGET_MINUTES}, or null for none")
    policies = catalogue.all(Kind.POLICY, Policy)
    seen = {policy.id}
    parent_id = policy.parent_id
    while parent_id is not None:
        if parent_id in seen:
            yield Fault("/parentId", "a policy cannot be below itself")
            return
        seen.add(parent_id)
        parent = policies.get(parent_id)
        parent_id = parent.parent_id if parent else None
