"""Second factors: time-based one-time codes (RFC 6238), and recovery codes.

    begin ──▶ secret (ciphertext), not in force ──confirm with a code──▶ in force, 10 recovery codes
    in force ──remove, by its owner or an administrator──▶ none

Guarantees: a code is good for its own 30 seconds and one step to either side, once: a step that was
used, and every one before it, is refused (RFC 6238, 5.2), though two requests come at once; a
recovery code is good once; secrets are ciphertext, recovery codes hashes.
Must not: count failures; the caller does, in the same transaction (`throttle`).
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from datetime import datetime
from typing import Any, NamedTuple

import pyotp
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.error import Conflict
from coop_review_api.people.table import recovery_codes, second_factors
from coop_review_api.people.token import hash_of
from coop_runtime.secret.vault import Vault

RECOVERY_CODES = 10
ISSUER = "Coop"
_SECRET_CHARACTERS = 32  # base32: 160 bits, RFC 4226, section 4, R6
_STEP = 30  # seconds
_DRIFT = 1  # steps
_GROUPS, _GROUP = 4, 4
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is read wrongly: 31^16 is 79 bits


class Enrolment(NamedTuple):
    """`uri` is what an authenticator scans (otpauth, the key URI format)."""

    secret: str
    uri: str


async def begin(
    connection: AsyncConnection,
    vault: Vault,
    *,
    org_id: str,
    user_id: str,
    email: str,
    now: datetime,
) -> Enrolment:
    """A new secret, not in force until a code confirms it. `Conflict` where one is in force."""
    secret = pyotp.random_base32(_SECRET_CHARACTERS)
    row = {
        "user_id": user_id,
        "secret": vault.encrypt(secret, context=_context(org_id, user_id)),
        "created_at": now,
    }
    statement = upsert(second_factors).values(row)
    kept = await connection.scalar(
        statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_={**row, "last_step": None},
            where=second_factors.c.confirmed_at.is_(None),
        ).returning(second_factors.c.user_id)
    )
    if kept is None:
        raise Conflict("a second factor is set up: remove it first")
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    return Enrolment(secret, uri)


async def confirm(
    connection: AsyncConnection,
    vault: Vault,
    *,
    org_id: str,
    user_id: str,
    code: str,
    now: datetime,
) -> list[str] | None:
    """The recovery codes, shown this once; None when the code does not fit. `Conflict` where
    nothing waits for a confirmation."""
    row = await _locked(connection, user_id)
    if row is None or row.confirmed_at is not None:
        raise Conflict("begin to set up a second factor first")
    secret = vault.decrypt(row.secret, context=_context(org_id, user_id))
    step = matching_step(secret, code, now=now, after=row.last_step)
    if step is None:
        return None
    await connection.execute(
        update(second_factors)
        .where(second_factors.c.user_id == user_id)
        .values(confirmed_at=now, last_step=step)
    )
    return await renew_recovery_codes(connection, user_id)


async def accept(
    connection: AsyncConnection,
    vault: Vault,
    *,
    org_id: str,
    user_id: str,
    code: str,
    now: datetime,
) -> bool:
    """Whether this is a fresh code of the factor in force, or an unused recovery code. It is used
    from now on. The factor's row stays locked until the transaction ends."""
    row = await _locked(connection, user_id)
    if row is None or row.confirmed_at is None:
        return False
    secret = vault.decrypt(row.secret, context=_context(org_id, user_id))
    step = matching_step(secret, code, now=now, after=row.last_step)
    if step is None:
        return await _use_recovery_code(connection, user_id, code, now)
    await connection.execute(
        update(second_factors).where(second_factors.c.user_id == user_id).values(last_step=step)
    )
    return True


async def in_force(connection: AsyncConnection, user_id: str) -> bool:
    """Whether the person has a confirmed factor."""
    confirmed_at = await connection.scalar(
        select(second_factors.c.confirmed_at).where(second_factors.c.user_id == user_id)
    )
    return confirmed_at is not None


async def remove(connection: AsyncConnection, user_id: str) -> bool:
    """Take factor and recovery codes away; False where there was none in force."""
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    confirmed_at = await connection.scalar(
        delete(second_factors)
        .where(second_factors.c.user_id == user_id)
        .returning(second_factors.c.confirmed_at)
    )
    return confirmed_at is not None


async def renew_recovery_codes(connection: AsyncConnection, user_id: str) -> list[str]:
    """New recovery codes in place of all earlier ones."""
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    await connection.execute(
        insert(recovery_codes),
        [{"user_id": user_id, "code_hash": hash_of(_plain(code))} for code in codes],
    )
    return codes


async def recovery_codes_left(connection: AsyncConnection, user_id: str) -> int:
    """How many are unused."""
    left = await connection.scalar(
        select(func.count())
        .select_from(recovery_codes)
        .where(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    )
    return int(left or 0)


def matching_step(secret: str, code: str, *, now: datetime, after: int | None) -> int | None:
    """The time step (RFC 6238, 4.2) whose code this is, later than `after`; None: no such one."""
    one_time = pyotp.TOTP(secret)
    plain = "".join(unicodedata.normalize("NFKC", code).split())  # digits of any keyboard
    present = int(now.timestamp()) // _STEP
    matching = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        fits = hmac.compare_digest(one_time.generate_otp(step).encode(), plain.encode())
        if fits and (after is None or step > after):
            matching = step
    return matching


async def _locked(connection: AsyncConnection, user_id: str) -> Row[*tuple[Any, ...]] | None:
    found = await connection.execute(
        select(second_factors).where(second_factors.c.user_id == user_id).with_for_update()
    )
    return found.one_or_none()


async def _use_recovery_code(
    connection: AsyncConnection, user_id: str, code: str, now: datetime
) -> bool:
    used = await connection.execute(
        update(recovery_codes)
        .where(
            recovery_codes.c.user_id == user_id,
            recovery_codes.c.code_hash == hash_of(_plain(code)),
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return used.rowcount == 1


def _new_recovery_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _plain(code: str) -> str:
    code = unicodedata.normalize("NFKC", code)
    return "".join(code.lower().replace("-", "").split())


def _context(org_id: str, user_id: str) -> str:
    return f"{org_id}/second-factor/{user_id}"
