"""Banks: large ones in parts, files in and out, changes of a few entries."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from coop_contracts.config import BankChunk, Kind, TextBank
from coop_contracts.event import ConfigChanged
from coop_contracts.permission import Role
from coop_review_api.configuration.table import config_current
from coop_review_api.kernel.schema import outbox
from coop_rules.matching.bank import strings_of
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

CSV = {"content-type": "text/csv"}
JSON = {"content-type": "application/json"}


def words(count: int, *, seed: int = 1) -> list[str]:
    made = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyzäöü"
    return [f"{''.join(made.choices(letters, k=14))} {number}" for number in range(count)]


async def bank(admin: Any, **more: Any) -> str:
    made = await admin.make(
        "/v1/text-banks", {"name": "Words", "type": "STRING", "strings": [], **more}
    )
    return f"/v1/text-banks/{made['id']}"


async def upload(
    person: Any, path: str, content: bytes, *, kind: Any = CSV, mode: str = "replace", **more: str
) -> Any:
    url = f"{path}/import?mode={mode}"
    return await person.http.post(url, content=content, headers={**kind, **more})


async def current_chunks(engine: Any, org_id: str) -> set[str]:
    async with transaction(engine) as connection:
        found = await connection.scalars(
            select(config_current.c.id).where(
                config_current.c.org_id == org_id,
                config_current.c.kind == Kind.BANK_CHUNK,
                config_current.c.document.is_not(None),
            )
        )
        return set(found)


async def topic(engine: Any, org_id: str) -> list[ConfigChanged]:
    async with transaction(engine) as connection:
        values = await connection.scalars(
            select(outbox.c.value)
            .where(outbox.c.topic == ConfigChanged.topic)
            .order_by(outbox.c.id)
        )
        events = [msgspec.json.decode(value, type=ConfigChanged) for value in values]
    return [event for event in events if event.org_id == org_id]


async def test_fifty_thousand_entries_come_in_and_go_out(admin: Any, engine: Any, org: Any) -> None:
    """A file of 50,000 entries is imported, shown, counted in lists and exported as it was; a
    reader of the topic never sees the bank without its parts; a few changed entries save few
    parts, and unused parts go."""
    path = await bank(admin)
    entries = words(50_000)
    before = len(await topic(engine, org.org_id))
    answer = await upload(admin, path, "\r\n".join(f'"{word}"' for word in entries).encode())
    assert answer.status_code == 200, answer.text
    assert (answer.json()["entryCount"], answer.json()["added"]) == (50_000, 50_000)
    shown = (await admin.call("GET", path)).json()
    assert shown["strings"] == entries
    (listed,) = (await admin.call("GET", "/v1/text-banks")).json()["items"]
    assert (listed["strings"], listed["entryCount"]) == (None, 50_000)

    events = (await topic(engine, org.org_id))[before:]
    chunks: dict[str, BankChunk] = {}
    for event in events:
        if event.kind == Kind.BANK_CHUNK:
            chunks[event.id] = msgspec.json.decode(event.document, type=BankChunk)
        elif event.kind == Kind.TEXT_BANK:
            found = msgspec.json.decode(event.document, type=TextBank)
            assert strings_of(found, chunks) == tuple(entries)
        assert len(event.document) < 900_000
    parts = await current_chunks(engine, org.org_id)
    assert parts == set(chunks)
    assert len(parts) > 5

    change = {"add": ["new one", entries[7]], "remove": [entries[100], "not there"]}
    changed = await admin.call("PATCH", path, change)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["added"], changed.json()["removed"]) == (1, 1)
    now = await current_chunks(engine, org.org_id)
    assert len(now - parts) <= 3
    assert len(parts - now) <= 3
    again = await upload(admin, path, (await admin.http.get(f"{path}/export")).content)
    assert (again.json()["added"], again.json()["removed"]) == (0, 0)
    exported = await admin.http.get(f"{path}/export?format=json")
    assert exported.json()["strings"] == [*(w for w in entries if w != entries[100]), "new one"]
    assert "attachment" in exported.headers["content-disposition"]

    assert (await admin.call("DELETE", path)).status_code == 204
    assert await current_chunks(engine, org.org_id) == set()


async def test_each_change_is_a_revision_that_can_be_had_back(admin: Any, engine: Any) -> None:
    """The difference of two revisions of a large bank is its added and removed entries; an earlier
    one is restored with its parts, also after the bank was deleted."""
    path = await bank(admin)
    first = (await upload(admin, path, "\n".join(words(20_000)).encode())).json()
    second = (await admin.call("PATCH", path, {"add": ["x"], "remove": [words(1)[0]]})).json()
    changes = await admin.call("GET", f"{path}/revisions/{second['revision']}/changes")
    by_path = {change["path"]: change for change in changes.json()["changes"]}
    assert by_path["/strings"]["added"] == ["x"]
    assert by_path["/strings"]["removed"] == [words(1)[0]]
    large = await admin.call("GET", f"{path}/revisions/{first['revision']}/changes")
    strings = next(c for c in large.json()["changes"] if c["path"] == "/strings")
    assert (strings["addedCount"], len(strings["added"])) == (20_000, 1_000)
    await admin.call("DELETE", path)
    back = await admin.call("POST", f"{path}/revisions/{first['revision']}/restore")
    assert back.status_code == 200, back.text
    assert back.json()["strings"] == words(20_000)
    listed = (await admin.call("GET", f"{path}/revisions")).json()["items"]
    assert listed[0]["document"]["entryCount"] is None


async def test_a_file_with_a_fault_changes_nothing(admin: Any, engine: Any, org: Any) -> None:
    """A regex that does not compile is refused with its line, what is no file of entries with the
    reason; the bank is as it was."""
    path = await bank(admin, type="REGEX", strings=["good"])
    before = (await admin.call("GET", path)).json()
    bad = b"a+\n(b\nc(?=d)\ne\n"
    answer = await upload(admin, path, bad)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["line 2", "line 3"]
    for content, kind in (
        (b'{"strings": ["a", 5]}', JSON),
        (b"[1", JSON),
        (b"\xff\xfe\x00", CSV),
        (b'"open', CSV),
    ):
        answer = await upload(admin, path, content, kind=kind)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["reason"]
    wrong = await upload(admin, path, b"a", kind={"content-type": "text/plain"})
    assert wrong.status_code == 415
    nothing = await admin.call("PATCH", path, {"add": ["(", "  "]})
    assert nothing.status_code == 422
    assert [error["pointer"] for error in nothing.json()["errors"]] == ["/strings/1", "/strings/2"]
    assert (await admin.call("GET", path)).json() == before


async def test_a_file_adds_or_replaces(admin: Any) -> None:
    """Entries are added to those that are there, or replace them; doubles and blank lines are
    counted and left out; a stale revision is refused."""
    path = await bank(admin, strings=["a"])
    added = await upload(admin, path, b"string\nb\n\nb\na\n", mode="add")
    assert added.json()["entryCount"] == 2
    assert (added.json()["added"], added.json()["duplicates"], added.json()["blank"]) == (1, 1, 1)
    stale = await upload(admin, path, b"z", **{"If-Match": f'"{added.json()["revision"] - 1}"'})
    assert stale.status_code == 412
    replaced = await upload(admin, path, b'["c"]', kind=JSON)
    assert (replaced.json()["added"], replaced.json()["removed"]) == (1, 2)
    assert (await admin.call("GET", path)).json()["strings"] == ["c"]


async def test_a_bank_in_parts_is_matched_and_may_not_be_emptied(admin: Any, kit: Any) -> None:
    """A rule may match a large bank, is tried with it, and keeps it from being emptied."""
    post = await admin.make("/v1/item-types", kit.item_type())
    path = await bank(admin)
    entries = words(20_000)
    await upload(admin, path, "\n".join(entries).encode())
    bank_id = path.rsplit("/", 1)[1]
    rule = await admin.make(
        "/v1/rules", kit.rule(post["id"], conditionSet=kit.contains(textBankIds=[bank_id]))
    )
    item = {"typeId": post["id"], "data": {"text": f"see {entries[19_000]}!"}}
    tried = await admin.call("POST", "/v1/rules/spot-test", {"ruleId": rule["id"], "item": item})
    assert tried.json()["passed"] is True, tried.text
    emptied = await upload(admin, path, b"string\n")
    assert emptied.status_code == 422
    assert (await admin.call("DELETE", path)).status_code == 409


async def test_who_writes_drafts_writes_no_bank(admin: Any, sign_in: Any) -> None:
    """By no way: what a live rule does would change by a bank that it matches. They read it."""
    analyst = await sign_in(Role.ANALYST)
    path = await bank(admin, strings=["spam"])
    revisions = (await admin.call("GET", f"{path}/revisions")).json()["items"]
    restore = f"{path}/revisions/{revisions[-1]['revision']}/restore"
    body = {"name": "Other", "type": "STRING", "strings": ["a"]}
    for method, one, sent in (
        ("POST", "/v1/text-banks", body),
        ("PUT", path, body),
        ("PATCH", path, {"add": ["more"]}),
        ("POST", restore, None),
        ("DELETE", path, None),
    ):
        assert (await analyst.call(method, one, sent)).status_code == 403, (method, one)
    assert (await upload(analyst, path, b"other")).status_code == 403
    assert (await analyst.call("GET", path)).status_code == 200
    assert (await admin.call("POST", restore)).status_code == 200
    assert (await upload(admin, path, b"other")).status_code == 200


async def test_a_file_is_not_read_before_its_sender_is_known(
    admin: Any, http: Any, sign_in: Any
) -> None:
    """Without a session or the permission nothing of a file is taken; a file may be larger than
    other bodies, but not without end."""
    path = await bank(admin)
    moderator = await sign_in(Role.MODERATOR)
    taken: list[int] = []

    async def endless() -> Any:
        while len(taken) < 40:
            taken.append(1)
            yield b"x" * 1_000_000

    for client, status in ((http, 401), (moderator.http, 403)):
        taken.clear()
        answer = await client.post(f"{path}/import", content=endless(), headers=CSV)
        assert answer.status_code == status
    answer = await admin.http.post(f"{path}/import", content=endless(), headers=CSV)
    assert answer.status_code == 413
    fits = "\n".join(f"{number} {'x' * 60}" for number in range(30_000)).encode()
    assert len(fits) > 1_000_000
    assert (await upload(admin, path, fits)).status_code == 200


async def test_places_are_kept_like_words(admin: Any, kit: Any) -> None:
    """Location banks are made, changed by id, imported and exported; a place that is nowhere is
    refused; rules match them."""
    berlin = {"geometry": {"center": {"lat": 52.5, "lng": 13.4}, "radius": 10}, "name": "Berlin"}
    made = await admin.make("/v1/location-banks", {"name": "Cities", "locations": [berlin]})
    path = f"/v1/location-banks/{made['id']}"
    place_id = made["locations"][0]["id"]
    assert made["entryCount"] == 1
    moved = {**berlin, "id": place_id, "name": "Berlin, Mitte"}
    paris = {"geometry": {"center": {"lat": 48.8, "lng": 2.3}, "radius": 5}}
    changed = (await admin.call("PATCH", path, {"add": [moved, paris]})).json()
    assert (changed["entryCount"], changed["added"], changed["removed"]) == (2, 2, 1)
    names = [one["name"] for one in (await admin.call("GET", path)).json()["locations"]]
    assert names == ["Berlin, Mitte", ""]
    assert (await admin.call("PATCH", path, {"remove": [place_id]})).json()["removed"] == 1
    nowhere = {"geometry": {"center": {"lat": 91, "lng": 0}, "radius": 1}}
    refused = await admin.call("POST", "/v1/location-banks", {"name": "N", "locations": [nowhere]})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/locations/0/geometry/center/lat"
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["name", "lat", "lng", "radius"])
    rows.writerows([f"place {n}", n % 90, n % 180, 1] for n in range(5_000))
    assert (await upload(admin, path, table.getvalue().encode())).json()["entryCount"] == 5_000
    file = await admin.http.get(f"{path}/export")
    assert (await upload(admin, path, file.content)).json()["added"] == 0
    (listed,) = (await admin.call("GET", "/v1/location-banks")).json()["items"]
    assert (listed["locations"], listed["entryCount"]) == (None, 5_000)
    fields = [{"name": "text", "type": "STRING"}, {"name": "where", "type": "GEOHASH"}]
    post = await admin.make("/v1/item-types", kit.item_type(fields=fields, fieldRoles={}))
    near = {
        "conjunction": "AND",
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "Any geohash"},
                "signal": {"id": '{"type":"GEO_CONTAINED_WITHIN"}', "type": "GEO_CONTAINED_WITHIN"},
                "matchingValues": {"locationBankIds": [made["id"]]},
            }
        ],
    }
    rule = await admin.make("/v1/rules", kit.rule(post["id"], conditionSet=near))
    item = {"typeId": post["id"], "data": {"where": "s0000000000"}}
    tried = await admin.call("POST", "/v1/rules/spot-test", {"ruleId": rule["id"], "item": item})
    assert tried.json()["passed"] is True, tried.text
    assert (await admin.call("DELETE", path)).status_code == 409


async def test_a_bank_of_what_is_good_stays_one(admin: Any) -> None:
    """What a bank has is said when it is made; who does not say it later changes nothing."""
    made = await admin.make("/v1/hash-banks", {"name": "Logos", "knownGood": True})
    plain = await admin.make("/v1/hash-banks", {"name": "Scams"})
    assert (made["knownGood"], plain["knownGood"]) == (True, False)
    path = f"/v1/hash-banks/{made['id']}"
    renamed = await admin.call("PUT", path, {"name": "Our logos"})
    assert (renamed.status_code, renamed.json()["knownGood"]) == (200, True), renamed.text
    for bank, other in ((made, False), (plain, True)):
        body = {"name": bank["name"], "knownGood": other}
        refused = await admin.call("PUT", f"/v1/hash-banks/{bank['id']}", body)
        assert refused.status_code == 422
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/knownGood"]


async def test_hash_banks_keep_their_name_at_hma(admin: Any, kit: Any) -> None:
    """A hash bank has a name that HMA takes, of its own, and keeps it when it is renamed."""
    made = await admin.make("/v1/hash-banks", {"name": "known-bad (2)", "enabledRatio": 0.5})
    other = await admin.make("/v1/hash-banks", {"name": "known bad 2"})
    for one in (made, other):
        assert set(one["hmaName"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
        assert one["hmaName"].startswith("COOP_")
    assert made["hmaName"] != other["hmaName"]
    path = f"/v1/hash-banks/{made['id']}"
    renamed = (await admin.call("PUT", path, {"name": "bad"})).json()
    assert (renamed["hmaName"], renamed["enabledRatio"]) == (made["hmaName"], 1.0)
    refused = await admin.call("PUT", path, {"name": "bad", "enabledRatio": 1.5})
    assert refused.status_code == 422
    taken = await admin.call("POST", "/v1/hash-banks", {"name": "bad"})
    assert taken.status_code == 409
