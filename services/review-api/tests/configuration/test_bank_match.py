"""What of a bank would be found."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import Role
from coop_review_api.configuration.bank_match import strings_in
from coop_rules.signal.signal import Matching


def test_every_string_in_the_text_is_told() -> None:
    """All that occur, in the bank's order, over more than one scanner's worth; up to a bound."""
    strings = [f"word{number:05}" for number in range(5000)]
    text = "word04999 and word00007, word02500x"
    assert strings_in(strings, text, Matching.CONTAINS) == ["word00007", "word02500", "word04999"]
    assert strings_in(strings, text, Matching.WORD) == ["word00007", "word04999"]
    assert strings_in(strings, text, Matching.CONTAINS, most=2) == ["word00007", "word02500"]
    assert strings_in([], text, Matching.CONTAINS) == []


@pytest.mark.engines
async def test_a_text_is_tried_on_a_bank(admin: Any) -> None:
    """A bank of strings is looked for as it is asked, one of patterns as patterns; more than is
    named is said to be there."""
    strings = ["Spam", "scam", "pam", "viagra"]
    bank = await admin.make("/v1/text-banks", {"name": "S", "type": "STRING", "strings": strings})
    patterns = ["sp.m", "^never$"]
    regex = await admin.make("/v1/text-banks", {"name": "R", "type": "REGEX", "strings": patterns})

    async def match(one: Any, **body: Any) -> dict[str, Any]:
        answer = await admin.call("POST", f"/v1/text-banks/{one['id']}/match", body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    found = await match(bank, text="no SPAM here, v1agra")
    assert found == {"matched": True, "entries": ["Spam", "pam"], "more": False}
    assert (await match(bank, text="no SPAM", matching="WORD"))["entries"] == ["Spam"]
    assert (await match(bank, text="v1agra", matching="VARIANT"))["entries"] == ["viagra"]
    assert (await match(bank, text="nothing"))["matched"] is False
    assert (await match(regex, text="buy spxm"))["entries"] == ["sp.m"]
    many = [f"a{'b' * number}" for number in range(150)]
    large = await admin.make("/v1/text-banks", {"name": "L", "type": "STRING", "strings": many})
    found = await match(large, text="a" + "b" * 200)
    assert (found["entries"], found["more"]) == (many[:100], True)
    path = f"/v1/text-banks/{regex['id']}/match"
    answer = await admin.call("POST", path, {"text": "x", "matching": "WORD"})
    assert answer.json()["errors"][0]["pointer"] == "/matching"
    assert (await admin.call("POST", path, {"text": "x" * 20_001})).status_code == 422


@pytest.mark.engines
async def test_a_place_is_tried_on_a_bank(admin: Any, sign_in: Any) -> None:
    """By geohash or point; a place that nobody knows yet is said to be open; reviewers from outside
    do not ask."""
    circle = {"geometry": {"center": {"lat": 52.5, "lng": 13.4}, "radius": 10.0}, "name": "Berlin"}
    cell = {"geohash": "u33d", "id": "cell"}
    place = {"googlePlaceInfo": {"id": "ChIJAVkDPzdOqEcRcDteW0YgIQQ"}}
    body = {"name": "L", "locations": [circle, cell, place]}
    bank = await admin.make("/v1/location-banks", body)
    path = f"/v1/location-banks/{bank['id']}/match"
    answer = await admin.call("POST", path, {"point": {"lat": 52.5, "lng": 13.4}})
    found = answer.json()
    assert found["entries"][0]["name"] == "Berlin"
    assert (found["matched"], found["unknown"]) == (True, 1)
    found = (await admin.call("POST", path, {"geohash": "u33d"})).json()
    assert "cell" in [one["id"] for one in found["entries"]]
    found = (await admin.call("POST", path, {"geohash": "gcpv"})).json()
    assert (found["matched"], found["entries"]) == (False, [])
    for wrong, pointer in (
        ({"point": {"lat": 91.0, "lng": 0.0}}, "/point/lat"),
        ({"geohash": "aaaa"}, "/geohash"),
        ({}, ""),
    ):
        answer = await admin.call("POST", path, wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    answer = await external.call("POST", path, {"geohash": "u33d"})
    assert answer.status_code == 403
