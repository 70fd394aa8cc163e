"""Headers of callbacks at rest: one ciphertext of a JSON object, bound to its document.

Guarantees: a header's value leaves this module only as ciphertext; a document copied onto another
id cannot be decrypted (the Vault binds organisation, kind and id).
Must not: be asked for values by the edge; `names` is all it gets.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from coop_contracts.error import pointer
from coop_review_api.configuration.action import check_headers
from coop_review_api.kernel.error import Fault, Invalid
from coop_runtime.secret.vault import Vault


def clear(vault: Vault, stored: str | None, *, context: str) -> dict[str, str]:
    """The headers in a ciphertext, for who sends them."""
    return _open(vault, stored, context)


def names(vault: Vault, stored: str | None, *, context: str) -> list[str]:
    """The header names in a ciphertext."""
    return sorted(_open(vault, stored, context))


def updated(
    vault: Vault,
    stored: str | None,
    sent: Mapping[str, str | None] | None,
    *,
    context: str,
    at: str,
) -> str | None:
    """The new ciphertext. `sent` None keeps all, a null value keeps that header's stored value.

    Raises `Invalid` with pointers below `at`.
    """
    if sent is None:
        return stored
    known = _open(vault, stored, context)
    headers: dict[str, str] = {}
    faults = []
    for name, value in sent.items():
        if value is not None:
            headers[name] = value
        elif name in known:
            headers[name] = known[name]
        else:
            faults.append(Fault(at + pointer(name), "no value is stored that could be kept"))
    faults += check_headers(headers, at)
    if faults:
        raise Invalid(faults)
    if not headers:
        return None
    return vault.encrypt(msgspec.json.encode(headers).decode(), context=context)


def _open(vault: Vault, stored: str | None, context: str) -> dict[str, str]:
    if stored is None:
        return {}
    return msgspec.json.decode(vault.decrypt(stored, context=context), type=dict[str, str])
