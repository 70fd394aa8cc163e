"""What problems say to programs: types, needs, codes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import coop_review_api
from coop_contracts.permission import Role
from coop_review_api.http.body import parse
from coop_review_api.http.problem import KINDS
from coop_review_api.kernel import fault_code
from coop_review_api.kernel.error import Invalid
from coop_review_api.organisation.settings_document import SettingsBody

SOURCE = Path(coop_review_api.__file__).parent


@pytest.mark.parametrize(
    ("reason", "code", "params"),
    [
        ("required", "required", {}),
        ("required with ruleId", "required", {"with": "ruleId"}),
        ("no such item type", "not-found", {"what": "item type"}),
        ("given twice", "duplicate", {}),
        ("at most 20 headers", "too-many", {"most": 20, "of": "headers"}),
        ("from 0.25 to 720", "out-of-range", {"least": 0.25, "most": 720}),
        ("1 to 4096 visible ASCII characters", "length", {"least": 1, "most": 4096}),
        ("must be an http or https URL", "format", {}),
        ("10.0.0.1 does not lead to a public address", "not-public", {}),
        ("the job is in this queue", "invalid", {}),
    ],
)
def test_a_reason_has_a_code_and_what_it_names(
    reason: str, code: str, params: dict[str, Any]
) -> None:
    """The same sentence says the same thing to people and to programs."""
    found = fault_code.of(reason)
    assert found.code == code
    assert params.items() <= found.params.items()


def test_most_reasons_have_a_code_of_their_own() -> None:
    """Of the sentences in the code, no more than half are told by their words alone."""
    reasons = [
        str(call.args[1].value)
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "Fault"
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
    ]
    assert len(reasons) > 50
    assert {fault_code.of(reason).code for reason in reasons} <= fault_code.CODES
    alone = [one for one in reasons if fault_code.of(one).code == fault_code.FALLBACK]
    assert len(alone) <= len(reasons) * 0.5, alone


def test_faults_of_a_bodys_form_have_the_codes_of_their_kind() -> None:
    """With the bound that was passed, by its name."""
    with pytest.raises(Invalid) as caught:
        parse(SettingsBody, b'{"name": "A", "undoWindow": 4000, "nobodys": 1}')
    faults = {fault.pointer: fault for fault in caught.value.faults}
    assert faults["/undoWindow"].code == "less-than-equal"
    assert faults["/undoWindow"].params == {"le": 3600.0}
    assert faults["/nobodys"].code == "extra-forbidden"


@pytest.mark.engines
async def test_refusals_have_types_of_their_own(
    admin: Any, sign_in: Any, http: Any, context: Any
) -> None:
    """A page tells a missing permission from a missing token and a foreign page."""
    moderator = await sign_in(Role.MODERATOR)
    answer = (await moderator.call("GET", "/v1/settings")).json()
    assert (answer["type"], answer["needs"]) == ("/problems/permission", ["MANAGE_ORG"])
    answer = (await admin.call("POST", "/v1/policies", {}, headers={"X-CSRF-Token": "no"})).json()
    assert answer["type"] == "/problems/csrf"
    credentials = {"email": "a@b.example", "password": "x"}
    answer = (
        await http.post("/v1/session", json=credentials, headers={"origin": "https://evil.example"})
    ).json()
    assert answer["type"] == "/problems/origin"
    for one in (answer,):
        assert one["type"].removeprefix("/problems/") in KINDS
