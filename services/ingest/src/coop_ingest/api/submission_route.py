"""A route whose body becomes one event: what all of them have in common.

    admitted, read (gate) ─▶ `allowed` ─▶ body ─▶ `event` ─▶ published, acknowledged ─▶ `answer`

Guarantees: the answer is a success only after the broker has acknowledged the event; under an
Idempotency-Key the same request has the same ids.
Must not: know what is in a body; `event` of each route does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from coop_contracts.config import ApiScope
from coop_contracts.event import ActionOrdered, AppealSubmitted, ReportSubmitted
from coop_contracts.ids import item_key
from coop_ingest import metric
from coop_ingest.answer import Answer
from coop_ingest.api.related import RelatedReader
from coop_ingest.gate import AdmittedRequest, RequestGate
from coop_ingest.idempotency import SubmissionIds
from coop_ingest.json_reading import BodyReader, UnreadableJson
from coop_ingest.publisher import Publisher
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.asgi import Receive

B = TypeVar("B", bound=Struct)
E = TypeVar("E", bound=ReportSubmitted | AppealSubmitted | ActionOrdered)


class SubmissionRoute(ABC, Generic[B, E]):
    """Wired once. A subclass names its `body`, the scope that it `needs`, the `status` of success
    and its `kind` in metrics. `related` makes the reader of one request's parts."""

    body: ClassVar[type[Struct]]
    needs: ClassVar[ApiScope]
    status: ClassVar[int]
    kind: ClassVar[str]

    def __init__(
        self,
        *,
        gate: RequestGate,
        table: ConfigTable,
        related: Callable[[str, SubmissionIds], RelatedReader],
        publisher: Publisher,
        now: Callable[[], datetime],
    ) -> None:
        self._gate = gate
        self._table = table
        self._related = related
        self._publisher = publisher
        self._now = now
        self._bodies: BodyReader[B] = BodyReader(self.body)  # type: ignore[arg-type]
        self._accepted = metric.ACCEPTED.labels(self.kind)

    async def handle(self, scope: Mapping[str, Any], receive: Receive, request_id: str) -> Answer:
        """Raises Refusal or ClientGone."""
        return await self._gate.post(scope, receive, request_id, self._run, needs=self.needs)

    async def _run(self, request: AdmittedRequest, ids: SubmissionIds) -> Answer:
        self.allowed(request.org_id)
        try:
            body, lost = self._bodies.read(request.body)
        except UnreadableJson as unreadable:
            raise unreadable.refusal() from None
        related = self._related(request.org_id, ids)
        related.notices.lost = lost
        event = self.event(request.org_id, body, related)
        key = item_key(request.org_id, event.item.type_id, event.item.id)
        message = self._publisher.message(event, key, request.traceparent)
        if message is None:
            raise self._publisher.too_large()
        await self._publisher.publish([message])
        self._accepted.inc()
        answer = self.answer(event)
        return answer._replace(headers=(*answer.headers, *related.notices.headers()))

    def allowed(self, org_id: str) -> None:
        """Raises Refusal where the organisation does not take such submissions."""

    @abstractmethod
    def event(self, org_id: str, body: B, related: RelatedReader) -> E:
        """What was submitted, as an event. Raises Refusal with everything that is wrong."""

    def answer(self, event: E) -> Answer:  # noqa: ARG002 - for those who override it
        """The answer once the event is kept."""
        return Answer(self.status)
