"""The client of the dispatcher's internal API keeps the contract, and what it is refused its
meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from coop_contracts.dispatch import CALLS, GET_STRIKE_DISTRIBUTION, StrikeDistributionQuestion
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.kernel.error import Conflict, Invalid, NotFound, Unavailable

FROZEN = Path(__file__).resolve().parents[4] / "libs/contracts/frozen"
CONTRACT: dict[str, Any] = json.loads((FROZEN / "dispatch.v1.schema.json").read_text())
EXAMPLES: dict[str, Any] = json.loads((FROZEN / "dispatch.v1.example.json").read_text())


def properties_of(name: str) -> dict[str, Any]:
    """The members of what a call asks, as they were frozen."""
    definition = CONTRACT["calls"][name]["asks"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = CONTRACT["$defs"][definition]["properties"]
    return found


@pytest.mark.parametrize("name", sorted(CONTRACT["calls"]))
async def test_a_call_is_asked_and_understood_as_it_was_frozen(name: str) -> None:
    """Method, path, parameters and body are those of the contract; so is what is read."""
    frozen, example, call = CONTRACT["calls"][name], EXAMPLES[name], CALLS[name]
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(frozen["status"], json=example["answers"])

    dispatch = Dispatch("http://dispatch", "token", transport=httpx.MockTransport(answer))
    asked = msgspec.convert(example["asks"], call.asks)
    told = await dispatch.ask("org-1", call, asked)
    await dispatch.aclose()
    assert told == msgspec.convert(example["answers"], call.answers)
    (request,) = seen
    below = frozen["path"].format(**example["asks"])
    assert (request.method, request.url.path) == (
        frozen["method"],
        f"{CONTRACT['root']}/org-1/{below}",
    )
    given: dict[str, Any] = dict(request.url.params)
    if frozen["method"] == "POST":
        assert not given
        assert request.headers["content-type"] == "application/json"
        given = json.loads(request.content)
    ids = {key: value for key, value in example["asks"].items() if f"{{{key}}}" in frozen["path"]}
    assert not given.keys() & ids.keys()
    assert given.keys() | ids.keys() <= properties_of(name).keys()
    assert msgspec.convert(given | ids, call.asks, strict=False) == asked


async def test_an_answer_that_breaks_the_contract_is_none() -> None:
    """What cannot be understood is a dispatcher that is not available, never a guess."""
    for content in (b"", b"{}", b"<html>", b'{"items":[{"strikes":"many","users":1}]}'):
        transport = httpx.MockTransport(lambda _, sent=content: httpx.Response(200, content=sent))
        dispatch = Dispatch("http://dispatch", "token", transport=transport)
        with pytest.raises(Unavailable):
            await dispatch.ask("org", GET_STRIKE_DISTRIBUTION, StrikeDistributionQuestion())
        await dispatch.aclose()


async def test_refusals_keep_their_meaning() -> None:
    """What the dispatcher says of input, absence and state reaches the caller as such."""
    answers = {404: NotFound, 409: Conflict, 422: Invalid, 400: Invalid, 500: Unavailable}
    for status, error in answers.items():
        transport = httpx.MockTransport(
            lambda _, status=status: httpx.Response(status, json={"detail": "why"})
        )
        dispatch = Dispatch("http://dispatch", "token", transport=transport)
        with pytest.raises(error):
            await dispatch.ask("org", GET_STRIKE_DISTRIBUTION, StrikeDistributionQuestion())
        await dispatch.aclose()


async def test_without_a_token_nothing_is_asked() -> None:
    """A token that was not set is an answer at once, not a 401 from elsewhere."""
    dispatch = Dispatch("http://127.0.0.1:1", "")
    with pytest.raises(Unavailable, match="COOP_INTERNAL_TOKEN"):
        await dispatch.ask("org", GET_STRIKE_DISTRIBUTION, StrikeDistributionQuestion())
    await dispatch.aclose()


async def test_an_organisations_id_stays_one_part_of_the_path() -> None:
    """No id can lead out of its organisation."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(200, json={"items": []})

    dispatch = Dispatch("http://dispatch", "token", transport=httpx.MockTransport(answer))
    await dispatch.ask("../org-2/x?y", GET_STRIKE_DISTRIBUTION, StrikeDistributionQuestion())
    await dispatch.aclose()
    assert asked == [b"/internal/v1/orgs/..%2Forg-2%2Fx%3Fy/strikes/distribution"]
