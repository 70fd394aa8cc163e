"""Reading a request: its head at once, its body within limits, unpacked.

Guarantees: a body over the limit is not read to its end, whether its length was declared or not,
nor unpacked to its end: the limits hold for what comes out of it too; the bytes of all requests
together are bounded; a body cut off raises, so that none of it is used.
Must not: parse the body. (How long a body may take to arrive is the server's limit.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

from coop_contracts.error import ErrorType
from coop_ingest import metric
from coop_ingest.in_flight import BytesInFlight
from coop_ingest.packing import DamagedBody, unpack
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

_PACKED = frozenset({b"gzip", b"x-gzip", b"deflate"})
_PACKINGS = _PACKED | {b"identity", b""}


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
    """Raises Refusal (415) unless the body is JSON in UTF-8, as it is or packed in a way that can
    be read. No type counts as JSON."""
    stated = head.content_type
    if stated is not None and stated != b"application/json":
        media, _, parameters = stated.decode("latin-1").lower().partition(";")
        charset = parameters.replace(" ", "").replace('"', "")
        if media.strip() != "application/json" or charset not in ("", "charset=utf-8"):
            raise _unsupported("The Content-Type must be application/json.")
    if head.content_encoding is not None and _packing(head) not in _PACKINGS:
        raise _unsupported("The Content-Encoding must be gzip or deflate, once, or none.")


def _packing(head: RequestHead) -> bytes:
    """The Content-Encoding, as it is compared."""
    return (head.content_encoding or b"identity").strip().lower()


def _unsupported(detail: str) -> Refusal:
    unsupported = error(415, ErrorType.INVALID_USER_INPUT, "Unsupported media type", detail)
    return Refusal("media_type", [unsupported], close=True)


class Intake:
    """What may be read: at most `max_body` bytes a request, of all together what `in_flight` lets.

    Who has read a body gives its bytes back with `release`, once it is done with it.
    """

    def __init__(self, *, max_body: int, in_flight: BytesInFlight) -> None:
        self._max_body = max_body
        self._in_flight = in_flight
        # Read when scraped: a gauge set twice a request would cost more than reading the body.
        metric.BYTES_IN_FLIGHT.set_function(lambda: in_flight.total)

    async def read(self, receive: Receive, head: RequestHead, org_id: str) -> bytes:
        """The whole body, unpacked. Raises Refusal (400, 408, 413, 503) or ClientGone."""
        body = await self._read(receive, head, org_id)
        if head.content_encoding is None:
            return body
        packing = _packing(head)
        return self._unpacked(body, packing, org_id) if packing in _PACKED else body

    async def _read(self, receive: Receive, head: RequestHead, org_id: str) -> bytes:
        if head.content_length is not None:
            self._check_declared(head.content_length)
        message = await receive()
        body: bytes = message.get("body", b"")
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._check_size(len(body))
            if not self._in_flight.hold(org_id, len(body)):
                raise self._full()
            metric.BODY_BYTES.inc(len(body))
            return body
        try:
            # Its end is set when it is cut off; until then the server's own limits hold.
            async with asyncio.timeout(None) as cut:
                return await self._read_rest(receive, message, org_id, cut)
        except TimeoutError:
            raise self._cut_off() from None

    def _unpacked(self, packed: bytes, packing: bytes, org_id: str) -> bytes:
        """What comes out of the body. It is held in its place, and counted as it comes."""
        parts: list[bytes] = []
        total = 0
        try:
            for part in unpack(packed, packing):
                self._check_size(total + len(part))
                if not self._in_flight.hold(org_id, len(part)):
                    raise self._full()
                metric.BODY_BYTES.inc(len(part))
                total += len(part)
                parts.append(part)
        except BaseException as failure:
            self.release(org_id, total)
            if isinstance(failure, DamagedBody):
                raise Refusal("invalid", [invalid(str(failure))]) from None
            raise
        finally:
            self.release(org_id, len(packed))
        return b"".join(parts)

    def release(self, org_id: str, count: int) -> None:
        """The bytes are no longer held."""
        self._in_flight.release(org_id, count)

    async def _read_rest(
        self,
        receive: Receive,
        message: MutableMapping[str, Any],
        org_id: str,
        cut: asyncio.Timeout,
    ) -> bytes:
        chunks: list[bytes] = []
        now = asyncio.get_running_loop().time
        arrival = self._in_flight.begin(org_id, lambda: cut.reschedule(now()))
        try:
            while True:
                if message["type"] != "http.request":
                    raise ClientGone
                chunk = message.get("body", b"")
                self._check_size(arrival.held + len(chunk))
                if not self._in_flight.hold_more(arrival, len(chunk)):
                    raise self._cut_off() if arrival.lost else self._full()
                metric.BODY_BYTES.inc(len(chunk))
                chunks.append(chunk)
                if not message.get("more_body", False):
                    self._in_flight.arrived(arrival)
                    return b"".join(chunks)
                message = await receive()
        except BaseException:
            self._in_flight.drop(arrival)
            raise

    def _check_size(self, total: int) -> None:
        if total > self._max_body:
            raise self._over()

    def _full(self) -> Refusal:
        metric.UNAVAILABLE.labels("memory").inc()
        return unavailable("Too many requests are being read.", retry_after=1, close=True)

    def _cut_off(self) -> Refusal:
        late = error(
            408,
            ErrorType.INVALID_USER_INPUT,
            "The body arrived too slowly",
            "Other requests needed the room.",
        )
        return Refusal("slow", [late], close=True)

    def _check_declared(self, declared: bytes) -> None:
        if not declared.isdigit():
            raise Refusal("invalid", [invalid("The Content-Length is not a number.")], close=True)
        # A number of more digits than any limit needs no reading.
        if len(declared) > 18 or int(declared) > self._max_body:
            raise self._over()

    def _over(self) -> Refusal:
        detail = f"The body is larger than {self._max_body} bytes."
        return Refusal("size", [too_large(detail)], close=True)
