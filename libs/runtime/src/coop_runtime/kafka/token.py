"""Tokens for a broker that asks for SASL's OAUTHBEARER, by OpenID Connect's client credentials.

Guarantees: one way for both clients; a token is asked for again before it ends, and not for each
connection. Must not: show a token or the secret in an error.

Formats: RFC 6749, section 4.4 (request) and 5.1 (answer); RFC 7628 (SASL).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import msgspec
from confluent_kafka import KafkaError, KafkaException

from coop_runtime.process.settings import KafkaSettings

_SECONDS = 5.0  # for an answer
_USED = 0.8  # of a token's life, then another one is asked for
_LIFE = 300.0  # of a token whose maker does not say, in seconds


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = _LIFE


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    ends: float  # time.time()
    renew: float


class TokenSource:
    """Asks the settings' token endpoint. Safe in threads."""

    def __init__(self, settings: KafkaSettings, *, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._held: _Token | None = None

    def of_librdkafka(self, _config: str) -> tuple[str, float]:
        """What the client's `oauth_cb` gives: the token and when it ends. It is called again
        before, and ten seconds after an error."""
        token = self._current()
        return token.value, token.ends

    def value(self) -> str:
        """The token. Blocks; raises KafkaException where none can be had."""
        return self._current().value

    def _current(self) -> _Token:
        with self._lock:
            if self._held is None or self._now() >= self._held.renew:
                self._held = self._asked()
            return self._held

    def _asked(self) -> _Token:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.kafka_token_scope:
            form["scope"] = settings.kafka_token_scope
        asked = self._now()
        try:
            answer = httpx.post(
                settings.kafka_token_url,
                data=form,
                auth=(settings.kafka_username, settings.kafka_password.get_secret_value()),
                timeout=_SECONDS,
            )
            if answer.status_code != httpx.codes.OK:
                raise _failure(f"the answer has status {answer.status_code}")
            read = msgspec.json.decode(answer.content, type=_Answer)
        except httpx.HTTPError as error:
            raise _failure(type(error).__name__) from None
        except msgspec.MsgspecError:
            raise _failure("the answer holds no token") from None
        life = max(read.expires_in, 1.0)
        return _Token(read.access_token, asked + life, asked + life * _USED)


def _failure(reason: str) -> KafkaException:
    return KafkaException(KafkaError(KafkaError._AUTHENTICATION, f"COOP_KAFKA_TOKEN_URL: {reason}"))
