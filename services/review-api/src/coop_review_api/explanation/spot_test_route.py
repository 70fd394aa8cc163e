"""Spot test: one rule, saved or not, on one item, without any effect."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from fastapi import APIRouter, Depends, Request
from msgspec import Raw
from pydantic import Field, JsonValue, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType, Kind, Rule
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef, SignalValue, SubmittedItem
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission
from coop_items import compile_item_type
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.configuration.check import DocumentChecks, Examined, kinds_to_check
from coop_review_api.configuration.document_model import Id, RuleBody
from coop_review_api.configuration.log import read
from coop_review_api.explanation.desk import Explanations
from coop_review_api.explanation.material import material_of
from coop_review_api.explanation.spot_test import GivenValue, Trial, try_rule
from coop_review_api.explanation.view import (
    ConditionNodeView,
    ConditionProblemView,
    SignalValueView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import Context, context_of
from coop_review_api.kernel.error import Fault, Forbidden, Invalid, NotFound
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
    (with `fetchSignals`) what the providers say now; the others are unavailable.
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
    """What the rule says of the item. `passed` null: it could not be decided."""

    passed: bool | None
    outcome: Literal["PASSED", "FAILED", "ERRORED"]
    conditions: ConditionNodeView | None
    problems: list[ConditionProblemView]
    values: list[SignalValueView]


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
    }
    return SpotTestView.model_validate_json(msgspec.json.encode(fields))


async def _trial(context: Context, principal: Principal, body: SpotTestBody) -> Trial:
    item, at = None, context.clock()
    recorded: tuple[SignalValue, ...] = ()
    if body.submission_id is not None:
        item, at, recorded = await recorded_of(context, principal, body.submission_id)
    async with transaction(context.engine) as connection:
        catalogue = await load_catalogue(connection, principal.org_id, kinds_to_check(Kind.RULE))
        rule = await _rule(connection, context, principal, body, catalogue)
        if item is None:
            assert body.item is not None  # there is an item or a submission
            item = item_of(body.item, catalogue)
        _check_type(item, rule)
        material = await material_of(
            connection,
            principal.org_id,
            catalogue.revision,
            item.type_id,
            {rule.id: (rule, 0)},
        )
        if body.fetch_signals:
            await context.part(Signals).learn(connection, principal.org_id)
    if material.item_type is None:
        raise Invalid([Fault("/item/typeId", "no such item type")])
    return Trial(
        rule=rule,
        material=material,
        item=item,
        at=at,
        given=[GivenValue(**given.model_dump()) for given in body.values],
        recorded=recorded,
        fetch=body.fetch_signals,
    )


async def _rule(
    connection: AsyncConnection,
    context: Context,
    principal: Principal,
    body: SpotTestBody,
    catalogue: Catalogue,
) -> Rule:
    if body.rule is None:
        entry = await read(connection, principal.org_id, Kind.RULE, Rule, body.rule_id or "")
        if entry is None:
            raise NotFound(f"no rule {body.rule_id}")
        return entry.document
    fields = body.rule.model_dump(by_alias=True, mode="json")
    rule = msgspec.convert({**fields, "id": new_id()}, Rule)
    examined = Examined(document=rule, previous=None, catalogue=catalogue, signals=context.signals)
    faults = DocumentChecks().faults(Kind.RULE, examined)
    if faults:
        raise Invalid([Fault("/rule" + fault.pointer, fault.reason) for fault in faults])
    return rule


async def recorded_of(
    context: Context, principal: Principal, submission_id: str
) -> tuple[SubmittedItem, datetime, tuple[SignalValue, ...]]:
    """A recorded submission: the item, its time, the values it was evaluated with.

    Raises Forbidden, NotFound.
    """
    if not {Permission.VIEW_INVESTIGATION, Permission.VIEW_INSIGHTS} & principal.permissions:
        raise Forbidden(f"needs {Permission.VIEW_INVESTIGATION}")
    looked = await context.part(Explanations).read(principal, submission_id)
    if looked.submission is None:
        raise NotFound("the data of that submission is no longer kept")
    recorded = tuple(value for event in looked.events for value in event.signals)
    return looked.submission.item, looked.submission.time, recorded


def item_of(sent: ItemFields, catalogue: Catalogue) -> SubmittedItem:
    """The item as ingest would make it of what was sent; `catalogue` has all item types.

    Raises Invalid, at `/item`.
    """
    types = catalogue.all(Kind.ITEM_TYPE, ItemType)
    item_type = types.get(sent.type_id)
    if item_type is None:
        raise Invalid([Fault("/item/typeId", "no such item type")])
    checks = compile_item_type(item_type, is_known_type=types.__contains__)
    checked = checks.check(sent.data, "/item/data", "partial")
    if checked.errors:
        raise Invalid(
            [Fault(error.pointer or "/item/data", error.detail or "") for error in checked.errors]
        )
    creator = checked.creator
    if creator is None and sent.creator is not None:
        creator = ItemRef(id=sent.creator.id, type_id=sent.creator.type_id)
    return SubmittedItem(
        id=sent.id,
        type_id=sent.type_id,
        type_version=item_type.version,
        data=Raw(msgspec.json.encode(checked.data)),
        schema_variant="partial",
        creator=creator,
    )


def _check_type(item: SubmittedItem, rule: Rule) -> None:
    if item.type_id not in rule.item_type_ids:
        place = pointer("item", "typeId")
        raise Invalid([Fault(place, "the rule does not apply to items of this type")])
