"""Why a request is not accepted.

    Exception
    ├── Refusal       answered with errors in the public format
    └── ClientGone    nobody is there to answer: the body was cut off

Guarantees: every refusal has at least one error, and its answer the status of the first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from coop_contracts.error import ApiError, ErrorType

Reason = Literal[
    "authentication",
    "authorization",
    "rate",
    "size",
    "media_type",
    "json",
    "invalid",
    "conflict",
    "unavailable",
    "not_found",
    "method",
    "internal",
    "crowded",
    "slow",
]

_CROWDED_SECONDS = 2.0  # a line may be short again by then


class Refusal(Exception):
    """`reason` is the metric's label. `retry_after` is in seconds. `close` ends the connection, for
    a body that is not read to its end."""

    def __init__(
        self,
        reason: Reason,
        errors: Sequence[ApiError],
        *,
        retry_after: float | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(errors[0].title)
        self.reason = reason
        self.errors = tuple(errors)
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))
        self.close = close


class ClientGone(Exception):
    """The client ended the connection before its request was whole."""


def error(
    status: int,
    kind: ErrorType,
    title: str,
    detail: str | None = None,
    pointer: str | None = None,
) -> ApiError:
    """One error in the public format."""
    return ApiError(status=status, type=(kind,), title=title, detail=detail, pointer=pointer)


def invalid(detail: str, pointer: str | None = None, *, title: str = "Invalid input") -> ApiError:
    """The request says something that cannot be accepted."""
    return error(400, ErrorType.INVALID_USER_INPUT, title, detail, pointer)


def sentence(reason: str) -> str:
    """A reason as a sentence. Not `capitalize`, which lowers the rest of it."""
    return f"{reason[:1].upper()}{reason[1:]}."


def too_large(detail: str, pointer: str | None = None) -> ApiError:
    """Something is over a limit."""
    return error(413, ErrorType.INVALID_USER_INPUT, "Too large", detail, pointer)


def unauthorized() -> Refusal:
    """One answer for a missing, unknown, revoked and expired key: it must not tell which."""
    return Refusal(
        "authentication",
        [
            error(
                401,
                ErrorType.AUTHENTICATION_FAILED,
                "Invalid API Key",
                "The X-API-KEY header does not hold a valid key.",
            )
        ],
        close=True,
    )


def forbidden(needs: str) -> Refusal:
    """The key is valid, and not for this."""
    return Refusal(
        "authorization",
        [
            error(
                403,
                ErrorType.AUTHORIZATION_FAILED,
                "Missing scope",
                f"This API key does not have the scope {needs}.",
            )
        ],
        close=True,
    )


def suspended() -> Refusal:
    """The key is valid, and its organisation may not do anything."""
    return Refusal(
        "authorization",
        [
            error(
                403,
                ErrorType.AUTHORIZATION_FAILED,
                "Organisation suspended",
                "Your organisation is suspended: nothing of this was kept.",
            )
        ],
        close=True,
    )


def rate_limited(retry_after: float) -> Refusal:
    """The organisation sends more requests than it may."""
    return Refusal(
        "rate",
        [
            error(
                429,
                ErrorType.RATE_LIMITED,
                "Too many requests",
                "Your organisation's request rate is above its limit.",
            )
        ],
        retry_after=retry_after,
    )


def crowded() -> Refusal:
    """More of the organisation's items wait to be evaluated than should."""
    return Refusal(
        "crowded",
        [
            error(
                429,
                ErrorType.RATE_LIMITED,
                "Too many items are waiting",
                "Your organisation's items come faster than its rules evaluate them.",
            )
        ],
        retry_after=_CROWDED_SECONDS,
    )


def too_many_wait() -> Refusal:
    """More requests of the organisation wait for their rules than may."""
    return Refusal(
        "crowded",
        [
            error(
                429,
                ErrorType.RATE_LIMITED,
                "Too many requests are waiting",
                "Too many requests of your organisation wait for an answer: nothing of this was "
                "kept. Send it again later, or without sync.",
            )
        ],
        retry_after=1,
    )


def too_many_lookups() -> Refusal:
    """More look-ups of the organisation are under way than may be."""
    return Refusal(
        "crowded",
        [
            error(
                429,
                ErrorType.RATE_LIMITED,
                "Too many look-ups",
                "Too many look-ups of your organisation are under way.",
            )
        ],
        retry_after=1,
    )


def not_found(detail: str) -> Refusal:
    """There is no such thing, or none of the caller's."""
    return Refusal("not_found", [error(404, ErrorType.NOT_FOUND, "Not found", detail)])


def unanswered(seconds: float) -> Refusal:
    """The item is kept, and its rules have not answered in time."""
    detail = (
        f"The rules gave no answer within {seconds:g} s. The item is kept and will be evaluated, "
        "and its actions arrive as webhooks. To ask again, repeat the request under the "
        "Idempotency-Key it had; without one it would be another submission."
    )
    return unavailable(detail, retry_after=1)


def unavailable(detail: str, *, retry_after: float, close: bool = False) -> Refusal:
    """Nothing is wrong with the request; it cannot be kept, or answered, now."""
    return Refusal(
        "unavailable",
        [error(503, ErrorType.SERVICE_UNAVAILABLE, "Service unavailable", detail)],
        retry_after=retry_after,
        close=close,
    )


def conflict(detail: str, *, retry_after: float | None = None) -> Refusal:
    """The request contradicts another, or a setting."""
    return Refusal(
        "conflict",
        [error(409, ErrorType.CONFLICT, "Conflict", detail)],
        retry_after=retry_after,
    )
