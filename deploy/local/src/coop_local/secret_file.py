"""The stack's own secrets: made at the first start, kept in the state directory (mode 600).

Guarantees: the same at every start; each database role and the vault have a secret of their own.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import msgspec

from coop_local.engine import write_private
from coop_runtime.database.schema import ROLES, owner_of


class Secrets(msgspec.Struct, rename="camel", kw_only=True):
    """`passwords` by database role; `secret_keys` as COOP_SECRET_KEYS takes them; `internal_token`
    is what services show each other."""

    passwords: dict[str, str]
    secret_keys: str
    internal_token: str = ""


def stack_secrets(path: Path) -> Secrets:
    """The secrets in the file `path`, completed with those that it lacks."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Secrets)
    except FileNotFoundError:
        key = base64.b64encode(os.urandom(32)).decode()
        found = Secrets(passwords={}, secret_keys=key)
    roles = [*ROLES, *map(owner_of, ROLES)]
    missing = [role for role in roles if role not in found.passwords]
    if missing or not found.internal_token or not path.exists():
        found.internal_token = found.internal_token or os.urandom(32).hex()
        found.passwords |= {role: os.urandom(24).hex() for role in missing}
        write_private(path, msgspec.json.encode(found).decode())
    return found
