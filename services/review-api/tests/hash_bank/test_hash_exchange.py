"""Exchanges of hash banks as people see them: asked of hma-bridge, for their organisation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coop_contracts.export import api_examples
from coop_contracts.permission import Role

from .conftest import asked, audited

pytestmark = pytest.mark.engines

SECRET = "the-token-of-an-exchange"
ENTRY = api_examples("hash-bank")["addExchange"]["answers"]["exchange"]
GROUP = {"kind": "THREAT_EXCHANGE", "settings": {"privacyGroup": "303636684709969"}}


async def test_they_are_listed_with_what_there_could_be(
    admin: Any, bridge: Any, sign_in: Any
) -> None:
    """How far each is, who added it, and what the operator has to give for the others; to whoever
    may see banks."""
    told = api_examples("hash-bank")["listExchanges"]["answers"]
    entry = told["exchanges"][0] | {"addedBy": admin.user_id}
    bridge.answer("hash-exchanges", told | {"exchanges": [entry]})
    found = await admin.call("GET", "/v1/hash-exchanges")
    assert found.status_code == 200, found.text
    (item,) = found.json()["items"]
    assert item["settings"] == {"espIds": [], "privacyGroup": "303636684709969", "file": None}
    assert (item["condition"], item["hashes"], item["hasCredentials"]) == ("CURRENT", 4120, True)
    assert item["addedByPerson"]["id"] == admin.user_id
    assert found.json()["offers"] == told["offers"]
    role = await admin.make("/v1/roles", {"name": "Nothing", "permissions": []})
    nobody = await sign_in(role["id"])
    assert (await nobody.call("GET", "/v1/hash-exchanges")).status_code == 403


async def test_one_is_added_given_credentials_and_removed(
    admin: Any, bridge: Any, bank_id: str, engine: Any, org: Any
) -> None:
    """The bridge is told, and the audit log is, that without a credential; no answer has one."""
    path, own = f"/v1/hash-banks/{bank_id}/exchanges", f"hash-banks/{bank_id}/exchanges"
    bridge.answer(own, {"exchange": ENTRY})
    body = GROUP | {"credentials": {"apiToken": SECRET}}
    added = await admin.call("POST", path, body)
    assert (added.status_code, added.json()["id"]) == (200, ENTRY["id"]), added.text
    assert asked(bridge) == {
        "kind": "THREAT_EXCHANGE",
        "settings": {"privacyGroup": "303636684709969"},
        "credentials": {"apiToken": SECRET},
        "addedBy": admin.user_id,
    }
    bridge.answer(f"{own}/3/credentials", {"exchange": ENTRY})
    changed = await admin.call("PUT", f"{path}/3/credentials", {"apiToken": SECRET})
    assert (changed.status_code, asked(bridge)) == (200, {"credentials": {"apiToken": SECRET}})
    bridge.answer(f"{own}/3/removal", {"removed": True})
    assert (await admin.call("DELETE", f"{path}/3")).status_code == 204
    bridge.answer(f"{own}/3/removal", {"removed": False})
    assert (await admin.call("DELETE", f"{path}/3")).status_code == 404
    rows = await audited(engine, org.org_id)
    assert [action.rpartition("exchange-")[2] for action, _ in sorted(rows, key=str)] == [
        "added",
        "credentials-set",
        "removed",
        "removed",
    ]
    assert SECRET not in json.dumps([rows, added.json(), changed.json()])


async def test_one_is_paused_and_resumed(
    admin: Any, bridge: Any, bank_id: str, engine: Any, org: Any
) -> None:
    """The bridge is told by whom, the audit log has both, and the answer says since when, by whom,
    and whether it holds; one that is not there is not."""
    path, own = f"/v1/hash-banks/{bank_id}/exchanges/3", f"hash-banks/{bank_id}/exchanges/3/pause"
    assert ENTRY.get("pause") is None
    pause = {"at": "2026-03-01T12:00:00Z", "by": admin.user_id, "holds": True}
    bridge.answer(own, {"exchange": ENTRY | {"pause": pause}})
    paused = await admin.call("POST", f"{path}/pause")
    assert (paused.status_code, asked(bridge)) == (200, {"paused": True, "by": admin.user_id})
    told = paused.json()["pause"]
    assert told["byPerson"]["id"] == admin.user_id
    assert told | {"byPerson": None} == pause | {"byPerson": None}
    bridge.answer(own, {"exchange": ENTRY})
    resumed = await admin.call("POST", f"{path}/resume")
    assert (resumed.status_code, asked(bridge)["paused"]) == (200, False)
    assert resumed.json()["pause"] is None
    rows = [row for row in await audited(engine, org.org_id) if "exchange" in row[0]]
    assert sorted(rows) == [
        ("hash-bank.exchange-paused", {"exchangeId": "3"}),
        ("hash-bank.exchange-resumed", {"exchangeId": "3"}),
    ]
    problem = {"type": "about:blank", "title": "t", "status": 404, "detail": "none"}
    bridge.answer(own, problem, 404)
    assert (await admin.call("POST", f"{path}/pause")).status_code == 404


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"kind": "SECRET_CLUB"}, "/kind"),
        (GROUP | {"settings": {"privacyGroup": "x"}}, "/settings/privacyGroup"),
        ({"kind": "FILE", "settings": {"file": "../x"}}, "/settings/file"),
        ({"kind": "NCMEC", "settings": {"espIds": [0]}}, "/settings/espIds/0"),
        ({"kind": "NCMEC", "settings": {"environment": "http://x"}}, "/settings/environment"),
        (GROUP | {"credentials": {"apiToken": ""}}, "/credentials/apiToken"),
        (GROUP | {"credentials": {"token": SECRET}}, "/credentials/token"),
    ],
)
async def test_what_is_wrong_is_named(admin: Any, bank_id: str, body: Any, at: str) -> None:
    """By its field, with no address an organisation could give, and without what it said."""
    refused = await admin.call("POST", f"/v1/hash-banks/{bank_id}/exchanges", body)
    assert refused.status_code == 422, refused.text
    assert [fault["pointer"].removeprefix("#") for fault in refused.json()["errors"]] == [at]
    assert SECRET not in refused.text


async def test_the_bridges_refusals_are_told(admin: Any, bridge: Any, bank_id: str) -> None:
    """What is needed where nothing can be fetched, what is wrong with what was given; and that the
    bridge is away."""
    path, own = f"/v1/hash-banks/{bank_id}/exchanges", f"hash-banks/{bank_id}/exchanges"
    for status, detail, said in (
        (409, "exchanges are fetched by a Hasher-Matcher-Actioner: COOP_HMA_URL", 409),
        (422, "body/credentials/password: required", 422),
        (503, "HMA does not answer", 503),
    ):
        problem = {"type": "about:blank", "title": "t", "status": status, "detail": detail}
        bridge.answer(own, problem, status)
        refused = await admin.call("POST", path, GROUP)
        assert refused.status_code == said, refused.text
        assert status == 503 or detail in refused.text


async def test_it_is_for_who_may_change_banks(
    admin: Any, bridge: Any, bank_id: str, sign_in: Any, kit: Any
) -> None:
    """Neither for who may only see them, nor for another organisation, nor in a bank that is not
    there."""
    path = f"/v1/hash-banks/{bank_id}/exchanges"
    own = f"hash-banks/{bank_id}/exchanges"
    bridge.answer(own, {"exchange": ENTRY})
    analyst = await sign_in(Role.ANALYST)
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    for person, status in ((analyst, 403), (stranger, 404)):
        for answer in (
            await person.call("POST", path, GROUP),
            await person.call("PUT", f"{path}/3/credentials", {"apiToken": "t"}),
            await person.call("POST", f"{path}/3/pause"),
            await person.call("POST", f"{path}/3/resume"),
            await person.call("DELETE", f"{path}/3"),
        ):
            assert answer.status_code == status, answer.text
    assert (await admin.call("POST", "/v1/hash-banks/none/exchanges", GROUP)).status_code == 404
    assert bridge.asked == []
