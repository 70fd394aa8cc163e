"""Rules as files: nothing is lost between a document and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coop_cli.rule_file import STAMP, FileKind, Names, from_file, to_file
from coop_cli.rule_folder import FileError, free_path, read_folder, write_file
from coop_cli.rule_sync import SyncState, System, compare
from coop_cli.yaml_text import read_yaml, write_yaml
from coop_review_api.configuration import bank_document, document_model

NAMES = {
    "item-types": {"t1": "Post", "t2": "Comment"},
    "actions": {"a1": "Remove", "a2": "no"},
    "policies": {"p1": "Spam: links", "p2": "Fraud"},
    "text-banks": {"b1": "Bad words", "b2": "same", "b3": "same"},
    "location-banks": {"l1": "Places"},
    "hash-banks": {"h1": "Images"},
}


def names() -> Names:
    found = Names()
    for kind, entries in NAMES.items():
        for document_id, name in entries.items():
            found.add(kind, document_id, name)
    return found


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def ids(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*NAMES[kind], "gone"])


def listed(kind: str) -> st.SearchStrategy[list[str]]:
    return st.lists(ids(kind), max_size=3)


_leaf = st.fixed_dictionaries(
    {
        "input": st.sampled_from(
            [
                {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "t1"},
                {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "gone"},
                {"type": "FULL_ITEM", "contentTypeIds": ["t1", "t2"]},
            ]
        )
    },
    optional={
        "signal": st.sampled_from(
            [
                {"id": '{"type":"X"}', "type": "X"},
                {"id": '{"type": "X"}', "type": "X"},
                {"type": "X"},
                {"id": '{"type":"X"}', "type": "X", "subcategory": "s"},
            ]
        ),
        "comparator": st.just("EQUALS"),
        "threshold": st.one_of(st.booleans(), st.integers(), _text),
        "matchingValues": st.fixed_dictionaries(
            {},
            optional={
                "strings": st.lists(_text),
                "textBankIds": listed("text-banks"),
                "locationBankIds": listed("location-banks"),
                "imageBankIds": listed("hash-banks"),
            },
        ),
        "addedLater": st.lists(_text),
    },
)
_set = st.recursive(
    _leaf,
    lambda inner: st.fixed_dictionaries(
        {"conjunction": st.sampled_from(["AND", "OR"]), "conditions": st.lists(inner, min_size=1)}
    ),
    max_leaves=6,
)
_rule = st.fixed_dictionaries(
    {
        "id": st.just("r1"),
        "revision": st.integers(1, 99),
        "name": _text,
        "status": st.just("LIVE"),
        "itemTypeIds": listed("item-types"),
        "conditionSet": st.fixed_dictionaries(
            {"conjunction": st.just("AND"), "conditions": st.lists(_set)}
        ),
        "description": _text,
        "actionIds": listed("actions"),
        "policyIds": listed("policies"),
        "tags": st.lists(_text),
        "maxDailyActions": st.none() | st.integers(1, 9),
        "expirationTime": st.none() | st.just("2030-01-01T00:00:00Z"),
        "actionParameters": st.dictionaries(
            ids("actions"), st.dictionaries(_text, _text | st.integers()), max_size=2
        ),
    }
)


def present(document: dict[str, Any]) -> dict[str, Any]:
    """What a document says: an empty field is an absent one."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return {k: v for k, v in document.items() if v not in empty and k not in ("id", "revision")}


@settings(max_examples=200)
@given(_rule)
def test_a_rule_comes_back_from_its_file(rule: dict[str, Any]) -> None:
    """Whatever is in a rule, its file gives the same document again, and is written the same."""
    data = to_file(FileKind.RULE, rule, names())
    text = write_yaml(data)
    again, unknown = from_file(FileKind.RULE, read_yaml(text), names())
    assert unknown == []
    assert present(again) == present(rule)
    stamped = {**again, "id": rule["id"], "revision": rule["revision"]}
    assert write_yaml(to_file(FileKind.RULE, stamped, names())) == text


def test_a_rule_file_has_names() -> None:
    """A file is for people: names, not ids, and a plain signal as one word."""
    rule = {
        "id": "r1",
        "revision": 7,
        "status": "LIVE",
        "name": "Links",
        "itemTypeIds": ["t1"],
        "actionIds": ["a1", "gone"],
        "updatedAt": "2026-01-01T00:00:00Z",
        "conditionSet": {
            "conditions": [
                {
                    "matchingValues": {"textBankIds": ["b1", "b2"]},
                    "signal": {"id": '{"type":"X"}', "type": "X"},
                    "input": {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "t1"},
                }
            ],
            "conjunction": "AND",
        },
    }
    assert write_yaml(to_file(FileKind.RULE, rule, names())) == (
        "id: r1\n"
        "revision: 7\n"
        "name: Links\n"
        "status: LIVE\n"
        "itemTypes:\n"
        "  - Post\n"
        "actions:\n"
        "  - Remove\n"
        "  - id: gone\n"
        "conditionSet:\n"
        "  conjunction: AND\n"
        "  conditions:\n"
        "    - input:\n"
        "        name: text\n"
        "        type: CONTENT_FIELD\n"
        "        contentType: Post\n"
        "      signal: X\n"
        "      matchingValues:\n"
        "        textBanks:\n"
        "          - Bad words\n"
        "          - id: b2\n"
    )


def test_unknown_names_have_their_place() -> None:
    """A name that nothing has is said with where it stands."""
    data = {
        "name": "R",
        "itemTypes": ["Post", "None"],
        "conditionSet": {"conditions": [{"matchingValues": {"textBanks": ["x"]}}]},
    }
    _, unknown = from_file(FileKind.RULE, data, names())
    assert [(one.pointer, one.name) for one in unknown] == [
        ("/itemTypes/1", "None"),
        ("/conditionSet/conditions/0/matchingValues/textBanks/0", "x"),
    ]
    assert str(unknown[1]).endswith("there is no text bank called x")


def test_files_have_distinct_paths(tmp_path: Path) -> None:
    """Names that look the same as a file's name get files of their own; none leaves the folder."""
    taken: set[Path] = set()
    for number, name in enumerate(["Spam", "spam!", "../../Spam", "ßé", "ß"]):
        path = free_path(tmp_path, FileKind.RULE, name, f"id-{number}", taken)
        assert path.parent == tmp_path / "rules"
        assert path not in taken
        taken.add(path)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    """A broken file is said with its path and line; other files are left alone."""
    place = tmp_path / "rules"
    place.mkdir()
    (place / "README.md").write_text("not a rule")
    (place / "bad.yaml").write_text("name: x\nname: y\n")
    with pytest.raises(FileError, match=r"bad\.yaml: line 2"):
        read_folder(tmp_path, FileKind.RULE)


def test_states(tmp_path: Path) -> None:
    """New, changed, the same, changed meanwhile, gone, taken and missing are told apart."""
    bank: dict[str, Any] = {"type": "STRING", "strings": ["a"], "description": ""}

    def system_bank(document_id: str, name: str) -> dict[str, Any]:
        return {"id": document_id, "revision": 5, "name": name, **bank}

    system = System({FileKind.TEXT_BANK: {}}, Names())
    for document_id in ("same", "changed", "meanwhile", "taken", "missing"):
        system.put(FileKind.TEXT_BANK, system_bank(document_id, document_id))
    wanted: dict[str, dict[str, Any]] = {
        "same": {"id": "same", "revision": 3},
        "changed": {"id": "changed", "revision": 5, "strings": ["b"]},
        "meanwhile": {"id": "meanwhile", "revision": 4, "strings": ["b"]},
        "taken": {},
        "new": {},
        "gone": {"id": "gone", "revision": 2},
    }
    for name, more in wanted.items():
        write_file(tmp_path / "text-banks" / f"{name}.yaml", {"name": name, **bank, **more})
    found = compare(read_folder(tmp_path, FileKind.TEXT_BANK), system)
    assert {one.name: one.state for one in found} == {
        "same": SyncState.SAME,
        "changed": SyncState.CHANGED,
        "meanwhile": SyncState.CONFLICT,
        "taken": SyncState.CONFLICT,
        "new": SyncState.NEW,
        "gone": SyncState.CONFLICT,
        "missing": SyncState.MISSING,
    }


def test_what_the_system_makes_is_left_out() -> None:
    """The area of a cell or a place, and warnings, are the system's: a file has the geohash or the
    place id, and is the same when the place was asked for again."""
    area = {"geometry": {"center": {"lat": 1.5, "lng": 2.5}, "radius": None}, "bounds": {"x": 1}}
    place = {"id": "ChIJ", "resolvedAt": "2026-11-29T00:00:00Z", "problem": "away"}
    circle = {"id": "c", "name": "", "geometry": {"center": {"lat": 1, "lng": 2}, "radius": 3}}
    bank = {
        "id": "b",
        "revision": 3,
        "cost": [{"itemTypeId": "post"}],
        "name": "Places",
        "warnings": [{"pointer": "/locations/1", "reason": "its area is not known yet"}],
        "locations": [
            circle,
            {"id": "g", "name": "Cell", **area, "geohash": "u09"},
            {"id": "p", "name": "Paris", **area, "googlePlaceInfo": place},
        ],
    }
    found = to_file(FileKind.LOCATION_BANK, bank, names())
    assert found["locations"] == [
        {"id": "c", "geometry": {"center": {"lat": 1, "lng": 2}, "radius": 3}},
        {"id": "g", "name": "Cell", "geohash": "u09"},
        {"id": "p", "name": "Paris", "googlePlaceInfo": {"id": "ChIJ"}},
    ]
    assert not found.keys() & {"warnings", "cost"}


@pytest.mark.parametrize(
    ("view", "body"),
    [
        (document_model.RuleView, document_model.RuleBody),
        (bank_document.TextBankView, bank_document.TextBankBody),
        (bank_document.LocationBankView, bank_document.LocationBankBody),
    ],
)
def test_what_is_not_taken_stays_out_of_files(view: Any, body: Any) -> None:
    """Whatever the API says of a document and does not take is left out of its file."""
    said = set(view.model_json_schema(by_alias=True)["properties"])
    taken = set(body.model_json_schema(by_alias=True)["properties"])
    assert said - taken - {"id", "revision"} == STAMP & said
