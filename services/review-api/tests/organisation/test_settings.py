"""The organisation's settings: what they may be, and what refers to what."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from coop_contracts.config import Kind, OrgSettings
from coop_review_api.configuration.log import lock
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


@pytest.fixture
async def ban(admin: Any, kit: Any) -> dict[str, Any]:
    """An action on users, with a required parameter."""
    user = await admin.make(
        "/v1/item-types",
        {"name": "Member", "kind": "USER", "fields": [{"name": "bio", "type": "STRING"}]},
    )
    days = {"name": "days", "displayName": "Days", "type": "NUMBER", "required": True, "min": 1}
    made: dict[str, Any] = await admin.make(
        "/v1/actions", kit.action(user["id"], name="Ban", parameters=[days])
    )
    return made


def threshold(action: dict[str, Any], at: int = 3, **fields: Any) -> dict[str, Any]:
    values = {action["id"]: {"days": 7}}
    return {"threshold": at, "actionIds": [action["id"]], "actionParameters": values, **fields}


async def put(admin: Any, **fields: Any) -> Any:
    return await admin.call("PUT", "/v1/settings", {"name": "Acme", **fields})


async def test_everything_is_saved_and_shown(admin: Any, ban: Any) -> None:
    """What was put is what is read, defaults included."""
    fields = {
        "userStrikeTtlDays": 30,
        "userStrikeThresholds": [threshold(ban, 3), threshold(ban, 10)],
        "undoWindow": 0,
        "bulkConfirmationAbove": 5000,
        "evaluationSample": 1,
        "ruleMaxActionsPerMinute": 600,
        "ruleMaxUsersPerHour": 1000,
        "ruleApprovalAbove": 0,
    }
    answer = await put(admin, **fields)
    assert answer.status_code == 200, answer.text
    shown = (await admin.call("GET", "/v1/settings")).json()
    assert {name: shown[name] for name in fields} == fields
    assert (await put(admin)).status_code == 200
    shown = (await admin.call("GET", "/v1/settings")).json()
    assert (shown["undoWindow"], shown["userStrikeThresholds"]) == (10.0, [])
    assert (shown["userStrikeTtlDays"], shown["ruleMaxUsersPerHour"]) == (90, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"userStrikeTtlDays": 0},
        {"userStrikeTtlDays": 3651},
        {"undoWindow": -1},
        {"undoWindow": 3601},
        {"bulkConfirmationAbove": -1},
        {"evaluationSample": 1.01},
        {"evaluationSample": -0.1},
        {"ruleMaxActionsPerMinute": 0},
        {"ruleMaxUsersPerHour": 0},
        {"ruleApprovalAbove": -1},
    ],
)
async def test_numbers_lie_where_their_readers_expect_them(
    admin: Any, fields: dict[str, Any]
) -> None:
    """Out of range is a fault at that field."""
    answer = await put(admin, **fields)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{next(iter(fields))}"]


async def test_thresholds_can_be_carried_out(admin: Any, kit: Any, ban: Any) -> None:
    """Positive, different, with actions that exist, apply to users, and get their parameters."""
    post = await admin.make("/v1/item-types", kit.item_type())
    remove = await admin.make("/v1/actions", kit.action(post["id"], name="Remove post"))
    wrong = {
        "/userStrikeThresholds/1/threshold": [threshold(ban), threshold(ban)],
        "/userStrikeThresholds/0/threshold": [threshold(ban, 0)],
        "/userStrikeThresholds/0/actionIds": [threshold(ban, actionIds=[], actionParameters={})],
        "/userStrikeThresholds/0/actionIds/0": [
            {"threshold": 1, "actionIds": [remove["id"]]},
        ],
        "/userStrikeThresholds/0/actionIds/1": [threshold(ban, actionIds=[ban["id"], ban["id"]])],
        f"/userStrikeThresholds/0/actionParameters/{ban['id']}/days": [
            threshold(ban, actionParameters={})
        ],
        "/userStrikeThresholds/0/actionParameters/other": [
            threshold(ban, actionParameters={ban["id"]: {"days": 1}, "other": {}})
        ],
    }
    for at, thresholds in wrong.items():
        answer = await put(admin, userStrikeThresholds=thresholds)
        assert answer.status_code == 422, at
        assert [one["pointer"] for one in answer.json()["errors"]] == [at], answer.text
    unknown = [{"threshold": 1, "actionIds": ["unknown"]}]
    answer = await put(admin, userStrikeThresholds=unknown)
    assert answer.json()["errors"] == [
        {
            "pointer": "/userStrikeThresholds/0/actionIds/0",
            "reason": "no such action",
            "code": "not-found",
            "params": {"what": "action"},
        }
    ]


async def test_people_may_be_sent_to_review_by_a_threshold(admin: Any) -> None:
    """The built-in actions that apply to users may stand in a threshold, the author's may not."""
    actions = (await admin.call("GET", "/v1/actions?limit=200")).json()["items"]
    by_type = {one["actionType"]: one["id"] for one in actions}
    review = [{"threshold": 2, "actionIds": [by_type["ENQUEUE_TO_MRT"]]}]
    assert (await put(admin, userStrikeThresholds=review)).status_code == 200
    author = [{"threshold": 2, "actionIds": [by_type["ENQUEUE_AUTHOR_TO_MRT"]]}]
    assert (await put(admin, userStrikeThresholds=author)).status_code == 422


async def test_an_action_of_a_threshold_is_not_deleted(admin: Any, ban: Any) -> None:
    """While a threshold names it; afterwards it can be."""
    assert (await put(admin, userStrikeThresholds=[threshold(ban)])).status_code == 200
    refused = await admin.call("DELETE", f"/v1/actions/{ban['id']}")
    assert refused.status_code == 409
    assert refused.json()["usedBy"] == ["settings Acme"]
    assert (await put(admin)).status_code == 200
    assert (await admin.call("DELETE", f"/v1/actions/{ban['id']}")).status_code == 204


async def test_policies_say_whether_their_strikes_count_below(admin: Any) -> None:
    """The flag is saved and shown."""
    made = await admin.make(
        "/v1/policies", {"name": "Hate", "userStrikeCount": 3, "applyStrikesToSubPolicies": True}
    )
    shown = (await admin.call("GET", f"/v1/policies/{made['id']}")).json()
    assert (shown["userStrikeCount"], shown["applyStrikesToSubPolicies"]) == (3, True)


async def test_every_setting_is_saved_and_shown(admin: Any) -> None:
    """Organisation, review console, partial items, wellness, security: as put, so read."""
    queue = await admin.make("/v1/queues", {"name": "NCMEC", "openToEveryone": True})
    fields: dict[str, Any] = {
        "email": "trust@acme.example",
        "websiteUrl": "https://acme.example/about",
        "onCallAlertEmail": "pager@acme.example",
        "hasReportingRulesEnabled": True,
        "hasAppealsEnabled": True,
        "appealCallbackUrl": "https://acme.example/appeal",
        "ignoreCallbackUrl": "https://acme.example/ignore",
        "partialItemsEndpoint": "https://acme.example/items",
        "hideSkipButtonForNonAdmins": True,
        "previewJobsViewEnabled": False,
        "defaultWellness": {
            "muteVideo": False,
            "muteAudio": False,
            "grayscale": False,
            "sepia": True,
            "blurLevel": 6,
            "veilText": True,
            "veilAfter": 30,
            "breakAfterReveals": 20,
            "breakAfterMinutes": 45,
        },
        "requiresSecondFactor": False,
        "sessionHours": 8.5,
        "sessionIdleMinutes": 30,
        "ncmecQueueId": queue["id"],
    }
    assert (await put(admin, **fields)).status_code == 200
    shown = (await admin.call("GET", "/v1/settings")).json()
    assert {name: shown[name] for name in fields} == fields
    session = (await admin.call("GET", "/v1/session")).json()["org"]
    assert session["hideSkipButtonForNonAdmins"] is True
    assert session["previewJobsViewEnabled"] is False
    assert not {"email", "onCallAlertEmail", "appealCallbackUrl", "websiteUrl"} & set(session)


async def test_headers_are_written_and_not_read(admin: Any, engine: Any) -> None:
    """Names are shown, values never: not in an answer, a revision, a difference, nor in the log."""
    secret = "s3cret-value-of-a-header"
    names = ("appealCallback", "ignoreCallback", "partialItems")
    sent = {f"{name}Headers": {"X-Key": f"{secret}-{name}"} for name in names}
    assert (await put(admin, **sent)).status_code == 200
    kept = {f"{name}Headers": {"X-Key": None, "X-Other": secret} for name in names}
    answer = await put(admin, **kept)
    assert answer.status_code == 200, answer.text
    for name in names:
        assert answer.json()[f"{name}HeaderNames"] == ["X-Key", "X-Other"]
    revision = answer.json()["revision"]
    at = "/v1/settings/settings/revisions"
    for path in ("/v1/settings", at, f"{at}/{revision}", f"{at}/{revision}/changes"):
        shown = await admin.call("GET", path)
        assert shown.status_code == 200, path
        assert secret not in shown.text
        assert "v1." not in shown.text, "ciphertext is no more for show"
    async with transaction(engine) as connection:
        stored = await connection.scalar(
            text("SELECT string_agg(c::text, '') FROM review.config_log c")
        )
    assert secret not in stored
    assert (await put(admin, partialItemsHeaders={})).json()["partialItemsHeaderNames"] == []


async def test_an_earlier_state_comes_back(admin: Any) -> None:
    """Settings are restored like any document, as a new revision, secrets included."""
    first = (await put(admin, websiteUrl="https://one.example")).json()["revision"]
    await put(admin, websiteUrl="https://two.example")
    at = f"/v1/settings/settings/revisions/{first}/restore"
    assert (await admin.call("POST", at)).json()["websiteUrl"] == "https://one.example"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"websiteUrl": "javascript:alert(1)"}, "/websiteUrl"),
        ({"websiteUrl": "https://user:secret@acme.example"}, "/websiteUrl"),
        ({"partialItemsEndpoint": "ftp://acme.example"}, "/partialItemsEndpoint"),
        ({"ignoreCallbackUrl": "https://a b.example"}, "/ignoreCallbackUrl"),
        ({"partialItemsHeaders": {"Host": "x"}}, "/partialItemsHeaders/Host"),
        ({"partialItemsHeaders": {"X": None}}, "/partialItemsHeaders/X"),
        ({"ignoreCallbackHeaders": {"X": "a\r\nb"}}, "/ignoreCallbackHeaders/X"),
        ({"onCallAlertEmail": "pager"}, "/onCallAlertEmail"),
        ({"email": "a@b\nBcc: c@d"}, "/email"),
        ({"sessionHours": 0}, "/sessionHours"),
        ({"sessionHours": 1000}, "/sessionHours"),
        ({"sessionIdleMinutes": 0.5}, "/sessionIdleMinutes"),
        ({"defaultWellness": {"blurLevel": 7}}, "/defaultWellness/blurLevel"),
        ({"defaultWellness": {"grayscale": True, "sepia": True}}, "/defaultWellness/sepia"),
        ({"ncmecQueueId": "none"}, "/ncmecQueueId"),
        ({"isDemoOrg": True}, "/isDemoOrg"),
        ({"orgId": "other"}, "/orgId"),
        ({"name": "x" * 256}, "/name"),
    ],
)
async def test_settings_have_faults(admin: Any, fields: dict[str, Any], at: str) -> None:
    """Each fault at its field; what is not the organisation's to say is one."""
    answer = await put(admin, **fields)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [at]


async def test_what_the_operator_said_stays(admin: Any, context: Any, org: Any) -> None:
    """`isDemoOrg` is shown, and no PUT of the organisation changes it."""
    async with transaction(context.engine) as connection:
        configuration = await lock(connection, org.org_id, author="cli", clock=context.clock)
        await configuration.save(
            Kind.SETTINGS, OrgSettings(id="settings", name="Acme", is_demo_org=True)
        )
    assert (await put(admin)).json()["isDemoOrg"] is True


async def test_how_long_items_are_kept_is_the_organisations(admin: Any) -> None:
    """Days from none to ten years, and whether texts are searched, are saved, shown and bounded."""
    before = (await admin.call("GET", "/v1/settings")).json()
    assert (before["itemHistoryDays"], before["itemTextSearch"]) == (30, False)
    answer = await put(admin, itemHistoryDays=0, itemTextSearch=True)
    assert answer.status_code == 200, answer.text
    shown = (await admin.call("GET", "/v1/settings")).json()
    assert (shown["itemHistoryDays"], shown["itemTextSearch"]) == (0, True)
    for days in (-1, 3651, 0.5):
        assert (await put(admin, itemHistoryDays=days)).status_code == 422


async def test_how_long_words_are_kept_is_the_organisations(admin: Any, kit: Any) -> None:
    """For ever, or days from a month to ten years."""
    assert (await admin.call("GET", "/v1/settings")).json()["recordDays"] is None
    for days in (400, None):
        assert (await put(admin, recordDays=days)).status_code == 200
        assert (await admin.call("GET", "/v1/settings")).json()["recordDays"] == days
    for wrong in (29, 3651, 30.5):
        assert kit.pointers(await put(admin, recordDays=wrong)) == ["/recordDays"]


async def test_how_long_closed_jobs_speak_is_the_organisations(admin: Any, kit: Any) -> None:
    """For ever, or days from one to ten years."""
    assert (await admin.call("GET", "/v1/settings")).json()["closedJobDays"] is None
    for days in (400, None):
        assert (await put(admin, closedJobDays=days)).status_code == 200
        assert (await admin.call("GET", "/v1/settings")).json()["closedJobDays"] == days
    for wrong in (0, 3651, 1.5):
        assert kit.pointers(await put(admin, closedJobDays=wrong)) == ["/closedJobDays"]
