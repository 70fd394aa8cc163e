"""Contents of hash banks as people see them: asked of hma-bridge, for their organisation."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from coop_contracts.permission import Role
from coop_review_api.hash_bank.route import is_upload

from ..media.media_world import Host, MediaWorld, picture
from .conftest import asked, audited

pytestmark = pytest.mark.engines

PDQ, MD5 = "ab" * 32, "cd" * 16
ENTRY: dict[str, Any] = {
    "id": "41",
    "bankId": "b",
    "algorithm": "pdq",
    "hash": PDQ,
    "state": "ACTIVE",
    "note": "n",
    "source": "FILE",
    "addedBy": "u",
    "addedAt": "2026-03-01T12:00:00Z",
}
FILE = {"added": 2, "known": 0, "pdq": PDQ, "md5": MD5, "quality": 88}
RAW = {"Content-Type": "application/octet-stream"}
CSV = {"Content-Type": "text/csv"}


async def test_pages_and_sizes(admin: Any, bridge: Any, bank_id: str) -> None:
    """The bank's entries, newest first, each with who added it, and a cursor where there are more;
    how many each has."""
    entry = ENTRY | {"addedBy": admin.user_id}
    bridge.answer(f"hash-banks/{bank_id}/hashes", {"entries": [entry], "more": True})
    sizes = [{"bankId": bank_id, "active": 3, "disabled": 1}]
    bridge.answer("hash-banks", {"banks": sizes})
    page = await admin.call("GET", f"/v1/hash-banks/{bank_id}/hashes?limit=1")
    assert page.status_code == 200, page.text
    assert page.json()["items"] == [entry | {"addedByPerson": admin.view("ADMIN")}]
    cursor = page.json()["nextCursor"]
    await admin.call("GET", f"/v1/hash-banks/{bank_id}/hashes?cursor={cursor}")
    assert dict(bridge.asked[-1].url.params) == {"before": "41", "limit": "50"}
    assert (await admin.call("GET", "/v1/hash-bank-sizes")).json() == {"banks": sizes}


async def test_hashes_are_added_and_changed(
    admin: Any, bridge: Any, bank_id: str, engine: Any, org: Any
) -> None:
    """By their digits, in either case; who did it is in the audit log, and with the entries."""
    bridge.answer(f"hash-banks/{bank_id}/hashes", {"added": 1, "known": 1})
    body = {"hashes": [{"hash": PDQ.upper(), "note": "seen"}, {"hash": MD5}]}
    added = await admin.call("POST", f"/v1/hash-banks/{bank_id}/hashes", body)
    assert added.json() == {"added": 1, "known": 1}
    assert asked(bridge) == {
        "hashes": [
            {"algorithm": "pdq", "hash": PDQ, "note": "seen"},
            {"algorithm": "md5", "hash": MD5},
        ],
        "source": "HASHES",
        "addedBy": admin.user_id,
    }
    bridge.answer(f"hash-banks/{bank_id}/changes", {"changed": 1})
    change = {"ids": ["41"], "state": "REMOVED"}
    changed = await admin.call("POST", f"/v1/hash-banks/{bank_id}/hashes/changes", change)
    assert changed.json() == {"changed": 1}
    assert asked(bridge) == {"entryIds": ["41"], "state": "REMOVED"}
    assert await audited(engine, org.org_id) == [
        ("hash-bank.extended", {"hashes": 2}),
        ("hash-bank.changed", change),
    ]


async def test_a_file_is_added_by_its_hashes(admin: Any, bridge: Any, bank_id: str) -> None:
    """It goes to the bridge; what is no medium is refused in the bridge's words."""
    bridge.answer(f"hash-banks/{bank_id}/files", FILE)
    content = picture()
    path = f"/v1/hash-banks/{bank_id}/files?note=n"
    added = await admin.call("POST", path, content=content, headers=RAW)
    assert added.json() == FILE
    assert base64.b64decode(asked(bridge)["content"]) == content
    assert asked(bridge)["note"] == "n"
    bridge.answer(f"hash-banks/{bank_id}/files", {"detail": "it is no picture"}, status=422)
    refused = await admin.call("POST", path, content=b"<svg/>", headers=RAW)
    assert refused.status_code == 422
    assert "no picture" in refused.text
    assert (await admin.call("POST", path, content=b"x", headers=CSV)).status_code == 415


async def test_would_this_match(admin: Any, bridge: Any, bank_id: str) -> None:
    """By hashes or by file; the banks with their distances, and the entries."""
    bank = {"bankId": bank_id, "algorithm": "pdq", "distance": 3, "signalIds": ["41"]}
    told = {"pdq": PDQ, "md5": None, "quality": 88, "banks": [bank], "entries": [ENTRY]}
    bridge.answer("hash-matches", told)
    found = await admin.call("POST", "/v1/hash-matches", {"pdq": PDQ})
    assert found.status_code == 200, found.text
    assert found.json() == {
        "pdq": PDQ,
        "md5": None,
        "quality": 88,
        "banks": [
            {
                "bankId": bank_id,
                "algorithm": "pdq",
                "distance": 3,
                "ids": ["41"],
                "knownGood": False,
            }
        ],
        "hashes": [ENTRY | {"addedByPerson": None}],
    }
    assert (await admin.call("POST", "/v1/hash-matches", {})).status_code == 422
    by_file = await admin.call("POST", "/v1/hash-matches/file", content=picture(), headers=RAW)
    assert by_file.json() == found.json()
    assert base64.b64decode(asked(bridge)["content"]) == picture()


async def test_an_import_says_how_far_it_is(admin: Any, bridge: Any, bank_id: str) -> None:
    """In pieces of ten thousand, a line of the answer for each, the last says that it is done."""
    bridge.answer(f"hash-banks/{bank_id}/hashes", {"added": 9000, "known": 1000})
    rows = ["algorithm,hash,note", *(f"pdq,{n:064x},n{n}" for n in range(24_000)), f"{MD5}"]
    path = f"/v1/hash-banks/{bank_id}/hashes/import"
    answer = await admin.call("POST", path, content="\r\n".join(rows), headers=CSV)
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["done"] for line in lines] == [10_000, 20_000, 24_001]
    assert [line["finished"] for line in lines] == [False, False, True]
    assert {line["rows"] for line in lines} == {24_001}
    assert (lines[-1]["added"], lines[-1]["known"]) == (27_000, 3_000)
    sent = [json.loads(one.content)["hashes"] for one in bridge.asked[-3:]]
    assert sent[0][5] == {"algorithm": "pdq", "hash": f"{5:064x}", "note": "n5"}
    assert sent[2][-1] == {"algorithm": "md5", "hash": MD5}


async def test_an_import_that_breaks_off_says_so(admin: Any, bridge: Any, bank_id: str) -> None:
    """The bridge is away: the last line has the reason, and is not finished."""
    bridge.answer(f"hash-banks/{bank_id}/hashes", {"detail": "no"}, status=503)
    path = f"/v1/hash-banks/{bank_id}/hashes/import"
    answer = await admin.call("POST", path, content=PDQ, headers=CSV)
    (line,) = [json.loads(line) for line in answer.text.splitlines()]
    assert (line["done"], line["finished"]) == (0, False)
    assert "not available" in line["error"]


async def test_a_file_with_a_fault_changes_nothing(admin: Any, bridge: Any, bank_id: str) -> None:
    """Each fault has its line; the bridge is not asked."""
    wrong = f"{PDQ}\nxyz\nmd5,{PDQ}\n{PDQ},{'n' * 300}\n{PDQ},a,b\n\n{MD5}\n"
    path = f"/v1/hash-banks/{bank_id}/hashes/import"
    refused = await admin.call("POST", path, content=wrong, headers=CSV)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/2", "/3", "/4", "/5"]
    for content in (b"\xff\xfe", b'"'):
        answer = await admin.call("POST", path, content=content, headers=CSV)
        assert answer.status_code == 422
    assert bridge.asked == []


async def test_a_bank_without_a_document_is_not_there(
    admin: Any, bridge: Any, kit: Any, sign_in: Any
) -> None:
    """Neither one that nobody made, nor another organisation's: the bridge is not asked."""
    other = await kit.make_org()
    theirs = await (await sign_in(Role.ADMIN, other.org_id)).make(
        "/v1/hash-banks", {"name": "Theirs", "enabledRatio": 1}
    )
    for bank in ("nobodys", theirs["id"]):
        path = f"/v1/hash-banks/{bank}"
        for answer in (
            await admin.call("GET", f"{path}/hashes"),
            await admin.call("POST", f"{path}/hashes", {"hashes": [{"hash": PDQ}]}),
            await admin.call("POST", f"{path}/hashes/changes", {"ids": ["1"], "state": "ACTIVE"}),
            await admin.call("POST", f"{path}/hashes/import", content=PDQ, headers=CSV),
            await admin.call("POST", f"{path}/files", content=b"x", headers=RAW),
        ):
            assert answer.status_code == 404
    assert bridge.asked == []


async def test_only_who_changes_rules_changes_banks(
    bridge: Any, bank_id: str, sign_in: Any
) -> None:
    """A moderator may not, an analyst may look."""
    moderator, analyst = await sign_in(Role.MODERATOR), await sign_in(Role.ANALYST)
    bridge.answer("hash-banks", {"banks": []})
    assert (await analyst.call("GET", "/v1/hash-bank-sizes")).status_code == 200
    for person in (moderator, analyst):
        body = {"hashes": [{"hash": PDQ}]}
        answer = await person.call("POST", f"/v1/hash-banks/{bank_id}/hashes", body)
        assert answer.status_code == 403
        answer = await person.call("POST", f"/v1/hash-banks/{bank_id}/media", {"ref": "x"})
        assert answer.status_code == 403


def test_uploads_are_read_late() -> None:
    """After their sender was seen; everything else in the usual way."""
    assert is_upload("POST", "/v1/hash-banks/b/files")
    assert is_upload("POST", "/v1/hash-banks/b/hashes/import")
    assert is_upload("POST", "/v1/hash-matches/file")
    for path in ("/v1/hash-banks/b/hashes", "/v1/hash-banks/b", "/v1/hash-matches", "/files"):
        assert not is_upload("POST", path)
    assert not is_upload("GET", "/v1/hash-banks/b/files")


async def shown(world: MediaWorld, person: Any, item_id: str, **more: Any) -> str:
    """The reference of a picture in a job."""
    host: Host = world.host
    host.files[f"/{item_id}"] = picture()
    item = world.item(item_id, photo={"url": host.url(f"/{item_id}")})
    (ref,) = (await world.refs(person, await world.place(item, **more))).values()
    return str(ref)


async def test_a_medium_of_a_job_is_added(
    world: MediaWorld, bridge: Any, bank_id: str, sign_in: Any, engine: Any, org: Any
) -> None:
    """By who handles child safety, whatever else they may not; the bridge gets the file and no
    address; one whose host has it no more is refused with the reason."""
    person = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    bridge.answer(f"hash-banks/{bank_id}/files", FILE)
    ref = await shown(world, person, "i", csam=True)
    path = f"/v1/hash-banks/{bank_id}/media"
    added = await person.call("POST", path, {"ref": ref, "note": "n"})
    assert added.status_code == 200, added.text
    assert added.json() == FILE
    assert base64.b64decode(asked(bridge)["content"]) == picture()
    assert asked(bridge)["source"] == "JOB"
    assert b"127.0.0.1" not in bridge.asked[-1].content
    ((action, detail),) = await audited(engine, org.org_id)
    assert (action, detail["itemId"]) == ("hash-bank.extended", "i")
    world.host.files.clear()
    gone = await person.call("POST", path, {"ref": ref})
    assert gone.status_code != 200
    assert "no longer there" in gone.text


async def test_a_grave_medium_is_not_there_for_others(
    world: MediaWorld, bridge: Any, bank_id: str, sign_in: Any
) -> None:
    """Who changes rules but may not see child-safety material adds none of it."""
    seer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    manager = await sign_in(Role.RULES_MANAGER)
    ref = await shown(world, seer, "i", csam=True)
    answer = await manager.call("POST", f"/v1/hash-banks/{bank_id}/media", {"ref": ref})
    assert answer.status_code == 404
    assert bridge.asked == []
