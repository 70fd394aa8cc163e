"""Google's Places API: where a place of Google Maps is.

Guarantees: what is not in the answer is not made up: a place without an area is an error. The key
travels in a header, so that no log of addresses has it.
Must not: keep anything; who asks does, for as long as Google allows (`MAX_AGE`).

GET /v1/places/{place id}, with the fields wanted in a header, gives
`{"displayName": {"text"}, "location": {"latitude", "longitude"}, "viewport": {"low", "high"}, …}`;
https://developers.google.com/maps/documentation/places/web-service/place-details
The viewport is the rectangle in which Google shows the place.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final, Self
from urllib.parse import quote

import httpx
from msgspec import Struct

from coop_contracts.config import Bounds, Point
from coop_runtime.egress.guard import EgressGuard, EgressRefused
from coop_runtime.secret.vault import Vault
from coop_signals.account import IntegrationConfiguration, ProviderAccounts
from coop_signals.api import Api, key_of
from coop_signals.error import TimedOut, Unavailable
from coop_signals.integration import builtin_manifests
from coop_signals.settings import SignalSettings

INTEGRATION: Final = "GOOGLE_PLACES"
MAX_AGE: Final = timedelta(days=30)  # for which coordinates may be kept, by Google's terms
TIMEOUT: Final = 10.0  # seconds
_MAX_ANSWER = 256 * 1024
_FIELDS = "id,displayName,formattedAddress,location,viewport"
_SHAPE = "Google gave an answer of another form"


class PlaceArea(Struct, frozen=True):
    """What a place is called, where its middle is, and the rectangle around it."""

    name: str
    center: Point
    bounds: Bounds


class _Coordinates(Struct, frozen=True):
    latitude: float = 0.0  # left out where it is 0, as everything in Google's JSON
    longitude: float = 0.0

    def point(self) -> Point:
        return Point(lat=self.latitude, lng=self.longitude)


class _Viewport(Struct, frozen=True):
    low: _Coordinates = _Coordinates()
    high: _Coordinates = _Coordinates()


class _Name(Struct, frozen=True):
    text: str = ""


class _Details(Struct, frozen=True, rename="camel"):
    location: _Coordinates | None = None
    viewport: _Viewport | None = None
    display_name: _Name = _Name()
    formatted_address: str = ""


class Places:
    """Asks with the accounts of organisations. Close it with `aclose`."""

    def __init__(self, api: Api, client: httpx.AsyncClient, accounts: ProviderAccounts) -> None:
        self._api = api
        self._client = client
        self._accounts = accounts

    @classmethod
    def of(
        cls,
        settings: SignalSettings,
        config: IntegrationConfiguration,
        vault: Vault,
        *,
        guard: EgressGuard | None = None,
    ) -> Self:
        """`config` has the documents of the kind `integration`."""
        guard = guard or EgressGuard.of(settings)
        client = guard.client(timeout=TIMEOUT, max_body=_MAX_ANSWER)
        manifests = {manifest.id: manifest for manifest in builtin_manifests()}
        api = Api(client, "Google", settings.signal_google_places_url)
        return cls(api, client, ProviderAccounts(config, vault, manifests))

    async def find(self, org_id: str, place_id: str) -> PlaceArea:
        """Where the place is. Raises SignalError."""
        account = self._accounts.of(org_id, INTEGRATION, required=True)
        headers = {"x-goog-api-key": key_of(account), "x-goog-fieldmask": _FIELDS}
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._api.get(
                    f"/v1/places/{quote(place_id, safe='')}",
                    _Details,
                    headers=headers,
                    timeout=TIMEOUT,
                )
        except TimeoutError:
            raise TimedOut("Google does not answer in time") from None
        except (httpx.HTTPError, EgressRefused) as error:
            raise Unavailable(f"Google cannot be reached ({type(error).__name__})") from None
        return _area(found)

    async def aclose(self) -> None:
        await self._client.aclose()


def _area(found: _Details) -> PlaceArea:
    if found.viewport is None or found.location is None:
        raise Unavailable("Google gives no area for the place")
    low, high = found.viewport.low.point(), found.viewport.high.point()
    center = found.location.point()
    known = all(abs(one.lat) <= 90 and abs(one.lng) <= 180 for one in (low, high, center))
    if not known or low.lat >= high.lat or low.lng == high.lng:
        raise Unavailable(_SHAPE)
    return PlaceArea(
        name=found.display_name.text or found.formatted_address,
        center=center,
        bounds=Bounds(southwest_corner=low, northeast_corner=high),
    )
