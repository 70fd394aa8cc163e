"""The brake on guessing: many at once, from many addresses, and against the owner."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from coop_review_api.people import device
from coop_review_api.people.password import Passwords
from coop_review_api.people.throttle import network_of
from coop_review_api.process.application import limited

from ..world.application import application_of


class Guesser:
    """Calls from any address; counts the passwords that were looked at."""

    def __init__(self, context: Any, password: str, monkeypatch: Any) -> None:
        self.looked_at = 0
        self.served = limited(application_of(context), max_body=context.settings.review_max_body)

        async def verify(stored: str | None, tried: str) -> bool:
            self.looked_at += 1
            await asyncio.sleep(0)
            return stored is not None and tried == password

        monkeypatch.setattr(context.part(Passwords), "verify", verify)

    def at(self, ip: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.served, client=(ip, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://review")

    async def log_in(self, http: httpx.AsyncClient, email: str, password: str = "guess") -> int:
        body = {"email": email, "password": password}
        return (await http.post("/v1/session", json=body)).status_code


@pytest.fixture
def guesser(context: Any, kit: Any, monkeypatch: Any) -> Guesser:
    return Guesser(context, kit.password, monkeypatch)


@pytest.mark.engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_many_guesses_at_once_are_no_more_than_in_a_row(guesser: Guesser, org: Any) -> None:
    """Of thirty guesses that come together five are looked at, as of thirty in a row."""
    async with guesser.at("198.51.100.7") as http:
        found = await asyncio.gather(*(guesser.log_in(http, org.admin_email) for _ in range(30)))
    assert sorted(found) == [401] * 5 + [429] * 25
    assert guesser.looked_at == 5


@pytest.mark.engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_a_shared_address_is_not_blocked_by_those_who_know_their_password(
    guesser: Guesser, org: Any, kit: Any
) -> None:
    """Right passwords count for nothing, however many come from one address."""
    async with guesser.at("198.51.100.8") as http:
        for _ in range(60):
            http.cookies.clear()
            assert await guesser.log_in(http, org.admin_email, kit.password) == 200


@pytest.mark.engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_an_ipv6_subscriber_is_one(guesser: Guesser, org: Any) -> None:
    """Whoever has a /64 does not get five guesses for each of its addresses."""
    statuses = []
    for number in range(7):
        async with guesser.at(f"2001:db8:1:2::{number:x}") as http:
            statuses.append(await guesser.log_in(http, org.admin_email))
    assert statuses == [401] * 5 + [429] * 2
    async with guesser.at("2001:db8:1:3::1") as http:
        assert await guesser.log_in(http, org.admin_email) == 401


def test_networks() -> None:
    """IPv4 by address, also when written as IPv6; what is no address stays what it is."""
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("unknown") == "unknown"


@pytest.mark.engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_nobody_locks_the_owner_out_of_their_browser(
    guesser: Guesser, org: Any, kit: Any
) -> None:
    """While an account is guessed at from everywhere, its owner signs in where they did before, and
    is braked there by their own failures only; a strange browser waits."""
    owner, stranger = guesser.at("198.51.100.9"), guesser.at("198.51.100.9")
    assert await guesser.log_in(owner, org.admin_email, kit.password) == 200
    for number in range(22):
        async with guesser.at(f"203.0.113.{number}") as http:
            await guesser.log_in(http, org.admin_email)
    assert await guesser.log_in(stranger, org.admin_email, kit.password) == 429
    assert await guesser.log_in(owner, org.admin_email, kit.password) == 200
    for _ in range(5):
        assert await guesser.log_in(owner, org.admin_email) == 401
    assert await guesser.log_in(owner, org.admin_email, kit.password) == 429
    await owner.aclose()
    await stranger.aclose()


@pytest.mark.engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_a_device_is_known_to_its_own_account_only(
    guesser: Guesser, org: Any, kit: Any, sign_in: Any
) -> None:
    """Somebody's own cookie buys no guesses at another account."""
    victim = await sign_in("MODERATOR")
    async with guesser.at("198.51.100.10") as http:
        assert await guesser.log_in(http, org.admin_email, kit.password) == 200
        statuses = [await guesser.log_in(http, victim.email) for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2


def test_a_devices_cookie_is_ours_and_ends(vault: Any, clock: Any) -> None:
    """Another address, a moved end, a changed nonce, a key that is gone, half a year: no device."""
    cookie = device.cookie_for(vault, None, email="a@acme.example", now=clock())
    known = device.of_cookie(vault, cookie, email="a@acme.example", now=clock())
    assert known is not None
    again = device.cookie_for(vault, known, email="a@acme.example", now=clock())
    assert device.of_cookie(vault, again, email="a@acme.example", now=clock()) == known
    nonce, until, code = cookie.split(".", 2)
    for other in (
        f"{nonce}x.{until}.{code}",
        f"{nonce}.{int(until) + 1}.{code}",
        f"{nonce}.{until}.{code[:-1]}",
        f"{nonce}.{until}.v1.00000000.00",
        "a.b",
        "",
        None,
    ):
        assert device.of_cookie(vault, other, email="a@acme.example", now=clock()) is None
    assert device.of_cookie(vault, cookie, email="b@acme.example", now=clock()) is None
    clock.forward(days=181)
    assert device.of_cookie(vault, cookie, email="a@acme.example", now=clock()) is None
