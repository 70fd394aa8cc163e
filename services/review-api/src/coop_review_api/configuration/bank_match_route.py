"""The routes that say which entries of a bank would be found.

    POST /v1/text-banks/{id}/match        {text, matching?}
    POST /v1/location-banks/{id}/match    {geohash} or {point}

Guarantees: the text, and how many are tried at once, are bounded; nothing is changed.
Must not: find anything; `bank_match` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator

from coop_contracts.config import LocationBank, Point, TextBank
from coop_review_api.configuration.bank_document import PointFields
from coop_review_api.configuration.bank_match import NAMED, locations_around, strings_in
from coop_review_api.configuration.document_resource import (
    LOCATION_BANK_RESOURCE,
    TEXT_BANK_RESOURCE,
)
from coop_review_api.configuration.resource import Resource
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.route import add_route
from coop_review_api.http.upload import Uploads
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_rules.matching.geo import decode
from coop_rules.signal.signal import Matching
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["banks"])


class TextMatchBody(Body):
    """A text. A bank of strings is looked for as signals do: anywhere (CONTAINS), as whole words
    (WORD), or as people disguise them (VARIANT); one of patterns always as such."""

    text: Annotated[str, Field(max_length=20_000)]
    matching: Literal["CONTAINS", "WORD", "VARIANT"] | None = None


class TextMatchView(Model):
    """`entries`: the first 100 of the bank, in its order, that are in the text; `more`: there are
    others."""

    matched: bool
    entries: list[str]
    more: bool


class LocationMatchBody(Body):
    """One of: a geohash, of which the centre is meant, or a point."""

    geohash: Annotated[str, Field(pattern=r"^[0-9a-zA-Z]{1,24}$")] | None = None
    point: PointFields | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.geohash is None) == (self.point is None):
            raise ValueError("either geohash or point")
        return self


class MatchedLocationView(Model):
    id: str
    name: str


class LocationMatchView(Model):
    """`entries`: the first 100 of the bank, in its order, that hold the point; `more`: there are
    others. `unknown`: places whose area is not known yet, so that they may hold it."""

    matched: bool
    entries: list[MatchedLocationView]
    more: bool
    unknown: int


async def _match_text(request: Request, bank: TextBank, body: TextMatchBody) -> TextMatchView:
    if bank.type == "REGEX" and body.matching is not None:
        raise Invalid([Fault("/matching", "a bank of patterns is looked for as patterns")])
    matching = Matching.REGEX if bank.type == "REGEX" else Matching(body.matching or "CONTAINS")
    async with part_of(request, Uploads).room():
        found = await asyncio.to_thread(
            strings_in, bank.strings, body.text, matching, most=NAMED + 1
        )
    return TextMatchView(matched=bool(found), entries=found[:NAMED], more=len(found) > NAMED)


async def _match_place(
    request: Request, bank: LocationBank, body: LocationMatchBody
) -> LocationMatchView:
    point = _point(body)
    async with part_of(request, Uploads).room():
        found, unknown = await asyncio.to_thread(
            locations_around, bank.locations, point, most=NAMED + 1
        )
    return LocationMatchView(
        matched=bool(found),
        entries=[MatchedLocationView(id=one.id, name=one.name) for one in found[:NAMED]],
        more=len(found) > NAMED,
        unknown=unknown,
    )


def _point(body: LocationMatchBody) -> Point:
    """Raises `Invalid`."""
    if body.geohash is not None:
        try:
            return decode(body.geohash)
        except ValueError as error:
            raise Invalid([Fault("/geohash", str(error))]) from None
    assert body.point is not None  # one of them
    faults = [
        Fault(f"/point/{name}", f"from -{most} to {most} degrees")
        for name, value, most in (("lat", body.point.lat, 90), ("lng", body.point.lng, 180))
        if not -most <= value <= most
    ]
    if faults:
        raise Invalid(faults)
    return Point(lat=body.point.lat, lng=body.point.lng)


def _add_match(
    resource: Resource[Any], body_of: JsonBody[Any], view: type[Model], match: Callable[..., Any]
) -> None:
    reader, sent = Depends(resource.read), Depends(body_of)

    async def match_entries(
        request: Request, document_id: str, principal: Principal = reader, body: Any = sent
    ) -> Any:
        documents = resource.documents
        async with transaction(context_of(request).engine) as connection:
            entry = await documents.read(connection, principal, document_id)
            entry = await documents.whole(connection, principal.org_id, entry)
        return await match(request, entry.document, body)

    add_route(
        router,
        f"/{resource.path}/{{document_id}}/match",
        match_entries,
        "POST",
        f"match{resource.noun}",
        view,
        openapi_extra=body_of.openapi(),
    )


_add_match(TEXT_BANK_RESOURCE, JsonBody(TextMatchBody), TextMatchView, _match_text)
_add_match(LOCATION_BANK_RESOURCE, JsonBody(LocationMatchBody), LocationMatchView, _match_place)
