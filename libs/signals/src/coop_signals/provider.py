"""A provider of signals: what it is asked, what it answers, what of that is a signal's score.

    need + value ──question──▶ Question ──fetch (one attempt)──▶ answer ──score──▶ score

Guarantees: equal questions of one organisation are one call, whichever signals they are for:
OpenAI's categories share one answer.
Must not: retry, cache, wait for others or count: `calls` does that once, around every provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Struct

from coop_rules.language.need import Need
from coop_signals.error import InputRefused
from coop_signals.media import Medium, MediumLimit

Score = bool | float | str
Answer = Any
"""A JSON value: kept in the cache, and read by `score`."""


class ProviderQuestion(Struct, frozen=True):
    """What one call asks. `content` is a JSON value: a text, a URL; `argument` what else changes
    the answer."""

    family: str
    content: Any
    argument: str | None = None


class ProviderAccount(Struct, frozen=True):
    """An organisation's account with a provider: `credential` are its secrets, `config` the rest,
    `revision` that of its document (0 where none is needed)."""

    credential: Mapping[str, str]
    config: Mapping[str, Any]
    revision: int = 0

    def __repr__(self) -> str:
        return f"Account(revision={self.revision})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """`timeout`: seconds of one attempt; `concurrency`: calls at once for one organisation;
    `medium`: what to download first, where the question's content is a URL."""

    timeout: float
    concurrency: int
    medium: MediumLimit | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt: who asks what. `medium` is there where the provider has a limit for one."""

    org_id: str
    question: ProviderQuestion
    account: ProviderAccount
    medium: Medium | None = None


class Provider(Protocol):
    """One provider."""

    @property
    def id(self) -> str:
        """The name in metrics, logs and errors; one of a closed set."""

    @property
    def integration_id(self) -> str:
        """Whose account is used."""

    @property
    def requires_account(self) -> bool: ...
    @property
    def signals(self) -> frozenset[str]: ...
    @property
    def limits(self) -> CallLimits: ...

    def question(self, need: Need, value: object) -> ProviderQuestion:
        """What to ask for this value. Raises InputRefused."""

    async def fetch(self, call: Call) -> Answer:
        """One attempt. Raises SignalError; httpx.TransportError and TimeoutError count as such."""

    def score(self, need: Need, answer: Answer) -> Score:
        """The signal's score in an answer. Raises Unavailable for an answer of another shape."""


def text_of(value: object) -> str:
    """The text to be judged. Raises InputRefused."""
    if not isinstance(value, str):
        raise InputRefused("the input is not a text")
    return value


def url_of(value: object) -> str:
    """The URL of a media value `{url, …}`, or of a plain string. Raises InputRefused."""
    url = value.get("url") if isinstance(value, Mapping) else value
    if not isinstance(url, str) or not url:
        raise InputRefused("the input has no URL")
    return url
