"""An ID token: what it must say before anybody is believed to be somebody.

Guarantees: signed by a key of the provider with an asymmetric algorithm; made by the issuer, for
this client alone, for this very request (nonce), now.
Must not: take a claim from a token that was not checked.
Source: OpenID Connect Core 1.0, 3.1.3.7.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.library import jwt

LEEWAY = timedelta(minutes=1)
MAX_AGE = timedelta(minutes=15)
"""How old a token may be that answers a request of at most ten minutes."""

MAX_TOKEN = 32 * 1024  # characters

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, kw_only=True)
class ExpectedToken:
    """What a token must fit."""

    issuer: str
    client_id: str
    nonce: str
    now: datetime


_END_OF_TIME: Final = 10**12  # seconds since 1970


def header(token: str) -> tuple[str, str | None]:
    """A token's algorithm and key, as it says itself: to look the key up by. Raises
    `SignInRefused`."""
    if len(token) > MAX_TOKEN:
        raise SignInRefused("size", "the token is too long")
    try:
        found = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise SignInRefused("token", "not a signed token") from None
    algorithm, key_id = found.get("alg"), found.get("kid")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise SignInRefused("token", "not a signed token")
    return algorithm, key_id


def claims(token: str, key: jwt.PyJWK, expected: ExpectedToken) -> dict[str, Any]:
    """The claims of a token that holds. Raises `SignInRefused`."""
    try:
        found: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[key.algorithm_name],
            # What depends on the time or on us is checked below, against our clock and each with
            # its own reason.
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "require": ["iss", "sub", "aud", "exp", "iat", "nonce"],
            },
        )
    except jwt.InvalidAlgorithmError:
        raise SignInRefused("algorithm", "the token's algorithm does not fit its key") from None
    except jwt.InvalidSignatureError:
        raise SignInRefused("signature", "the token's signature is wrong") from None
    except (jwt.PyJWTError, TypeError, ValueError, RecursionError):
        raise SignInRefused("token", "the token cannot be read, or lacks a claim") from None
    _check_who(found, expected)
    _check_times(found, expected.now)
    nonce = found["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "replace"), expected.nonce.encode()
    ):
        raise SignInRefused("nonce", "the token was made for another request")
    return found


def check_access_token(found: dict[str, Any], algorithm: str, access_token: str) -> None:
    """The access token belongs to the ID token, if that says so (`at_hash`). Raises
    `SignInRefused`."""
    said = found.get("at_hash")
    make = _HASHES.get(algorithm[-3:])
    if said is None or make is None:
        return
    digest = make(access_token.encode()).digest()
    half = digest[: len(digest) // 2]
    try:
        given = base64.urlsafe_b64decode(f"{said}{'=' * (-len(str(said)) % 4)}".encode())
    except (binascii.Error, ValueError):
        given = b""
    if not hmac.compare_digest(given, half):
        raise SignInRefused("token", "the access token belongs to another ID token")


def email(found: dict[str, Any], claim: str | None) -> str | None:
    """The address that the claims hold, None where they hold none. `email` must be verified;
    another claim is taken at the word of the administrator who named it. Raises `SignInRefused`."""
    name = claim or "email"
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise SignInRefused("email", f"the claim {name} is not a text")
    if name == "email" and found.get("email_verified") is not True:
        raise SignInRefused("unverified", "the provider did not verify the e-mail address")
    return value


def _check_who(found: dict[str, Any], expected: ExpectedToken) -> None:
    if found["iss"] != expected.issuer:
        raise SignInRefused("issuer", "another issuer made the token")
    if not isinstance(found["sub"], str) or not found["sub"]:
        raise SignInRefused("token", "the token has no subject")
    audience, party = found["aud"], found.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise SignInRefused("audience", "the token was made for another client")
    if (len(audiences) > 1 or party is not None) and party != expected.client_id:
        raise SignInRefused("audience", "the token was made for another client as well")


def _check_times(found: dict[str, Any], now: datetime) -> None:
    present, leeway = now.timestamp(), LEEWAY.total_seconds()
    expires, issued, starts = found["exp"], found["iat"], found.get("nbf", 0)
    if not all(map(_is_time, (expires, issued, starts))):
        raise SignInRefused("time", "a time that cannot be read")
    if expires + leeway <= present:
        raise SignInRefused("time", "the token is no longer valid")
    if max(issued, starts) - leeway > present:
        raise SignInRefused("time", "the token is not valid yet")
    if issued + MAX_AGE.total_seconds() <= present:
        raise SignInRefused("time", "the token is too old to answer this request")


def _is_time(said: object) -> bool:
    """Whether it is seconds since 1970 that can be compared: NaN cannot, nor what has no end."""
    return isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < _END_OF_TIME
