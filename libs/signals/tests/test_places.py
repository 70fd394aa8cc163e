"""Where a place of Google Maps is, as the Places API says it; nothing is made up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from coop_contracts.config import Bounds, Point
from coop_runtime.egress.guard import EgressGuard
from coop_signals.error import (
    AccountRefused,
    InputRefused,
    NotConfigured,
    RateLimited,
    SignalError,
    Unavailable,
)
from coop_signals.places import INTEGRATION, PlaceArea, Places
from coop_signals.settings import SignalSettings

from .signals_server import Behave, Internet, body, flood, reset, status
from .signals_world import ORG, OTHER, SECRET, World

PATH = "/v1/places/ChIJ_x-1"
PARIS: dict[str, Any] = {
    "id": "ChIJ_x-1",
    "displayName": {"text": "Paris", "languageCode": "en"},
    "formattedAddress": "Paris, France",
    "location": {"latitude": 48.8, "longitude": 2.3},
    "viewport": {
        "low": {"latitude": 48.5, "longitude": 2.0},
        "high": {"latitude": 49.0, "longitude": 2.5},
    },
}


@pytest.fixture
async def places(world: World, internet: Internet) -> AsyncIterator[Places]:
    world.set_up(ORG, INTEGRATION, {"apiKey": SECRET})
    told: dict[str, Any] = {"internal_port": 0, "signal_google_places_url": internet.url}
    guard = EgressGuard(("127.0.0.0/8",))
    made = Places.of(SignalSettings(**told), world.table, world.vault, guard=guard)
    yield made
    await made.aclose()


async def test_a_place(places: Places, internet: Internet) -> None:
    """The name, the middle and the rectangle are the provider's; the key is in no address."""
    internet.behave["/v1/places/"] = body(PARIS)
    assert await places.find(ORG, "ChIJ_x-1") == PlaceArea(
        name="Paris",
        center=Point(lat=48.8, lng=2.3),
        bounds=Bounds(
            southwest_corner=Point(lat=48.5, lng=2.0), northeast_corner=Point(lat=49.0, lng=2.5)
        ),
    )
    (hit,) = internet.hits
    assert (hit.method, hit.target) == ("GET", PATH)
    assert hit.headers["x-goog-api-key"] == SECRET
    assert "viewport" in hit.headers["x-goog-fieldmask"]


async def test_over_the_antimeridian_and_at_null(places: Places, internet: Internet) -> None:
    """A rectangle over the antimeridian stays one; a coordinate of 0 is left out in the answer."""
    viewport = {"low": {"longitude": 170.0, "latitude": -10.0}, "high": {"longitude": -170.0}}
    internet.behave["/v1/places/"] = body(
        {"formattedAddress": "Sea", "location": {"longitude": 180.0}, "viewport": viewport}
    )
    found = await places.find(ORG, "x")
    assert (found.name, found.center) == ("Sea", Point(lat=0.0, lng=180.0))
    assert found.bounds.northeast_corner == Point(lat=0.0, lng=-170.0)


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (body({**PARIS, "viewport": None}), Unavailable),
        (body({"displayName": {"text": "Paris"}}), Unavailable),
        (body({**PARIS, "location": {"latitude": 99.0}}), Unavailable),
        (body({**PARIS, "viewport": {}}), Unavailable),
        (body(b"\xff\xfe no JSON"), Unavailable),
        (body([1]), Unavailable),
        (status(404), InputRefused),
        (status(400), InputRefused),
        (status(403), AccountRefused),
        (status(429), RateLimited),
        (status(500), Unavailable),
        (status(302, location="http://127.0.0.1/"), Unavailable),
        (reset, Unavailable),
        (flood, Unavailable),
    ],
)
async def test_nothing_is_made_up(
    places: Places, internet: Internet, behave: Behave, kind: type[SignalError]
) -> None:
    """Whatever else is answered is an error of its kind, without the key and what was said."""
    internet.behave["/v1/places/"] = behave
    with pytest.raises(kind) as raised:
        await places.find(ORG, "ChIJ_x-1")
    assert SECRET not in str(raised.value)


async def test_accounts(places: Places, internet: Internet) -> None:
    """Each organisation needs an account of its own."""
    with pytest.raises(NotConfigured, match="GOOGLE_PLACES is not set up"):
        await places.find(OTHER, "x")
    assert internet.hits == []
