"""Places of Google Maps in location banks: asked for with the account, kept, renewed; what is not
known is said and not made up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from coop_review_api.configuration.table import places
from coop_review_api.process.document_check import document_checks
from coop_review_api.signal.place_keeper import AUTHOR, PlaceKeeper
from coop_review_api.signal.signals import Accounts
from coop_runtime.database.engine import transaction
from coop_runtime.egress.guard import EgressGuard
from coop_signals.places import Places
from coop_signals.settings import SignalSettings

from ..world.clock import Clock

pytestmark = pytest.mark.engines

CSV = {"content-type": "text/csv"}
PARIS = {
    "displayName": {"text": "Paris"},
    "location": {"latitude": 48.86, "longitude": 2.35},
    "viewport": {
        "low": {"latitude": 48.8, "longitude": 2.2},
        "high": {"latitude": 48.9, "longitude": 2.5},
    },
}


class Google:
    """The Places API on this machine: which places it knows, and what it was asked."""

    def __init__(self) -> None:
        self.places: dict[str, Any] = {}
        self.status = 200
        self.asked: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                place_id = head.split(b" ")[1].decode().rpartition("/")[2]
                self.asked.append(place_id)
                known = self.places.get(place_id)
                status = self.status if known is not None else 404
                body = json.dumps(known if status == 200 else {"error": "secret words"}).encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
def later() -> Clock:
    """The keeper's present, apart from that of sessions."""
    return Clock()


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    made = Google()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def keeper(context: Any, google: Google, later: Clock) -> AsyncIterator[PlaceKeeper]:
    told: dict[str, Any] = {"internal_port": 0, "signal_google_places_url": google.url}
    accounts = Accounts()
    guard = EgressGuard(("127.0.0.0/8",))
    asked = Places.of(SignalSettings(**told), accounts, context.vault, guard=guard)
    yield PlaceKeeper(context.engine, asked, accounts, clock=later, checks=document_checks(guard))
    await asked.aclose()


async def set_up(admin: Any) -> None:
    account = {"credential": {"apiKey": "AIza-of-a-test"}}
    answer = await admin.call("PUT", "/v1/integrations/GOOGLE_PLACES", account)
    assert answer.status_code == 200, answer.text


async def renew(keeper: PlaceKeeper) -> None:
    """Asks for all that is due, other tests' places included."""
    while await keeper.advance():
        pass


async def shown(admin: Any, path: str) -> Any:
    return (await admin.call("GET", path)).json()


def near(bank_id: str) -> dict[str, Any]:
    signal = "GEO_CONTAINED_WITHIN"
    return {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "Any geohash"},
                "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
                "matchingValues": {"locationBankIds": [bank_id]},
            }
        ],
    }


async def test_a_place_is_found_kept_and_renewed(
    admin: Any, kit: Any, google: Google, keeper: PlaceKeeper, later: Clock
) -> None:
    """A place has no area until the provider says it; then rules match it, exports hold the place
    id alone, it is asked for once for all banks and again before it may not be kept."""
    google.places["ChIJ-paris"] = PARIS
    place = {"googlePlaceInfo": {"id": "ChIJ-paris"}}
    made = await admin.make("/v1/location-banks", {"name": "Places", "locations": [place]})
    path = f"/v1/location-banks/{made['id']}"
    assert made["locations"][0]["geometry"] is None
    assert made["warnings"] == [
        {"pointer": "/locations/0/googlePlaceInfo", "reason": "its area is not known yet"}
    ]
    fields = [{"name": "text", "type": "STRING"}, {"name": "where", "type": "GEOHASH"}]
    post = await admin.make("/v1/item-types", kit.item_type(fields=fields, fieldRoles={}))
    rule = kit.rule(post["id"], conditionSet=near(made["id"]))

    async def outcome(where: str) -> str:
        item = {"typeId": post["id"], "data": {"where": where}}
        tried = await admin.call("POST", "/v1/rules/spot-test", {"rule": rule, "item": item})
        assert tried.status_code == 200, tried.text
        return str(tried.json()["outcome"])

    assert await outcome("u09tvw0f6") == "ERRORED"
    await set_up(admin)
    await renew(keeper)
    found = await shown(admin, path)
    (location,) = found["locations"]
    assert (location["name"], location["geometry"]["center"]["lat"]) == ("Paris", 48.86)
    assert location["bounds"]["northeastCorner"] == {"lat": 48.9, "lng": 2.5}
    assert location["googlePlaceInfo"]["resolvedAt"] is not None
    assert (found["warnings"], found["updatedBy"]) == ([], AUTHOR)
    assert (await outcome("u09tvw0f6"), await outcome("u33d")) == ("PASSED", "FAILED")

    other = await admin.make("/v1/location-banks", {"name": "More", "locations": [place]})
    assert other["locations"][0]["geometry"]["center"]["lat"] == 48.86
    assert google.asked == ["ChIJ-paris"]
    file = await admin.http.get(f"{path}/export")
    assert "48." not in file.text
    back = await admin.http.post(f"{path}/import", content=file.content, headers=CSV)
    assert (back.json()["added"], back.json()["removed"]) == (0, 0)
    sent = {"name": "Places", "locations": found["locations"]}
    assert (await admin.call("PUT", path, sent)).json()["locations"] == found["locations"]

    later.forward(days=26)
    moved = {**PARIS, "location": {"latitude": 48.87, "longitude": 2.35}}
    google.places["ChIJ-paris"] = moved
    await renew(keeper)
    for one in (path, f"/v1/location-banks/{other['id']}"):
        assert (await shown(admin, one))["locations"][0]["geometry"]["center"]["lat"] == 48.87


async def test_failures_are_seen_and_tried_again(
    admin: Any, google: Google, keeper: PlaceKeeper, later: Clock
) -> None:
    """Without an account, for a place that is none, and while the provider is away, the bank says
    why; each is tried again in its time; an area is forgotten when it may not be kept."""
    places_ = [{"googlePlaceInfo": {"id": one}} for one in ("known", "no-such")]
    made = await admin.make("/v1/location-banks", {"name": "Places", "locations": places_})
    path = f"/v1/location-banks/{made['id']}"

    async def reasons() -> list[str]:
        return [one["reason"] for one in (await shown(admin, path))["warnings"]]

    await renew(keeper)
    unset = "its area is not known yet: the integration GOOGLE_PLACES is not set up"
    assert await reasons() == [unset, unset]
    revision = (await shown(admin, path))["revision"]
    later.forward(minutes=2)
    await renew(keeper)
    assert (await shown(admin, path))["revision"] == revision  # nothing new was learned
    assert google.asked == []
    await set_up(admin)
    google.places["known"] = PARIS
    google.status = 503
    later.forward(minutes=2)
    await renew(keeper)
    assert await reasons() == [
        "its area is not known yet: Google answers 503",
        "its area is not known yet: Google refuses the input (404)",
    ]
    assert "secret words" not in json.dumps(await shown(admin, path))
    google.status = 200
    later.forward(hours=7)
    await renew(keeper)
    assert await reasons() == ["its area is not known yet: Google refuses the input (404)"]
    assert google.asked.count("no-such") == 1
    google.status = 500
    later.forward(days=26)
    await renew(keeper)
    assert (await reasons())[0] == "its area was not renewed: Google answers 500"
    assert (await shown(admin, path))["locations"][0]["bounds"] is not None
    later.forward(days=5)
    await renew(keeper)
    assert (await reasons())[0] == "its area is not known yet: Google answers 500"
    assert (await shown(admin, path))["locations"][0]["bounds"] is None


async def test_what_no_bank_names_is_not_asked_for(
    admin: Any, engine: Any, org: Any, google: Google, keeper: PlaceKeeper
) -> None:
    """A place whose bank is gone costs no question; another organisation's answer is not used."""
    await set_up(admin)
    google.places["gone"] = PARIS
    place = {"googlePlaceInfo": {"id": "gone"}}
    made = await admin.make("/v1/location-banks", {"name": "Places", "locations": [place]})
    assert (await admin.call("DELETE", f"/v1/location-banks/{made['id']}")).status_code == 204
    await renew(keeper)
    async with transaction(engine) as connection:
        mine = places.c.org_id == org.org_id
        assert (await connection.scalars(select(places.c.place_id).where(mine))).all() == []
    assert google.asked == []


async def test_places_in_large_banks(admin: Any, google: Google, keeper: PlaceKeeper) -> None:
    """A place in a part of a large bank is found and kept as well."""
    await set_up(admin)
    google.places["far-down"] = PARIS
    rows = "".join(f"place {n},{n % 90},{n % 180},1,\n" for n in range(3_000))
    made = await admin.make("/v1/location-banks", {"name": "Large", "locations": []})
    path = f"/v1/location-banks/{made['id']}"
    content = f"name,lat,lng,radius,placeId\n{rows},,,,far-down\n".encode()
    answer = await admin.http.post(f"{path}/import", content=content, headers=CSV)
    assert answer.status_code == 200, answer.text
    assert [one["pointer"] for one in answer.json()["warnings"]] == [
        "/locations/3000/googlePlaceInfo"
    ]
    await renew(keeper)
    found = await shown(admin, path)
    assert found["locations"][3_000]["name"] == "Paris"
    assert (found["entryCount"], found["warnings"]) == (3_001, [])
