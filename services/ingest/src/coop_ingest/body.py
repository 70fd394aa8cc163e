"""Reading a request: its head at once, its body within limits.

Guarantees: a body over the limit is not read to its end, whether its length was declared or not;
the bytes of all requests together are bounded; a body cut off raises, so that none of it is used.
Must not: parse the body. (How long a body may take to arrive is the server's limit.)
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

from coop_contracts.error import ErrorType
from coop_ingest import metric
from coop_ingest.refusal import ClientGone, Refusal, error, invalid, too_large, unavailable
from coop_runtime.process.asgi import Receive

_WANTED = frozenset(
    {
        b"x-api-key",
        b"content-type",
        b"content-encoding",
        b"content-length",
        b"idempotency-key",
        b"traceparent",
    }
)


class RequestHead(NamedTuple):
    """The headers that matter. `api_key` is empty when there is none."""

    api_key: bytes
    content_type: bytes | None
    content_encoding: bytes | None
    content_length: bytes | None
    idempotency_key: bytes | None
    traceparent: bytes | None


def read_head(scope: Mapping[str, Any]) -> RequestHead:
    """The head of an ASGI request; of a repeated header the last one counts."""
    found = {name: value for name, value in scope["headers"] if name in _WANTED}
    get = found.get
    return RequestHead(
        get(b"x-api-key", b""),
        get(b"content-type"),
        get(b"content-encoding"),
        get(b"content-length"),
        get(b"idempotency-key"),
        get(b"traceparent"),
    )


def check_media_type(head: RequestHead) -> None:
    """Raises Refusal (415) unless the body is plain JSON in UTF-8. No type counts as JSON."""
    stated = head.content_type
    if stated is not None and stated != b"application/json":
        media, _, parameters = stated.decode("latin-1").lower().partition(";")
        charset = parameters.replace(" ", "").replace('"', "")
        if media.strip() != "application/json" or charset not in ("", "charset=utf-8"):
            raise _unsupported("The Content-Type must be application/json.")
    if head.content_encoding is not None and head.content_encoding.lower() != b"identity":
        raise _unsupported("The body must not be compressed.")


def _unsupported(detail: str) -> Refusal:
    unsupported = error(415, ErrorType.INVALID_USER_INPUT, "Unsupported media type", detail)
    return Refusal("media_type", [unsupported], close=True)


class Intake:
    """What may be read: at most `max_body` bytes a request, `max_in_flight` of all together.

    Who has read a body gives its bytes back with `release`, once it is done with it.
    """

    def __init__(self, *, max_body: int, max_in_flight: int) -> None:
        self._max_body = max_body
        self._max_in_flight = max_in_flight
        self._held = 0
        # Read when scraped: a gauge set twice a request would cost more than reading the body.
        metric.BYTES_IN_FLIGHT.set_function(lambda: self._held)

    async def read(self, receive: Receive, head: RequestHead) -> bytes:
        """The whole body. Raises Refusal (413, 503) or ClientGone."""
        if head.content_length is not None:
            self._check_declared(head.content_length)
        message = await receive()
        body: bytes = message.get("body", b"")
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._hold(len(body), len(body))
            return body
        return await self._read_rest(receive, message)

    def release(self, count: int) -> None:
        """The bytes are no longer held."""
        self._held -= count

    async def _read_rest(self, receive: Receive, message: MutableMapping[str, Any]) -> bytes:
        chunks: list[bytes] = []
        total = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise ClientGone
                chunk = message.get("body", b"")
                self._hold(len(chunk), total + len(chunk))
                total += len(chunk)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
                message = await receive()
        except BaseException:
            self.release(total)
            raise

    def _hold(self, count: int, total: int) -> None:
        if total > self._max_body:
            raise self._over()
        if self._held + count > self._max_in_flight:
            metric.UNAVAILABLE.labels("memory").inc()
            raise unavailable("Too many requests are being read.", retry_after=1, close=True)
        self._held += count
        metric.BODY_BYTES.inc(count)

    def _check_declared(self, declared: bytes) -> None:
        if not declared.isdigit():
            raise Refusal("invalid", [invalid("The Content-Length is not a number.")], close=True)
        # A number of more digits than any limit needs no reading.
        if len(declared) > 18 or int(declared) > self._max_body:
            raise self._over()

    def _over(self) -> Refusal:
        detail = f"The body is larger than {self._max_body} bytes."
        return Refusal("size", [too_large(detail)], close=True)
