"""Who is believed to be the broker, and as whom aiokafka asks it.

Guarantees: the same settings as those of `kafka.config`, with the same meaning.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from faststream.security import (
    BaseSecurity,
    SASLOAuthBearer,
    SASLPlaintext,
    SASLScram256,
    SASLScram512,
)

from coop_runtime.kafka.token import TokenSource
from coop_runtime.process.settings import KafkaSettings

_WITH_PASSWORD = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


class _Tokens(AbstractTokenProvider):
    """As aiokafka asks for them."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        return await asyncio.to_thread(self._source.value)


def security_options(settings: KafkaSettings) -> dict[str, Any]:
    """Arguments of FastStream's broker."""
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    context = _tls(settings) if settings.kafka_security_protocol.endswith("SSL") else None
    mechanism = settings.kafka_sasl_mechanism
    if mechanism is None:
        return {"security": BaseSecurity(ssl_context=context)}
    if mechanism == "OAUTHBEARER":
        return {
            "security": SASLOAuthBearer(ssl_context=context),
            "sasl_oauth_token_provider": _Tokens(TokenSource(settings)),
        }
    made = _WITH_PASSWORD[mechanism](
        settings.kafka_username, settings.kafka_password.get_secret_value(), ssl_context=context
    )
    return {"security": made}


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.kafka_ca)
    if settings.kafka_certificate is not None:
        context.load_cert_chain(
            settings.kafka_certificate,
            settings.kafka_key,
            password=settings.kafka_key_password.get_secret_value() or None,
        )
    return context
