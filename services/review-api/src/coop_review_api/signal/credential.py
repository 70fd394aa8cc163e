"""The credential of an integration at rest: one ciphertext of a JSON object, bound to its document.

Guarantees: a secret leaves this module only as ciphertext; what is no secret by the manifest is not
taken for one, and the other way round.
Must not: be asked for values by the edge; `names` is all it gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from coop_contracts.config import Integration
from coop_contracts.error import pointer
from coop_review_api.kernel.error import Fault, Invalid
from coop_runtime.secret.vault import Vault
from coop_signals.manifest import ConfigField, Manifest

MAX_SECRET = 10_000  # characters
MAX_CONFIG = 100_000  # bytes of JSON


def names(vault: Vault, stored: str | None, *, context: str) -> list[str]:
    """Which secrets a ciphertext holds."""
    return sorted(_open(vault, stored, context))


def updated(
    vault: Vault,
    manifest: Manifest,
    previous: Integration | None,
    *,
    credential: Mapping[str, str | None] | None,
    config: Mapping[str, Any],
    context: str,
) -> str | None:
    """The new ciphertext. `credential` None keeps all, a null value keeps that secret.

    Raises `Invalid` for what the manifest does not allow, of both.
    """
    stored = previous.credential if previous else None
    known = _open(vault, stored, context)
    faults: list[Fault] = []
    secrets: dict[str, str] = {}
    for name, value in (known if credential is None else credential).items():
        if value is not None:
            secrets[name] = value
        elif name in known:
            secrets[name] = known[name]
        else:
            faults.append(Fault(pointer("credential", name), "no value is stored to be kept"))
    faults += _faults(manifest, secrets, config)
    if faults:
        raise Invalid(faults)
    if not secrets:
        return None
    if credential is None:
        return stored
    return vault.encrypt(msgspec.json.encode(secrets).decode(), context=context)


def _faults(
    manifest: Manifest, secrets: Mapping[str, str], config: Mapping[str, Any]
) -> Iterator[Fault]:
    fields = {field.key: field for field in manifest.config_fields}
    for name, value in secrets.items():
        at = pointer("credential", name)
        if name not in fields:
            yield Fault(at, "the integration has no such field")
        elif fields[name].input_type != "password":
            yield Fault(at, "is no secret: put it into config")
        elif not value or len(value) > MAX_SECRET:
            yield Fault(at, f"1 to {MAX_SECRET} characters")
    for name, value in config.items():
        at = pointer("config", name)
        if name not in fields:
            yield Fault(at, "the integration has no such field")
        elif fields[name].input_type == "password":
            yield Fault(at, "is a secret: put it into credential")
        else:
            reason = _wrong_type(fields[name], value)
            if reason:
                yield Fault(at, reason)
    if len(msgspec.json.encode(config)) > MAX_CONFIG:
        yield Fault("/config", f"at most {MAX_CONFIG} bytes")
    for field in fields.values():
        place = "credential" if field.input_type == "password" else "config"
        if field.required and not (secrets if place == "credential" else config).get(field.key):
            yield Fault(pointer(place, field.key), "required")


def _wrong_type(field: ConfigField, value: Any) -> str | None:
    if field.input_type == "text" and not isinstance(value, str):
        return "must be a string"
    if field.input_type == "array" and not isinstance(value, list):
        return "must be a list"
    return None


def _open(vault: Vault, stored: str | None, context: str) -> dict[str, str]:
    if stored is None:
        return {}
    return msgspec.json.decode(vault.decrypt(stored, context=context), type=dict[str, str])
