"""Texts in another language, asked of the organisation's provider and remembered for a day.

Guarantees: a text and a language are asked for once a day and organisation; what is remembered is
ciphertext under a hash, so that Redis tells nobody what was said; without Redis nothing is
remembered and all goes on.
Must not: decide who may read what; `passage` does.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_contracts.event import SignalValue
from coop_review_api.signal.signals import Signals
from coop_runtime.secret.vault import Vault
from coop_signals.translation import language_need, translation_need

_DEADLINE: Final = 20.0
_KEPT: Final = 24 * 3600


class Translated(msgspec.Struct, frozen=True, array_like=True):
    """`language` is that of the original (BCP 47), `und` where there is none."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class NotTranslated:
    """Why there is no translation."""

    reason: str


_decoder = msgspec.json.Decoder(Translated)


class Translator:
    """One for each process."""

    def __init__(self, signals: Signals, redis: Redis, vault: Vault) -> None:
        self._signals = signals
        self._redis = redis
        self._vault = vault

    async def translate(
        self, org_id: str, texts: Sequence[str], to: str
    ) -> list[Translated | NotTranslated]:
        """Each text in the language `to`, in their order. The accounts have to be learnt."""
        keys = [_key(org_id, text, to) for text in texts]
        known = await self._known(keys)
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        made = await self._ask(org_id, wanted, to)
        await self._remember({key: one for key, one in made.items() if isinstance(one, Translated)})
        return [known.get(key) or made[key] for key in keys]

    async def _ask(
        self, org_id: str, wanted: dict[str, str], to: str
    ) -> dict[str, Translated | NotTranslated]:
        inputs = list(wanted.values())
        if not inputs:
            return {}
        deadline = asyncio.get_running_loop().time() + _DEADLINE
        # Both are of one call for each text.
        texts, languages = await asyncio.gather(
            self._signals.values(org_id, translation_need(to), inputs, deadline=deadline),
            self._signals.values(org_id, language_need(to), inputs, deadline=deadline),
        )
        return {
            key: _together(text, language)
            for key, text, language in zip(wanted, texts, languages, strict=True)
        }

    async def _known(self, keys: Sequence[str]) -> dict[str, Translated]:
        try:
            found = await self._redis.mget(keys)
        except (RedisError, OSError):
            return {}
        return {
            key: self._opened(key, kept)
            for key, kept in zip(keys, found, strict=True)
            if kept is not None
        }

    async def _remember(self, made: dict[str, Translated]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key, one in made.items():
                    kept = self._vault.encrypt(msgspec.json.encode(one).decode(), context=key)
                    pipeline.set(key, kept, ex=_KEPT)
                await pipeline.execute()
        except (RedisError, OSError):
            return

    def _opened(self, key: str, kept: bytes | str) -> Translated:
        text = kept.decode() if isinstance(kept, bytes) else kept
        return _decoder.decode(self._vault.decrypt(text, context=key))


def _key(org_id: str, text: str, to: str) -> str:
    content = msgspec.json.encode((org_id, to, text))
    return f"coop:translation:{org_id}:{hashlib.blake2b(content, digest_size=16).hexdigest()}"


def _together(text: SignalValue, language: SignalValue) -> Translated | NotTranslated:
    if isinstance(text.score, str) and isinstance(language.score, str):
        return Translated(language.score, text.score)
    return NotTranslated(text.error or language.error or "no translation")
