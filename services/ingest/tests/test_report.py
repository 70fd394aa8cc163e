"""`POST /report` and `POST /report/appeal`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ItemRef

POST = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
THREAD = {"id": "t1", "typeId": "thread", "data": {"title": "x"}}
USER = {"id": "u1", "typeId": "user"}
REPORT = {
    "reporter": {"kind": "user", **USER},
    "reportedAt": "2026-01-01T10:00:00Z",
    "reportedItem": POST,
}
APPEAL = {
    "appealId": "a1",
    "appealedBy": USER,
    "appealedAt": "2026-01-01T10:00:00+02:00",
    "actionedItem": POST,
    "actionsTaken": ["delete"],
}


def pointers(response: Any, status: int = 400) -> list[str | None]:
    assert response.status_code == status
    return [error.get("pointer") for error in response.json()["errors"]]


@pytest.mark.parametrize("path", ["/report", "/report/"])
async def test_a_report_is_kept_whole(ingest: Any, path: str) -> None:
    """201 with the report's id; the event carries reporter, reason, thread and further items."""
    body = {
        **REPORT,
        "reportedForReason": {"policyId": "spam", "reason": "buy now", "csam": True},
        "reportedItemThread": [{"id": "p0", "typeId": "post", "data": {}}],
        "reportedItemsInThread": [{"id": "p1", "typeId": "post"}],
        "additionalItems": [{"id": "u1", "typeId": "user", "data": {"name": "N"}}],
    }
    response = await ingest.post(path, body)
    assert response.status_code == 201
    (event,) = ingest.broker.events
    (message,) = ingest.broker.messages
    assert response.json() == {"reportId": event.report_id}
    assert message.key == b"org1/post/p1"
    assert event.correlation_id == event.report_id
    assert event.reporter == ItemRef("u1", "user")
    assert event.reported_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert (event.reason.policy_id, event.reason.reason, event.reason.csam) == (
        "spam",
        "buy now",
        True,
    )
    assert event.thread_items[0].schema_variant == "partial"
    assert event.reported_in_thread == (ItemRef("p1", "post"),)
    assert event.additional_items[0].id == "u1"
    assert msgspec.json.decode(event.item.data) == {"text": "hello"}
    submissions = {
        event.item.submission_id,
        event.thread_items[0].submission_id,
        event.additional_items[0].submission_id,
    }
    assert len(submissions) == 3


@pytest.mark.parametrize("reason", [None, {}, {"policyId": None, "reason": None, "csam": None}])
async def test_a_reason_may_be_absent_or_null(ingest: Any, reason: Any) -> None:
    """Every part of the reason is optional and may be null."""
    response = await ingest.post("/report", {**REPORT, "reportedForReason": reason})
    assert response.status_code == 201
    event = ingest.broker.events[0]
    assert event.reason is None or not event.reason.csam


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"reporter": {"kind": "rule", **USER}}, ["/reporter/kind"]),
        ({"reporter": {"kind": "user", "id": "", "typeId": "user"}}, ["/reporter/id"]),
        ({"reporter": {"kind": "user", "id": "u", "typeId": ""}}, ["/reporter/typeId"]),
        ({"reporter": {"kind": "user", "id": "u", "typeId": "x" * 513}}, ["/reporter/typeId"]),
        ({"reportedAt": "yesterday"}, ["/reportedAt"]),
        ({"reportedItem": {**POST, "typeId": "no"}}, ["/reportedItem/typeId"]),
        ({"reportedAt": 7}, ["/reportedAt"]),
        ({"reportedForReason": {"csam": "yes"}}, ["/reportedForReason/csam"]),
        ({"reportedItem": {**POST, "data": {}}}, ["/reportedItem/data/text"]),
        ({"reportedItem": None}, ["/reportedItem"]),
        ({"reportedItemThread": [THREAD]}, ["/reportedItemThread/0"]),
        ({"reportedItemThread": [{**POST, "data": {"text": 1}}]},
         ["/reportedItemThread/0/data/text"]),
        ({"additionalItems": [{**POST, "id": ""}]}, ["/additionalItems/0/id"]),
        ({"reportedItem": THREAD, "additionalItems": [POST]}, ["/additionalItems"]),
        ({"additionalItems": [POST] * 1001}, ["/additionalItems"]),
        ({"reportedItemsInThread": [USER] * 1001}, ["/reportedItemsInThread"]),
        ({"reporter": None, "reportedAt": None}, ["/reporter", "/reportedAt"]),
    ],
)  # fmt: skip
async def test_a_wrong_report(ingest: Any, change: dict[str, Any], expected: list[str]) -> None:
    """Each wrong part is an error with its pointer, and nothing is published."""
    response = await ingest.post("/report", {**REPORT, **change})
    status = 413 if any(isinstance(v, list) and len(v) > 1000 for v in change.values()) else 400
    assert pointers(response, status) == expected
    assert ingest.broker.messages == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"reportedForReason": {"reason": 4}},
            'The field "reportedForReason.reason" is wrong: '
            "Expected `string | null`, got `integer`.",
        ),
        (
            {"reportedItemsInThread": [3.5]},
            'The field "reportedItemsInThread[0]" is wrong: Expected `object`, got `number`.',
        ),
        (
            {"reporter": {"kind": "a str", **USER}},
            "The field \"reporter.kind\" is wrong: Invalid enum value 'a str'.",
        ),
        (
            {"reportedAt": "yesterday"},
            "It must be a date and time such as 2024-05-01T10:00:00.000Z.",
        ),
    ],
)
async def test_a_refusal_speaks_of_json(ingest: Any, change: dict[str, Any], says: str) -> None:
    """The very field is named, types as JSON calls them, examples as they are to be written."""
    response = await ingest.post("/report", {**REPORT, **change})
    assert [error["detail"] for error in response.json()["errors"]] == [says]


async def test_all_errors_of_a_report_are_listed(ingest: Any) -> None:
    """Errors of different parts come in one answer."""
    body: dict[str, Any] = {
        **REPORT,
        "reportedAt": "?",
        "reportedItem": {**POST, "id": ""},
        "additionalItems": [{**POST, "data": 7}],
    }
    assert pointers(await ingest.post("/report", body)) == [
        "/reportedAt",
        "/reportedItem/id",
        "/additionalItems/0/data",
    ]


async def test_a_thread_may_be_reported(ingest: Any) -> None:
    """The reported item may be of any kind."""
    response = await ingest.post("/report", {**REPORT, "reportedItem": THREAD})
    assert response.status_code == 201


async def test_a_report_too_large_for_the_log(make_ingest: Any) -> None:
    """A report whose items together exceed what the broker takes is 413."""
    ingest = make_ingest(ingest_max_event=5_000)
    body = {**REPORT, "additionalItems": [{**POST, "data": {"text": "x" * 900}}] * 6}
    assert pointers(await ingest.post("/report", body), 413) == [None]
    assert ingest.broker.messages == []


@pytest.mark.parametrize("path", ["/report", "/report/appeal", "/items/async/"])
async def test_no_acknowledgement_is_503(ingest: Any, path: str) -> None:
    """No report or appeal is answered as kept unless the broker acknowledged it."""
    ingest.broker.fails = True
    bodies = {"/report": REPORT, "/report/appeal": APPEAL, "/items/async/": {"items": [POST]}}
    response = await ingest.post(path, bodies[path])
    assert pointers(response, 503) == [None]
    assert response.headers["retry-after"] == "5"


@pytest.mark.parametrize("path", ["/report/appeal", "/report/appeal/"])
async def test_an_appeal_is_kept_whole(ingest: Any, path: str) -> None:
    """204 without a body; the event carries everything."""
    body = {
        **APPEAL,
        "appealReason": "no",
        "violatingPolicies": [{"id": "spam"}],
        "additionalItems": [{**POST, "id": "p2"}],
    }
    response = await ingest.post(path, body)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers
    (event,) = ingest.broker.events
    assert (event.appeal_id, event.appealed_by) == ("a1", ItemRef("u1", "user"))
    assert event.appealed_at == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert event.actions_taken == ("delete",)
    assert event.violating_policies == ("spam",)
    assert event.appeal_reason == "no"
    assert event.additional_items[0].id == "p2"
    assert ingest.broker.messages[0].key == b"org1/post/p1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"appealId": ""}, ["/appealId"]),
        ({"appealId": 7}, ["/appealId"]),
        ({"appealedAt": "x"}, ["/appealedAt"]),
        ({"actionsTaken": None}, ["/actionsTaken"]),
        ({"actionedItem": {**POST, "typeId": "no"}}, ["/actionedItem/typeId"]),
        ({"additionalItems": [{"id": "u", "typeId": "user", "data": {}}]}, ["/additionalItems/0"]),
        ({"violatingPolicies": [{}]}, ["/violatingPolicies/0"]),
    ],
)
async def test_a_wrong_appeal(ingest: Any, change: dict[str, Any], expected: list[str]) -> None:
    """Each wrong part is an error with its pointer, and nothing is published."""
    assert pointers(await ingest.post("/report/appeal", {**APPEAL, **change})) == expected
    assert ingest.broker.messages == []


@pytest.mark.parametrize("settings", [None, OrgSettings(id="settings", name="One")])
async def test_appeals_may_be_off(ingest: Any, settings: OrgSettings | None) -> None:
    """An organisation that has appeals off, or no settings, gets 409."""
    ingest.configure(Kind.SETTINGS, settings, "settings")
    response = await ingest.post("/report/appeal", APPEAL)
    assert pointers(response, 409) == [None]
    assert response.json()["errors"][0]["type"] == ["/errors/conflict"]
    assert ingest.broker.messages == []


@pytest.mark.parametrize("path", ["/report", "/report/appeal"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":NaN}', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_report(ingest: Any, path: str, body: bytes) -> None:
    """Bad JSON is 400 on every route."""
    response = await ingest.post(path, body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("path", ["/report", "/report/appeal"])
async def test_no_key(ingest: Any, path: str) -> None:
    """Authentication is checked before the body on every route."""
    assert pointers(await ingest.post(path, b"not JSON", key="no"), 401) == [None]


REFERENCES = "x-coop-unknown-references"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"reporter": {"kind": "user", "id": "u1", "typeId": "no"}}, "/reporter/typeId"),
        ({"reporter": {"kind": "user", "id": "u1", "typeId": "post"}}, "/reporter/typeId"),
        ({"reporter": {"kind": "user", "id": "u1", "typeId": "other-user"}}, "/reporter/typeId"),
        ({"reportedForReason": {"policyId": "no"}}, "/reportedForReason/policyId"),
        ({"reportedForReason": {"policyId": ""}}, "/reportedForReason/policyId"),
        (
            {"reportedItemsInThread": [{"id": "a", "typeId": "no"}, {"id": "", "typeId": "post"}]},
            "/reportedItemsInThread/0, /reportedItemsInThread/1",
        ),
        ({"reportedItemThread": [{**POST, "typeId": "no"}]}, "/reportedItemThread/0"),
        ({"additionalItems": [POST, {**POST, "typeId": "no"}]}, "/additionalItems/1"),
    ],
)
async def test_what_is_only_named_never_silences_a_report(
    ingest: Any, change: dict[str, Any], named: str
) -> None:
    """What does not exist is left out and said; who reported stays, as they are named."""
    response = await ingest.post("/report", {**REPORT, **change})
    assert response.status_code == 201
    assert response.headers[REFERENCES] == named
    (event,) = ingest.broker.events
    sent = {**REPORT, **change}["reporter"]
    assert event.reporter == ItemRef("u1", sent["typeId"])
    assert event.reason is None or event.reason.policy_id is None
    assert event.reported_in_thread == event.thread_items == ()
    assert len(event.additional_items) == ("additionalItems" in change)


async def test_a_policy_deleted_since_does_not_silence_a_report(ingest: Any) -> None:
    """A policy is there or not at the moment of the report."""
    body = {**REPORT, "reportedForReason": {"policyId": "spam", "reason": "r"}}
    assert REFERENCES not in (await ingest.post("/report", body)).headers
    ingest.configure(Kind.POLICY, None, "spam")
    assert (await ingest.post("/report", body)).headers[REFERENCES]
    before, after = ingest.broker.events
    assert (before.reason.policy_id, after.reason.policy_id) == ("spam", None)
    assert after.reason.reason == "r"


async def test_what_is_only_named_never_silences_an_appeal(ingest: Any) -> None:
    """Policies and actions that do not exist are left out and said; the appellant is answered."""
    body = {
        **APPEAL,
        "appealedBy": {"id": "u1", "typeId": "gone"},
        "actionsTaken": ["no", "delete"],
        "violatingPolicies": [{"id": "nope"}, {"id": "spam"}, {"id": ""}],
        "additionalItems": [{**POST, "typeId": "no"}],
    }
    response = await ingest.post("/report/appeal", body)
    assert response.status_code == 204
    assert response.headers[REFERENCES].split(", ") == [
        "/appealedBy/typeId",
        "/additionalItems/0",
        "/actionsTaken/0",
        "/violatingPolicies/0/id",
        "/violatingPolicies/2/id",
    ]
    (event,) = ingest.broker.events
    assert event.appealed_by == ItemRef("u1", "gone")
    assert event.actions_taken == ("delete",)
    assert event.violating_policies == ("spam",)
    assert event.additional_items == ()


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00"),
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2026-03-01T12:00:00z", "2026-03-01T12:00:00"),
        ("2026-03-01 13:00:00.5+01", "2026-03-01T12:00:00.500"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("20260301T120000Z", "2026-03-01T12:00:00"),
    ],
)
async def test_times_of_all_ordinary_forms(ingest: Any, sent: str, moment: str) -> None:
    """ISO 8601 and RFC 3339, of reports and of appeals."""
    assert (await ingest.post("/report", {**REPORT, "reportedAt": sent})).status_code == 201
    appeal = {**APPEAL, "appealedAt": sent}
    assert (await ingest.post("/report/appeal", appeal)).status_code == 204
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    report, heard = ingest.broker.events
    assert (report.reported_at, heard.appealed_at) == (expected, expected)


async def test_a_day_that_does_not_exist_is_named(ingest: Any) -> None:
    """It rolls over, as in Coop, and the answer says so."""
    response = await ingest.post("/report", {**REPORT, "reportedAt": "2026-02-30T00:00:00Z"})
    assert response.headers["x-coop-doubtful-values"] == "/reportedAt"
    assert ingest.broker.events[0].reported_at == datetime(2026, 3, 2, tzinfo=UTC)


async def test_half_a_pair_in_a_report_is_replaced_where_it_is(ingest: Any) -> None:
    """Such texts are kept in any part of any body, and named."""
    body = msgspec.json.encode({**REPORT, "reportedForReason": {"reason": "x @"}})
    response = await ingest.post("/report", body.replace(b"@", b"\\ud800"))
    assert response.status_code == 201
    assert response.headers["x-coop-replaced-characters"] == "/reportedForReason/reason"
    assert ingest.broker.events[0].reason.reason == "x \ufffd"
    appeal = msgspec.json.encode({**APPEAL, "appealReason": "x @"}).replace(b"@", b"\\u0000")
    assert (await ingest.post("/report/appeal", appeal)).status_code == 204
    assert ingest.broker.events[1].appeal_reason == "x \ufffd"


async def test_unknown_fields_of_a_reported_item_are_named(ingest: Any) -> None:
    """As for items that are sent by themselves."""
    item = {**POST, "data": {"text": "x", "extra": 1}}
    response = await ingest.post("/report", {**REPORT, "reportedItem": item})
    assert response.headers["x-coop-unknown-fields"] == "extra"
