"""Trying the routing rules on an item, without effect.

Must not: choose a queue by itself; `coop_rules.queue_choice` does, here and in routing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator

from coop_contracts.config import Kind
from coop_contracts.event import SignalValue, Source
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.document_model import Id
from coop_review_api.explanation.desk import Explanations
from coop_review_api.explanation.routing_trial import (
    RoutingTrial,
    RoutingVerdict,
    TriedRule,
    load,
    try_routing,
)
from coop_review_api.explanation.spot_test import GivenValue
from coop_review_api.explanation.spot_test_route import (
    GivenValueFields,
    ItemFields,
    item_of,
)
from coop_review_api.explanation.trial_item import recorded_item
from coop_review_api.explanation.view import (
    ConditionNodeView,
    ConditionProblemView,
    NamedView,
    SignalValueView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.signal.signals import Signals
from coop_rules.queue_choice import EntryTraits
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["routing-rules"])

_manages = requires(Permission.MANAGE_ROUTING_RULES)
Manager = Annotated[Principal, Depends(_manages)]

_OUTCOMES = {True: "PASSED", False: "FAILED", None: "ERRORED"}


class RoutingTestBody(Body):
    """An item, or a recorded submission by its id, and what it comes with: a report (by default),
    an appeal, a rule's request and so on. `policyIds` are those of the report or appeal, `csam` a
    report's mark (or a job for NCMEC), `queueId` the queue that a sender chose.

    Values of external signals are those in `values`, then those recorded with the submission, then
    (with `fetchSignals`) what the providers say now; the others are unavailable.
    """

    item: ItemFields | None = None
    submission_id: Id | None = None
    source: Source = "REPORT"
    policy_ids: Annotated[list[Id], Field(max_length=100)] = Field(default_factory=list)
    csam: bool = False
    queue_id: Id | None = None
    values: Annotated[list[GivenValueFields], Field(max_length=100)] = Field(default_factory=list)
    fetch_signals: bool = False

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.item is None) == (self.submission_id is None):
            raise ValueError("either item or submissionId")
        return self


class TriedRuleView(Model):
    """A routing rule that was tried. Without `conditions`, `problems` say why."""

    id: str
    name: str
    revision: int
    sequence_number: int
    destination_queue_id: str
    outcome: Literal["PASSED", "FAILED", "ERRORED"]
    conditions: ConditionNodeView | None
    problems: list[ConditionProblemView]


class RoutingTestView(Model):
    """Where it would go, and why. RULE: `rule` was the first to pass. DEFAULT: none passed. SENDER:
    who asked chose the queue. SETTING: where the settings say for child safety. PARKED: the
    organisation has no queue for it (`queue` is null). `rules` are those that were tried, in their
    order: what comes after the first that passes is not."""

    how: Literal["RULE", "DEFAULT", "SENDER", "SETTING", "PARKED"]
    queue: NamedView | None
    rule: NamedView | None
    note: str | None
    config_revision: int
    for_appeals: bool
    rules: list[TriedRuleView]
    values: list[SignalValueView]


_test_body = JsonBody(RoutingTestBody)


@router.post(
    "/routing-rules/test",
    operation_id="testRoutingRules",
    response_model=RoutingTestView,
    openapi_extra=_test_body.openapi(),
)
async def try_routing_rules(
    request: Request, principal: Manager, body: Annotated[RoutingTestBody, Depends(_test_body)]
) -> RoutingTestView:
    """Say where an item would go by the routing rules, and why, without any effect."""
    context = context_of(request)
    trial = await _trial(context, principal, body)
    return _view(trial, await try_routing(trial, context.part(Signals)))


async def _trial(context: Context, principal: Principal, body: RoutingTestBody) -> RoutingTrial:
    item, at = None, context.clock()
    recorded: tuple[SignalValue, ...] = ()
    if body.submission_id is not None:
        explanations = context.part(Explanations)
        item, at, recorded = await recorded_item(explanations, principal, body.submission_id)
    for_appeals = body.source == "APPEAL"
    async with transaction(context.engine) as connection:
        catalogue = await load_catalogue(connection, principal.org_id, [Kind.ITEM_TYPE])
        if item is None:
            assert body.item is not None  # there is an item or a submission
            item = item_of(body.item, catalogue)
        routing, material = await load(
            connection,
            principal.org_id,
            catalogue.revision,
            item.type_id,
            for_appeals=for_appeals,
        )
        if body.fetch_signals:
            await context.part(Signals).learn(connection, principal.org_id)
    return RoutingTrial(
        routing=routing,
        material=material,
        item=item,
        traits=EntryTraits(
            body.source,
            tuple(body.policy_ids),
            for_appeals=for_appeals,
            queue_id=body.queue_id,
            child_safety=body.csam,
        ),
        at=at,
        given=[GivenValue(**given.model_dump()) for given in body.values],
        recorded=recorded,
        fetch=body.fetch_signals,
    )


def _view(trial: RoutingTrial, verdict: RoutingVerdict) -> RoutingTestView:
    choice = verdict.choice
    queue = trial.routing.queues.get(choice.queue_id)
    fields: dict[str, Any] = {
        "how": choice.how,
        "queue": None if queue is None else {"id": queue.id, "name": queue.name},
        "rule": None if choice.rule is None else {"id": choice.rule.id, "name": choice.rule.name},
        "note": choice.note,
        "configRevision": choice.config_revision,
        "forAppeals": trial.traits.for_appeals,
        "rules": [_tried(one) for one in verdict.tried],
        "values": verdict.values,
    }
    return RoutingTestView.model_validate_json(msgspec.json.encode(fields))


def _tried(one: TriedRule) -> dict[str, Any]:
    return {
        "id": one.rule.id,
        "name": one.rule.name,
        "revision": one.rule.revision,
        "sequenceNumber": one.document.sequence_number,
        "destinationQueueId": one.document.destination_queue_id,
        "outcome": _OUTCOMES[one.passed],
        "conditions": one.conditions,
        "problems": one.problems,
    }
