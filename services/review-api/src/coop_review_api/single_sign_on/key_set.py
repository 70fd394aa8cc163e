"""The keys that sign an OpenID provider's tokens.

Guarantees: public keys only (a key that could also be a shared secret is left out), strong enough;
a key that is not known is looked for once more, so that a provider may rotate its keys, but not
more often than every half minute, so that nobody makes us ask.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from coop_review_api.single_sign_on.certificate import MIN_RSA_BITS
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.fetch import Fetch
from coop_review_api.single_sign_on.library import jwt

KEPT = timedelta(hours=1)
ASKED_AGAIN = timedelta(seconds=30)
MAX_SETS = 500
MAX_KEYS = 50

_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures that are taken: none is symmetric."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    keys: Sequence[dict[str, Any]]
    at: datetime


class KeySets:
    """Key sets by address. Lives in one event loop."""

    def __init__(self, fetch: Fetch, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def find(self, url: str, *, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key that a token names, for this algorithm. Raises `SignInRefused`,
        `ProviderUnreachable`."""
        if algorithm not in ALGORITHMS:
            raise SignInRefused("algorithm", f"tokens signed by {algorithm} are not taken")
        now = self._clock()
        kept = self._kept.get(url)
        if kept is None or kept.at + KEPT <= now:
            kept = await self._ask(url, now)
        found = _match(kept.keys, key_id, algorithm)
        if found is None and kept.at + ASKED_AGAIN <= now:
            kept = await self._ask(url, now)
            found = _match(kept.keys, key_id, algorithm)
        if found is None:
            raise SignInRefused(
                "key", "the token is signed by a key that the provider does not have"
            )
        return _made(found, algorithm)

    async def examine(self, url: str) -> None:
        """Raises `SignInRefused` where no key of the set can sign a token that is taken,
        `ProviderUnreachable`. Nothing is kept."""
        for key in await self._fetched(url):
            for algorithm in sorted(ALGORITHMS):
                if _fits(key, algorithm):
                    _made(key, algorithm)
                    return
        raise SignInRefused("key", "the provider's key set has no key that signs tokens")

    async def _fetched(self, url: str) -> list[dict[str, Any]]:
        keys = (await self._fetch.json(url)).get("keys")
        if not isinstance(keys, list) or len(keys) > MAX_KEYS:
            raise SignInRefused("key", "the provider's key set cannot be read")
        return [one for one in keys if isinstance(one, dict)]

    async def _ask(self, url: str, now: datetime) -> _Kept:
        kept = _Kept(keys=await self._fetched(url), at=now)
        self._kept[url] = kept
        self._kept.move_to_end(url)
        while len(self._kept) > MAX_SETS:
            self._kept.popitem(last=False)
        return kept


def _match(
    keys: Sequence[dict[str, Any]], key_id: str | None, algorithm: str
) -> dict[str, Any] | None:
    fitting = [
        key
        for key in keys
        if _fits(key, algorithm) and (key_id is None or key.get("kid") == key_id)
    ]
    # Without a name there must be no choice.
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") == _KINDS[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _made(key: dict[str, Any], algorithm: str) -> jwt.PyJWK:
    try:
        made = jwt.PyJWK({name: key[name] for name in _PUBLIC if name in key}, algorithm)
    except (jwt.PyJWKError, jwt.InvalidKeyError, ValueError, KeyError, TypeError):
        raise SignInRefused("key", "the provider's key cannot be read") from None
    if isinstance(made.key, RSAPublicKey) and made.key.key_size < MIN_RSA_BITS:
        raise SignInRefused("key", f"an RSA key has at least {MIN_RSA_BITS} bits")
    return made
