"""Files of banks over HTTP: what cannot be kept is refused with its place, a trial changes
nothing, an export is data to a spreadsheet."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines

CSV = {"content-type": "text/csv"}
JSON = {"content-type": "application/json"}
CIRCLE = {"geometry": {"center": {"lat": 1.0, "lng": 2.0}, "radius": 3.0}}


async def words(admin: Any, *strings: str, kind: str = "STRING") -> str:
    body = {"name": f"Words {strings}", "type": kind, "strings": list(strings)}
    return f"/v1/text-banks/{(await admin.make('/v1/text-banks', body))['id']}"


@pytest.mark.parametrize(
    ("path", "headers", "raw", "pointer", "reason"),
    [
        ("text", CSV, b"string\nal\0pha\n", "line 2", "must not contain U+0000"),
        ("text", JSON, b'["a\\u0000b"]', "/0", "must not contain U+0000"),
        ("text", CSV, "string\nalpha\n".encode("utf-16-le"), "line 1", "is not in UTF-8 or"),
        ("text", CSV, "café".encode("latin-1"), "line 1", "is not in UTF-8 or"),
        ("location", CSV, b"name,lat,lng,radius\nn\0m,1,2,3\n", "line 2", "U+0000"),
        (
            "location",
            JSON,
            b'[{"name":"n\\u0000m","geometry":{"center":{"lat":1,"lng":2},"radius":3}}]',
            "/0/name",
            "must not contain U+0000",
        ),
        (
            "location",
            JSON,
            b'{"features":[{"properties":{"name":"n\\u0000m","radius":3},'
            b'"geometry":{"type":"Point","coordinates":[2,1]}}]}',
            "/features/0/name",
            "must not contain U+0000",
        ),
        ("location", CSV, b"name,lat,lng,radius\nx,1_0,1,2\n", "line 2", "lat is not a number"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    admin: Any, path: str, headers: Any, raw: bytes, pointer: str, reason: str
) -> None:
    """U+0000, other encodings and other digits are 422 with line or pointer, in both modes and in
    a trial."""
    body = {"name": "Bank", "strings": [], "type": "STRING"}
    if path == "location":
        body = {"name": "Bank", "locations": []}
    made = await admin.make(f"/v1/{path}-banks", body)
    for query in ("mode=add", "mode=replace", "mode=replace&dryRun=true"):
        url = f"/v1/{path}-banks/{made['id']}/import?{query}"
        answer = await admin.http.post(url, content=raw, headers=headers)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["pointer"] == pointer
        assert reason in answer.text


async def test_a_trial_changes_nothing(admin: Any, kit: Any) -> None:
    """A trial says what a file would change, and is refused where the file would be; the bank stays
    as it was."""
    path = await words(admin, "spam", "ham")
    before = (await admin.call("GET", path)).json()
    url = f"{path}/import?mode=replace&dryRun=true"
    tried = await admin.http.post(url, content=b"string\nspam\neggs\n\nspam\n", headers=CSV)
    assert tried.status_code == 200, tried.text
    said = tried.json()
    assert (said["dryRun"], said["revision"]) == (True, before["revision"])
    assert (said["added"], said["removed"], said["entryCount"]) == (1, 1, 2)
    assert (said["addedEntries"], said["removedEntries"]) == (["eggs"], ["ham"])
    assert (said["duplicates"], said["blank"]) == (1, 1)
    assert (await admin.call("GET", path)).json() == before
    post = await admin.make("/v1/item-types", kit.item_type())
    bank_id = path.rsplit("/", 1)[1]
    await admin.make(
        "/v1/rules", kit.rule(post["id"], conditionSet=kit.contains(textBankIds=[bank_id]))
    )
    emptied = await admin.http.post(url, content=b"string\n", headers=CSV)
    assert emptied.status_code == 422, emptied.text
    done = await admin.http.post(f"{path}/import", content=b"string\neggs\n", headers=CSV)
    assert (done.json()["dryRun"], done.json()["added"], done.json()["removed"]) == (False, 1, 2)


async def test_exports_are_data(admin: Any) -> None:
    """Exports hold no formulas, and come back as they went."""
    strings = ["=1+1", "'=1", "-x", "@y", "plain", "a;b", "sep=;"]
    path = await words(admin, *strings)
    file = await admin.http.get(f"{path}/export")
    assert not any(line.lstrip('"')[:1] in "=+-@\t" for line in file.text.splitlines())
    again = await admin.http.post(f"{path}/import", content=file.content, headers=CSV)
    assert (again.json()["added"], again.json()["removed"]) == (0, 0)
    place = {**CIRCLE, "id": "=a1", "name": "+cmd()"}
    made = await admin.make("/v1/location-banks", {"name": "P", "locations": [place]})
    places = f"/v1/location-banks/{made['id']}"
    exported = await admin.http.get(f"{places}/export")
    assert '"\'=a1","\'+cmd()",1.0,2.0,3.0' in exported.text
    again = await admin.http.post(f"{places}/import", content=exported.content, headers=CSV)
    assert (again.json()["added"], again.json()["removed"]) == (0, 0)


async def test_geohash_cells(admin: Any, kit: Any) -> None:
    """A location may be the cell of a geohash: rules match what lies in it, and it goes out and
    comes in as a geohash, by file and as JSON."""
    bank = {"name": "Cells", "locations": [{"geohash": "u09tv", "name": "Louvre"}]}
    made = await admin.make("/v1/location-banks", bank)
    (cell,) = made["locations"]
    assert cell["geohash"] == "u09tv"
    assert cell["bounds"]["southwestCorner"]["lat"] < 48.86
    path = f"/v1/location-banks/{made['id']}"
    sent = {"name": "Cells", "locations": made["locations"]}
    again = await admin.call("PUT", path, sent)
    assert again.json()["locations"] == made["locations"]
    for form, headers in (("csv", CSV), ("json", JSON)):
        file = await admin.http.get(f"{path}/export?format={form}")
        back = await admin.http.post(f"{path}/import", content=file.content, headers=headers)
        assert (back.json()["added"], back.json()["removed"]) == (0, 0), file.text
    fields = [{"name": "text", "type": "STRING"}, {"name": "where", "type": "GEOHASH"}]
    post = await admin.make("/v1/item-types", kit.item_type(fields=fields, fieldRoles={}))
    for matching in (
        {"locationBankIds": [made["id"]]},
        {"locations": [{"id": "1", "geohash": "u09tv"}]},
    ):
        near = {
            "conjunction": "AND",
            "conditions": [
                {
                    "input": {"type": "CONTENT_COOP_INPUT", "name": "Any geohash"},
                    "signal": {
                        "id": '{"type":"GEO_CONTAINED_WITHIN"}',
                        "type": "GEO_CONTAINED_WITHIN",
                    },
                    "matchingValues": matching,
                }
            ],
        }
        rule = kit.rule(post["id"], conditionSet=near)
        for where, passed in (("u09tvw0f6", True), ("u09tt", False), ("u09t", False)):
            item = {"typeId": post["id"], "data": {"where": where}}
            tried = await admin.call("POST", "/v1/rules/spot-test", {"rule": rule, "item": item})
            assert tried.json()["passed"] is passed, tried.text
    wrong = await admin.call(
        "POST", "/v1/location-banks", {"name": "X", "locations": [{"geohash": "aaa"}]}
    )
    assert kit.pointers(wrong) == ["/locations/0"]
    nowhere = await admin.call(
        "POST", "/v1/location-banks", {"name": "X", "locations": [{"name": "x"}]}
    )
    assert kit.pointers(nowhere) == ["/locations/0"]
