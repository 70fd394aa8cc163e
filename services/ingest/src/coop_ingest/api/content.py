"""`POST /content/`, as older integrations send it: one item, its type by name.

    item ─▶ event, acknowledged ─▶ 202
                     └─ `sync` ─▶ what the rules engine said of it, within the deadline ─▶ 200, 503

Guarantees: the item is an item like any other, evaluated once, by the same rules; with `sync` the
answer is what that evaluation put on the log. Whatever the answer, an acknowledged item is kept;
429 for want of a place to wait is said before anything is.
Must not: evaluate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any, ClassVar

from coop_contracts.config import Action, ApiScope, Kind
from coop_contracts.event import ItemSubmitted
from coop_contracts.ids import item_key, new_id
from coop_ingest import metric
from coop_ingest.answer import Answer, json_answer
from coop_ingest.gate import AdmittedRequest, RequestGate
from coop_ingest.idempotency import SubmissionIds
from coop_ingest.item_reader import ItemReader
from coop_ingest.json_reading import BodyReader, UnreadableJson
from coop_ingest.media_stamp import MediaStamp
from coop_ingest.notice import Notices
from coop_ingest.publisher import Publisher
from coop_ingest.refusal import Refusal, unanswered
from coop_ingest.verdict import Decision, Verdicts, Waiting
from coop_ingest.wire import Content, ContentResult, TriggeredAction
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.message import Message
from coop_runtime.process.asgi import Receive

_ACCEPTED = metric.ACCEPTED.labels("item")
_LATE = metric.SYNC.labels("late")
_PARTLY = metric.SYNC.labels("partly")
_WHOLE = metric.SYNC.labels("whole")


class ContentRoute:
    """Wired once. `timeout`: seconds that a request may wait for its rules."""

    needs: ClassVar = ApiScope.ITEMS_WRITE

    def __init__(
        self,
        *,
        gate: RequestGate,
        table: ConfigTable,
        reader: ItemReader,
        publisher: Publisher,
        verdicts: Verdicts,
        timeout: float,
        now: Callable[[], datetime],
    ) -> None:
        self._gate = gate
        self._table = table
        self._reader = reader
        self._publisher = publisher
        self._verdicts = verdicts
        self._timeout = timeout
        self._now = now
        self._stamp = MediaStamp(table)
        self._bodies = BodyReader(Content)

    async def handle(self, scope: Mapping[str, Any], receive: Receive, request_id: str) -> Answer:
        """Raises Refusal or ClientGone."""
        return await self._gate.post(scope, receive, request_id, self._run, needs=self.needs)

    async def _run(self, request: AdmittedRequest, ids: SubmissionIds) -> Answer:
        self._reader.check_size(request.body)
        try:
            body, lost = self._bodies.read(request.body)
        except UnreadableJson as unreadable:
            raise unreadable.refusal() from None
        notices, submission_id = Notices(lost), ids.at(0)
        message = self._message(request, body, submission_id, notices)
        place = (
            self._verdicts.wait(request.org_id, submission_id)
            if body.sync
            else nullcontext[Waiting | None](None)
        )
        with place as waiting:
            await self._publisher.publish([message])
            _ACCEPTED.inc()
            if waiting is None:
                return Answer(202, b"", notices.headers())
            decision = await self._decision(waiting)
        result = ContentResult(
            actions_triggered=self._named(request.org_id, decision.action_ids),
            derived_fields={},
            undecided=list(decision.undecided),
        )
        return json_answer(200, result, notices.headers())

    def _message(
        self, request: AdmittedRequest, body: Content, submission_id: str, notices: Notices
    ) -> Message:
        org_id = request.org_id
        reading = self._reader.read_content(body, org_id, submission_id=submission_id)
        item = reading.item
        if item is None:
            raise Refusal("invalid", reading.errors)
        notices.unknown_fields.update(dict.fromkeys(reading.unknown_fields))
        notices.doubtful += reading.doubtful
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=org_id,
            time=self._now(),
            correlation_id=submission_id,
            submission_id=submission_id,
            item=item,
            request_id=request.request_id,
            config_revision=self._table.revision(org_id),
            awaits_media=reading.has_media and self._stamp.awaits(org_id),
            reply_to=self._verdicts.address if body.sync else None,
        )
        key = item_key(org_id, item.type_id, item.id)
        message = self._publisher.message(event, key, request.traceparent)
        if message is None:
            raise self._publisher.too_large()
        return message

    async def _decision(self, waiting: Waiting) -> Decision:
        began = time.perf_counter()
        decision = await waiting.decision(self._timeout)
        if decision is None:
            _LATE.inc()
            raise unanswered(self._timeout)
        metric.SYNC_SECONDS.observe(time.perf_counter() - began)
        (_PARTLY if decision.undecided else _WHOLE).inc()
        return decision

    def _named(self, org_id: str, action_ids: tuple[str, ...]) -> list[TriggeredAction]:
        """The actions with their names; one that was deleted since has its id for one."""
        found = []
        for action_id in action_ids:
            action = self._table.get(org_id, Kind.ACTION, action_id)
            name = action.name if isinstance(action, Action) else action_id
            found.append(TriggeredAction(action_id, name))
        return found
