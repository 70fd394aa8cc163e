"""A document of Coop's beside the one that is here: what it should be, and where they differ.

Guarantees: what only this system knows of a document (a queue's order, a rule's ceilings) stays as
people set it here; a rule that was turned on by `promotion` stays on; a secret that is the same
keeps its ciphertext, so that a second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from coop_contracts.config import (
    DOCUMENT_TYPES,
    ApiKey,
    Document,
    Kind,
    Rule,
    RuleStatus,
)
from coop_review_api.moving.live import LIVE_TAGS
from coop_runtime.secret.vault import Vault

_OURS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.POLICY: ("review_within_minutes",),
    Kind.ACTION: ("reverse_action_id",),
    Kind.RULE: ("max_actions_per_minute", "max_users_per_hour"),
    Kind.QUEUE: (
        "reviewer_roles",
        "order",
        "weights",
        "target_minutes",
        "is_paused",
        "second_review_share",
        "golden_share",
    ),
    Kind.HASH_BANK: ("known_good",),
    Kind.INTEGRATION: ("enabled",),
    Kind.API_KEY: ("scopes", "expires_at", "replaced_by", "created_by"),
    Kind.WEBHOOK_KEY: ("created_at", "status"),
    Kind.IDENTITY_PROVIDER: ("metadata_url",),
    Kind.NCMEC_SETTINGS: (
        "enabled",
        "additional_info_headers",
        "preservation_headers",
        "production_queue_ids",
    ),
    Kind.SETTINGS: (
        "requests_per_second",
        "undo_window",
        "max_hold_hours",
        "bulk_confirmation_above",
        "evaluation_sample",
        "rule_max_actions_per_minute",
        "rule_max_users_per_hour",
        "rule_approval_above",
        "ignore_callback_headers",
        "requires_second_factor",
        "requires_single_sign_on",
        "session_hours",
        "session_idle_minutes",
        "item_history_days",
        "closed_job_days",
        "record_days",
        "item_text_search",
        "time_zone",
        "suspended_at",
    ),
}
"""What Coop does not know of a kind."""

_OF_ITS_OWN: Final = {Kind.ITEM_TYPE: frozenset({"version"})}
"""What two versions of a document do not have to have in common."""


def merged(kind: Kind, wanted: Document, previous: Document | None) -> Document:
    """The document as it should be, where `previous` is here; secrets apart."""
    if previous is None:
        return wanted
    ours = {name: getattr(previous, name) for name in _OURS.get(kind, ())}
    found = structs.replace(wanted, **ours)
    if isinstance(found, Rule) and isinstance(previous, Rule):
        return _as_promoted(found, previous)
    if isinstance(found, ApiKey) and isinstance(previous, ApiKey):
        # Revoked there or here, it is revoked.
        return structs.replace(found, revoked_at=previous.revoked_at or found.revoked_at)
    return found


def _as_promoted(wanted: Rule, previous: Rule) -> Rule:
    if LIVE_TAGS.isdisjoint(wanted.tags) or previous.status is not RuleStatus.LIVE:
        return wanted
    return promoted(wanted)


def promoted(rule: Rule) -> Rule:
    """The rule turned on."""
    tags = tuple(tag for tag in rule.tags if tag not in LIVE_TAGS)
    return structs.replace(rule, status=RuleStatus.LIVE, tags=tags)


def with_secrets(
    document: Document,
    secrets: Mapping[str, str],
    previous: Document | None,
    vault: Vault,
    context: str,
) -> Document:
    """The document with its secrets encrypted; one that is the same is not encrypted anew."""
    sealed = {}
    for name, clear in secrets.items():
        stored = getattr(previous, name, None) if previous is not None else None
        if stored and _same(vault.decrypt(stored, context=context), clear):
            sealed[name] = stored
        else:
            sealed[name] = vault.encrypt(clear, context=context)
    return structs.replace(document, **sealed)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:  # the same headers in another order
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except msgspec.DecodeError:
        return False


def differing(kind: Kind, wanted: Document, previous: Document) -> tuple[str, ...]:
    """The fields in which the two differ, by their names on the wire."""
    ours, theirs = _plain(kind, wanted), _plain(kind, previous)
    names = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    return tuple(sorted(names))


def _plain(kind: Kind, document: Document) -> dict[str, Any]:
    # Through JSON and back: as the log keeps it.
    encoded = msgspec.json.encode(document)
    fields: dict[str, Any] = msgspec.to_builtins(
        msgspec.json.decode(encoded, type=DOCUMENT_TYPES[kind])
    )
    hidden = _OF_ITS_OWN.get(kind, frozenset())
    return {name: value for name, value in fields.items() if name not in hidden}
