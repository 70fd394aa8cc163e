"""What an organisation is told of the Hasher-Matcher-Actioner that is asked for it."""

from __future__ import annotations

import httpx
import pytest

from coop_contracts.hash_bank import TRY_HMA, HmaAccount, HmaAnswered, HmaBank, HmaQuestion
from coop_hma_bridge.exchange import ExchangePlaces
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.hma_account import tried as account

from .conftest import ORG, bank
from .test_exchange import OTHER, World, WorldOf, world, world_of

__all__ = ["world", "world_of"]

pytestmark = pytest.mark.engines


async def tried(world: World, org: str = ORG) -> HmaAccount | None:
    answer: HmaAnswered = await world.api.ask(org, TRY_HMA, HmaQuestion())
    return answer.account


async def test_it_answers_with_the_organisations_banks(world: World) -> None:
    """By the name that each has there; no other's, and neither its path nor its token."""
    found = await tried(world)
    assert found is not None
    assert (found.host, found.has_token, found.fault) == ("hma", True, None)
    assert found.milliseconds is not None
    assert found.banks == [HmaBank(bank_id="b1", name="COOP_ORG1_B1", ratio=1.0)]
    other = await tried(world, OTHER)
    assert other is not None
    assert [one.name for one in other.banks] == ["COOP_ORG2_B1"]


async def test_a_bank_that_was_not_made_there_is_said(world: World) -> None:
    """It is none with a ratio of 0."""
    del world.stub.banks["COOP_ORG1_B1"]
    found = await tried(world)
    assert found is not None
    assert found.banks == [HmaBank(bank_id="b1", name="COOP_ORG1_B1", ratio=None)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (httpx.Response(401, text="who are you"), "HMA answers /c/banks with status 401"),
        (httpx.Response(200, text="<html>"), "HMA answers what is no list of banks"),
        (httpx.Response(200, json=[{"name": "x"}]), "HMA answers what is no list"),
    ],
)
async def test_what_it_says_instead_is_said(
    world: World, said: httpx.Response, reason: str
) -> None:
    """A refusal, a page, half a list: each in words, with no bank."""
    world.stub.broken = said
    found = await tried(world)
    assert found is not None
    assert (found.fault or "").startswith(reason)
    assert (found.milliseconds, found.banks) == (None, [])


async def test_it_is_away() -> None:
    """That is an answer, too."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    hma = Hma("http://hma:5000/x", "", timeout=2, transport=httpx.MockTransport(refuse))
    found = await account(hma, [bank()])
    await hma.aclose()
    assert (found.host, found.has_token) == ("hma:5000", False)
    assert found.fault == "HMA does not answer: ConnectError"


async def test_where_none_is_named_there_is_none(world_of: WorldOf) -> None:
    """The bridge's own banks are all."""
    assert await tried(await world_of(places=ExchangePlaces(has_hma=False))) is None
