"""An HTTP answer, whole.

Guarantees: every answer of the API is one of these, in memory before its first byte is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from coop_contracts.error import encode_errors
from coop_ingest.refusal import Refusal
from coop_runtime.process.asgi import Send

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json")
NOT_SNIFFED: Final = (b"x-content-type-options", b"nosniff")
MAX_ERRORS: Final = 2_000  # listed in one answer; the first says how many were left out


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: Headers = ()


async def send_answer(send: Send, answer: Answer) -> None:
    """The answer as ASGI messages."""
    headers = (*answer.headers, NOT_SNIFFED)
    if answer.status != 204:
        headers = (*headers, (b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def json_answer(status: int, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> Answer:
    """A value as JSON."""
    return Answer(status, msgspec.json.encode(value), (JSON, *headers))


def refusal_answer(refusal: Refusal, request_id: str) -> Answer:
    """The errors in the public format, each with the request's id."""
    errors = [
        msgspec.structs.replace(error, request_id=request_id)
        for error in refusal.errors[:MAX_ERRORS]
    ]
    left_out = len(refusal.errors) - len(errors)
    if left_out:
        detail = f"{errors[0].detail} ({left_out} more errors are not listed.)"
        errors[0] = msgspec.structs.replace(errors[0], detail=detail)
    headers: list[tuple[bytes, bytes]] = [JSON]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.close:
        headers.append((b"connection", b"close"))
    return Answer(errors[0].status, encode_errors(errors), tuple(headers))
