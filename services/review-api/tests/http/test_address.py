"""What addresses may say: known parameters, cursors of the very list, UTF-8."""

from __future__ import annotations

import re
from typing import Any

import pytest

from coop_review_api.http.address import ADDRESSED_BY_OTHERS
from coop_review_api.http.openapi import document
from coop_review_api.http.page import CURRENT_LIST, decode_cursor, encode_cursor
from coop_review_api.kernel.error import Invalid

CURSORS = {
    "eyJvIjotMX0": "an offset that is none",
    "bnVsbA==": "null",
    "W10=": "a list",
    "e30": "an object",
    "MA": "a number, of another time",
    "!!!": "no base64",
    "": "nothing",
    "AAAA": "a check and no position",
    "____": "bytes",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw": "digits",
}


def operations(app: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), re.sub(r"\{[^}]*\}", "none", path), operation)
        for path, item in document(app)["paths"].items()
        for method, operation in item.items()
    ]


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, (answer.status_code, answer.text)
    return [one["pointer"] for one in answer.json()["errors"]]


def test_a_cursor_belongs_to_its_list() -> None:
    """It is read where it was made, and is none elsewhere, nor with a slip in it."""
    token = CURRENT_LIST.set("/v1/rules")
    try:
        cursor = encode_cursor("rule-7")
        assert decode_cursor(cursor) == "rule-7"
        assert decode_cursor(None) is None
        for wrong in (cursor[:-1], cursor + "A", cursor.swapcase(), *CURSORS):
            with pytest.raises(Invalid):
                decode_cursor(wrong)
        CURRENT_LIST.set("/v1/policies")
        with pytest.raises(Invalid):
            decode_cursor(cursor)
    finally:
        CURRENT_LIST.reset(token)


@pytest.mark.engines
@pytest.mark.parametrize("cursor", CURSORS, ids=CURSORS.get)
async def test_every_list_refuses_what_is_no_cursor(admin: Any, app: Any, cursor: str) -> None:
    """422 at the parameter, on every list there is."""
    lists = [
        path
        for method, path, operation in operations(app)
        if method == "GET"
        and any(one["name"] == "cursor" for one in operation.get("parameters", []))
    ]
    assert len(lists) > 40
    for path in lists:
        answer = await admin.call("GET", path, params={"cursor": cursor})
        assert "#/query/cursor" in pointers(answer), path


@pytest.mark.engines
async def test_every_operation_refuses_parameters_that_it_has_not(admin: Any, app: Any) -> None:
    """Named, whatever else is wrong; what identity providers send browsers to takes theirs."""
    for method, path, operation in operations(app):
        if operation.get(ADDRESSED_BY_OTHERS):
            continue
        answer = await admin.call(method, f"{path}?queuId=abc&_=1")
        assert set(pointers(answer)) == {"#/query/queuId", "#/query/_"}, (method, path)
        assert {one["code"] for one in answer.json()["errors"]} == {"unknown-parameter"}


@pytest.mark.engines
async def test_every_known_parameter_is_known(admin: Any, app: Any) -> None:
    """The check does not refuse what the description names."""
    for method, path, operation in operations(app):
        names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        if method != "GET" or not names:
            continue
        answer = await admin.call("GET", path, params=dict.fromkeys(names, "x"))
        if answer.status_code == 422:
            codes = {one["code"] for one in answer.json()["errors"]}
            assert "unknown-parameter" not in codes, (path, answer.text)


@pytest.mark.engines
@pytest.mark.parametrize(
    "path",
    [
        "/v1/items/t/%ff%fe/jobs",
        "/v1/jobs?itemId=%ed%a0%80",
        "/v1/jobs?itemId=%ff",
        "/v1/jobs?%c0%af=1",
        "/v1/policies/%80",
        "/v1/users/t/%f8%88%80%80%80/strikes",
    ],
)
async def test_addresses_are_utf8(admin: Any, path: str) -> None:
    """400: no other address is looked up in the place of one that cannot be read."""
    answer = await admin.call("GET", path)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"] == "the address is not UTF-8"
