"""`POST /items/async/`: items in, one event each.

Guarantees: all or nothing, unless `?partial=true` asks for the good ones; the events of one request
are published in the order of its items; 202 only after the broker has acknowledged all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from msgspec.structs import replace

from coop_contracts.config import ApiScope
from coop_contracts.error import ApiError
from coop_contracts.event import ItemSubmitted
from coop_contracts.ids import item_key, new_id
from coop_ingest import metric
from coop_ingest.answer import MAX_ERRORS, Answer, json_answer
from coop_ingest.gate import AdmittedRequest, RequestGate
from coop_ingest.idempotency import SubmissionIds
from coop_ingest.item_reader import ItemReader, Reading
from coop_ingest.json_reading import BodyReader, UnreadableJson
from coop_ingest.media_stamp import MediaStamp
from coop_ingest.notice import Notices
from coop_ingest.publisher import Publisher
from coop_ingest.refusal import Refusal, invalid, too_large
from coop_ingest.wire import Items, PartialResult
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.message import Message
from coop_runtime.process.asgi import Receive

_ACCEPTED = metric.ACCEPTED.labels("item")


class ItemsRoute:
    """Wired once. `max_items` is per request."""

    needs: ClassVar = ApiScope.ITEMS_WRITE

    def __init__(
        self,
        *,
        gate: RequestGate,
        table: ConfigTable,
        reader: ItemReader,
        publisher: Publisher,
        max_items: int,
        now: Callable[[], datetime],
    ) -> None:
        self._gate = gate
        self._table = table
        self._reader = reader
        self._publisher = publisher
        self._max_items = max_items
        self._now = now
        self._stamp = MediaStamp(table)
        self._bodies = BodyReader(Items)

    async def handle(self, scope: Mapping[str, Any], receive: Receive, request_id: str) -> Answer:
        """Raises Refusal or ClientGone."""
        return await self._gate.post(scope, receive, request_id, self._run, needs=self.needs)

    async def _run(self, request: AdmittedRequest, ids: SubmissionIds) -> Answer:
        partial = _wants_partial(request.query)
        try:
            body, lost = self._bodies.read(request.body)
        except UnreadableJson as unreadable:
            raise unreadable.refusal() from None
        if len(body.items) > self._max_items:
            detail = f"A request has at most {self._max_items} items."
            raise Refusal("size", [too_large(detail, "/items")])
        notices = Notices(lost)
        messages, accepted, errors, refused = self._read(request, ids, body, notices)
        if errors and not partial:
            raise Refusal("size" if errors[0].status == 413 else "invalid", errors)
        if messages:
            await self._publisher.publish(messages)
            _ACCEPTED.inc(len(messages))
        headers = notices.headers()
        if not partial:
            return Answer(202, b"", headers)
        metric.REFUSED_ITEMS.inc(refused)
        listed = [replace(error, request_id=request.request_id) for error in errors[:MAX_ERRORS]]
        return json_answer(202, PartialResult(accepted, listed), headers)

    def _read(
        self, request: AdmittedRequest, ids: SubmissionIds, body: Items, notices: Notices
    ) -> tuple[list[Message], list[str], list[ApiError], int]:
        """Every item's message, or its errors."""
        org_id = request.org_id
        revision = self._table.revision(org_id)
        now = self._now()
        read = self._reader.read
        messages: list[Message] = []
        accepted: list[str] = []
        errors: list[ApiError] = []
        refused = 0
        for index, raw in enumerate(body.items):
            at = f"/items/{index}"
            submission_id = ids.at(index)
            reading = read(raw, at, org_id, submission_id=submission_id)
            message = self._message(request, reading, submission_id, revision, now)
            if message is not None:
                messages.append(message)
                accepted.append(reading.item.id)  # type: ignore[union-attr]  # it has a message
                if reading.unknown_fields:
                    notices.unknown_fields.update(dict.fromkeys(reading.unknown_fields))
                if reading.doubtful:
                    notices.doubtful += reading.doubtful
                continue
            refused += 1
            errors += reading.errors or self._publisher.too_large(at).errors
        return messages, accepted, errors, refused

    def _message(
        self,
        request: AdmittedRequest,
        reading: Reading,
        submission_id: str,
        revision: int,
        now: datetime,
    ) -> Message | None:
        item = reading.item
        if item is None:
            return None
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=request.org_id,
            time=now,
            correlation_id=submission_id,
            submission_id=submission_id,
            item=item,
            request_id=request.request_id,
            config_revision=revision,
            awaits_media=reading.has_media and self._stamp.awaits(request.org_id),
        )
        key = item_key(request.org_id, item.type_id, item.id)
        return self._publisher.message(event, key, request.traceparent)


def _wants_partial(query: bytes) -> bool:
    if not query:
        return False
    stated = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("partial", ["false"])[-1]
    if stated not in ("true", "false"):
        raise Refusal("invalid", [invalid("The parameter partial must be true or false.")])
    return stated == "true"
