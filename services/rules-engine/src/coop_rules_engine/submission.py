"""One unit of evaluation, whichever lane and event it comes from.

Must not: change on its way: what two lanes say of one submission must be about the same thing.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from coop_contracts.event import EvaluationDeferred, ItemRef, ItemSubmitted, SubmittedItem
from coop_contracts.ids import item_key
from coop_rules.program.state import Facts
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison
from coop_runtime.process.telemetry import TRACEPARENT


class Submission(Struct, frozen=True, kw_only=True, gc=False):
    """`time` is the submission's, `key` the item's; `cause` the event that this one came by;
    `reply_to` where a request waits for what the rules say."""

    org_id: str
    submission_id: str
    item: SubmittedItem
    time: datetime
    correlation_id: str
    cause: str
    key: str
    traceparent: str
    awaits_media: bool = False
    reply_to: str | None = None

    @classmethod
    def of(cls, received: Received[ItemSubmitted] | Received[EvaluationDeferred]) -> Submission:
        """The submission that an event is about."""
        parent = received.headers.get(TRACEPARENT, b"").decode("ascii", "replace")
        return cls.of_event(received.event, traceparent=parent)

    @classmethod
    def of_event(
        cls, event: ItemSubmitted | EvaluationDeferred, *, traceparent: str = ""
    ) -> Submission:
        """The submission that an event is about, whose trace is `traceparent`."""
        time = event.time
        if isinstance(event, EvaluationDeferred) and event.submitted_at is not None:
            time = event.submitted_at
        return cls(
            org_id=event.org_id,
            submission_id=event.submission_id,
            item=event.item,
            time=time,
            correlation_id=event.correlation_id,
            cause=event.event_id,
            key=item_key(event.org_id, event.item.type_id, event.item.id),
            traceparent=traceparent,
            awaits_media=event.awaits_media,
            reply_to=event.reply_to,
        )

    @property
    def ref(self) -> ItemRef:
        return ItemRef(self.item.id, self.item.type_id)

    @property
    def milliseconds(self) -> int:
        """Its time in Unix milliseconds."""
        return int(self.time.timestamp() * 1000)

    def facts(self) -> Facts:
        """What is given of the item. Raises Poison when its data is not a JSON object."""
        try:
            return Facts.read(
                self.item.data, at=self.time, creator=self.item.creator, item=self.ref
            )
        except (msgspec.DecodeError, RecursionError) as error:
            raise Poison(f"the item's data is not a JSON object: {error}") from error
