"""Submissions and evaluations, as ingest and rules-engine say them and the projector keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from coop_contracts.event import (
    ActionDelivered,
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    RequestedExecution,
    RulesEvaluated,
    SignalValue,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_review_api.configuration.table import orgs
from coop_review_api.explanation import record
from coop_review_api.explanation.evaluation import evaluate, lane_program
from coop_review_api.explanation.material import material_of, rules_at
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

_AUTHOR = ItemRef(id="author", type_id="user")


class Evaluated:
    """An organisation with rules, and the part of the system before the projector."""

    def __init__(self, admin: Any, context: Any, org_id: str, kit: Any) -> None:
        self.admin = admin
        self.context = context
        self.org_id = org_id
        self.kit = kit
        self.projection = Projection(
            context.engine,
            Partitions(context.engine),
            clock=context.clock,
            retention=timedelta(days=30),
        )

    async def submit(
        self,
        type_id: str,
        data: Any,
        *,
        item_id: str | None = None,
        creator: ItemRef = _AUTHOR,
    ) -> str:
        """Submit an item: evaluated and recorded as the engine does; the submission id."""
        submission_id, now = new_id(), self.context.clock()
        item = SubmittedItem(
            id=item_id or new_id(),
            type_id=type_id,
            type_version="v",
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=creator,
        )
        submitted = ItemSubmitted(
            event_id=new_id(),
            org_id=self.org_id,
            time=now,
            correlation_id=submission_id,
            submission_id=submission_id,
            item=item,
            request_id="r",
            config_revision=1,
        )
        await self._take(self.projection.submitted, submitted)
        return submission_id

    async def evaluate(
        self,
        submission_id: str,
        *,
        lane: Any = "FAST",
        values: tuple[SignalValue, ...] = (),
        sampled: bool = False,
        executions: tuple[RequestedExecution, ...] = (),
        **more: Any,
    ) -> RulesEvaluated:
        async with transaction(self.context.engine) as connection:
            found = await record.submission(connection, self.org_id, submission_id)
            revision = await connection.scalar(
                select(orgs.c.head_revision).where(orgs.c.org_id == self.org_id)
            )
            assert found is not None
            assert revision is not None
            type_id = found.item.type_id
            rules = await rules_at(connection, self.org_id, revision, type_id)
            material = await material_of(connection, self.org_id, revision, type_id, rules)
        program = lane_program(material, lane, self.context.signals)
        assert program is not None
        result = evaluate(program, found.item, at=found.time, values=values, trace=sampled)
        event = RulesEvaluated(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.context.clock(),
            correlation_id=submission_id,
            submission_id=submission_id,
            item=ItemRef(found.item.id, type_id),
            config_revision=revision,
            rules=result.rules,
            conditions=result.conditions,
            executions=executions,
            lane=lane,
            signals=values,
            sampled=sampled,
            submitted_at=found.time,
            **more,
        )
        await self._take(self.projection.evaluated, event)
        return event

    async def deliver(self, execution_id: str, **more: Any) -> None:
        event = ActionDelivered(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.context.clock(),
            correlation_id="c",
            execution_id=execution_id,
            action_id="a",
            item=ItemRef("i", "t"),
            **more,
        )
        await self._take(self.projection.delivered, event)

    async def request(self, event: ActionRequested) -> None:
        """An action was asked for."""
        await self._take(self.projection.requested, event)

    async def _take(self, handler: Any, event: Any) -> None:
        await handler([Received(event, b"", event.topic, 0, 0, {}, -1)])
