"""A provider's HTTP interface: a request there, JSON back, statuses as errors.

    2xx JSON of the expected shape   the answer
    401 403, no quota                AccountRefused
    429                              RateLimited
    408 425 5xx, 3xx, any other form Unavailable
    other 4xx                        InputRefused

Guarantees: no error quotes what the other side wrote: OpenAI, for one, repeats a part of the key.
Must not: retry or time anything; `channel` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec

from coop_runtime.egress.answer import UnreadableAnswer, read_answer
from coop_signals.error import (
    AccountRefused,
    InputRefused,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from coop_signals.provider import ProviderAccount

T = TypeVar("T")

# What providers say in bodies whose status says less: OpenAI 429, Google 400.
_NO_QUOTA = b"insufficient_quota"
_INVALID_KEY = b"API_KEY_INVALID"
_KEY = re.compile(r"[\x21-\x7e]{1,1000}")


class Api:
    """One provider's interface; `client` is a guarded one."""

    def __init__(self, client: httpx.AsyncClient, name: str, base_url: str) -> None:
        self._client = client
        self._name = name
        self._base_url = base_url.rstrip("/")

    async def post(
        self,
        path: str,
        answer_type: type[T],
        *,
        headers: Mapping[str, str],
        timeout: float,  # noqa: ASYNC109 - for the connection; the channel has the deadline
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> T:
        """Posts `json`, or a multipart form. Raises SignalError, httpx.TransportError."""
        own = dict(headers)
        content = None
        if files is None:
            content = msgspec.json.encode(json)
            own["content-type"] = "application/json"
        answer = await self._client.post(
            self._base_url + path,
            content=content,
            data=form,
            files=files,
            headers=own,
            timeout=timeout,
        )
        return self._read(answer, answer_type)

    async def get(
        self,
        path: str,
        answer_type: type[T],
        *,
        headers: Mapping[str, str],
        timeout: float,  # noqa: ASYNC109 - as in post
    ) -> T:
        """Asks for what is there. Raises SignalError, httpx.TransportError."""
        answer = await self._client.get(self._base_url + path, headers=headers, timeout=timeout)
        return self._read(answer, answer_type)

    def _read(self, answer: httpx.Response, answer_type: type[T]) -> T:
        self._check_status(answer)
        try:
            return read_answer(answer.content, answer_type)
        except UnreadableAnswer as error:
            raise UnexpectedAnswer(f"the answer of {self._name} {error}") from None

    def _check_status(self, answer: httpx.Response) -> None:
        status, name = answer.status_code, self._name
        if 200 <= status < 300:
            return
        if status in (401, 403) or _INVALID_KEY in answer.content:
            raise AccountRefused(f"{name} refuses the account's key ({status})")
        if status == 429 and _NO_QUOTA in answer.content:
            raise AccountRefused(f"the account's quota at {name} is used up")
        if status == 429:
            raise RateLimited(f"{name} limits the rate of calls (429)", pause=_pause(answer))
        if status in (408, 425) or status >= 500:
            raise Unavailable(f"{name} answers {status}")
        if status < 400:
            raise UnexpectedAnswer(
                f"{name} redirects ({status}), which is not followed", retry=False
            )
        raise InputRefused(f"{name} refuses the input ({status})")


def _pause(answer: httpx.Response) -> float | None:
    """The seconds of a Retry-After: a number, or a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if not text.isascii():
        return None
    if text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def key_of(account: ProviderAccount) -> str:
    """The account's key, fit for a header. Raises AccountRefused."""
    key = account.credential.get("apiKey", "").strip()
    if not _KEY.fullmatch(key):
        raise AccountRefused("the account's key is not of the form of a key")
    return key


def bearer(account: ProviderAccount) -> dict[str, str]:
    """The header that most providers take the key in. Raises AccountRefused."""
    return {"authorization": f"Bearer {key_of(account)}"}
