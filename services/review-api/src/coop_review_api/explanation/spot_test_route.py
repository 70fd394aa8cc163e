"""Spot test: one rule, saved or not, on one item, without any effect."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import Field, JsonValue, model_validator

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef, SignalValue, SubmittedItem
from coop_contracts.permission import Permission
from coop_review_api.configuration import warning
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.configuration.check import kinds_to_check
from coop_review_api.configuration.document_model import Id, RuleBody, WarningView
from coop_review_api.configuration.resource import fields_of
from coop_review_api.explanation.desk import Explanations
from coop_review_api.explanation.material import material_of
from coop_review_api.explanation.spot_test import (
    GivenValue,
    Trial,
    check_type,
    tried_rule,
    try_rule,
)
from coop_review_api.explanation.trial_item import recorded_item, sent_item
from coop_review_api.explanation.view import (
    ConditionNodeView,
    ConditionProblemView,
    SignalValueView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.signal.signals import Signals
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["rules"])

_tests = requires(
    Permission.MUTATE_NON_LIVE_RULES, Permission.MUTATE_LIVE_RULES, Permission.RUN_BACKTEST
)
Tester = Annotated[Principal, Depends(_tests)]


class CreatorFields(Body):
    id: Id
    type_id: Id


class ItemFields(Body):
    """An item of the platform; no field is required. `creator` is taken from the data where the
    item type has that role."""

    type_id: Id
    data: dict[str, JsonValue]
    id: Annotated[str, Field(min_length=1, max_length=512)] = "spot-test"
    creator: CreatorFields | None = None


class GivenValueFields(Body):
    """What a signal shall say: a score, or (with `error`) that it cannot be had."""

    signal: Id
    subcategory: Annotated[str, Field(max_length=1000)] | None = None
    score: bool | float | Annotated[str, Field(max_length=1000)] | None = None
    error: Annotated[str, Field(max_length=1000)] | None = None


class SpotTestBody(Body):
    """A saved rule by its id, or a rule's document; an item, or a recorded submission by its id.

    Values of external signals are those in `values`, then those recorded with the submission, then
    users' strikes as they are now and (with `fetchSignals`) what the providers say now; the others
    are unavailable.
    """

    rule_id: Id | None = None
    rule: RuleBody | None = None
    item: ItemFields | None = None
    submission_id: Id | None = None
    values: Annotated[list[GivenValueFields], Field(max_length=100)] = Field(default_factory=list)
    fetch_signals: bool = False

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.rule_id is None) == (self.rule is None):
            raise ValueError("either ruleId or rule")
        if (self.item is None) == (self.submission_id is None):
            raise ValueError("either item or submissionId")
        return self


class SpotTestView(Model):
    """What the rule says of the item. `passed` null: it could not be decided. `warnings` are of the
    rule, as when it is saved."""

    passed: bool | None
    outcome: Literal["PASSED", "FAILED", "ERRORED"]
    conditions: ConditionNodeView | None
    problems: list[ConditionProblemView]
    values: list[SignalValueView]
    warnings: list[WarningView]


_body = JsonBody(SpotTestBody)


@router.post(
    "/rules/spot-test",
    operation_id="spotTestRule",
    response_model=SpotTestView,
    openapi_extra=_body.openapi(),
)
async def spot_test_rule(
    request: Request, principal: Tester, body: Annotated[SpotTestBody, Depends(_body)]
) -> SpotTestView:
    """Evaluate a rule on an item, without any effect."""
    context = context_of(request)
    trial = await _trial(context, principal, body)
    verdict = await try_rule(trial, context.part(Signals))
    outcome = {True: "PASSED", False: "FAILED", None: "ERRORED"}[verdict.passed]
    fields: dict[str, Any] = {
        "passed": verdict.passed,
        "outcome": outcome,
        "conditions": verdict.conditions,
        "problems": verdict.problems,
        "values": verdict.values,
        "warnings": [fault._asdict() for fault in trial.warnings],
    }
    return SpotTestView.model_validate_json(msgspec.json.encode(fields))


async def _trial(context: Context, principal: Principal, body: SpotTestBody) -> Trial:
    item, at = None, context.clock()
    recorded: tuple[SignalValue, ...] = ()
    if body.submission_id is not None:
        explanations = context.part(Explanations)
        item, at, recorded = await recorded_item(explanations, principal, body.submission_id)
    async with transaction(context.engine) as connection:
        catalogue = await load_catalogue(connection, principal.org_id, kinds_to_check(Kind.RULE))
        rule = await tried_rule(
            connection,
            principal.org_id,
            rule_id=body.rule_id,
            rule=None if body.rule is None else fields_of(body.rule),
            catalogue=catalogue,
            signals=context.signals,
        )
        if item is None:
            assert body.item is not None  # there is an item or a submission
            item = item_of(body.item, catalogue)
        check_type(item, rule)
        material = await material_of(
            connection,
            principal.org_id,
            catalogue.revision,
            item.type_id,
            {rule.id: (rule, 0)},
        )
        warnings = [
            *warning.expiry(rule, context.clock()),
            *await warning.conditions(connection, principal.org_id, rule, context.signals),
        ]
        if body.fetch_signals:
            await context.part(Signals).learn(connection, principal.org_id)
    return Trial(
        rule=rule,
        material=material,
        item=item,
        at=at,
        given=[GivenValue(**given.model_dump()) for given in body.values],
        recorded=recorded,
        fetch=body.fetch_signals,
        warnings=warnings,
    )


def item_of(sent: ItemFields, catalogue: Catalogue) -> SubmittedItem:
    """The item that was sent. Raises `Invalid`, at `/item`."""
    creator = None
    if sent.creator is not None:
        creator = ItemRef(id=sent.creator.id, type_id=sent.creator.type_id)
    item = ItemRef(id=sent.id, type_id=sent.type_id)
    return sent_item(item, sent.data, creator=creator, catalogue=catalogue)
