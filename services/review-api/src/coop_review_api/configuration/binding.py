"""What a secret in a document is bound to: copied onto another one, it cannot be read."""

from __future__ import annotations

from coop_contracts.config import Kind


def bound_to(org_id: str, kind: Kind, document_id: str) -> str:
    """The context of a secret, for the vault."""
    return f"{org_id}/{kind}/{document_id}"
