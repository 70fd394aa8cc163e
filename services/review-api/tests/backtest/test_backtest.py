"""Backtests and retroactions over HTTP: what is asked for, what comes of it, who may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from coop_contracts.config import TextBank
from coop_contracts.event import (
    BacktestProgressed,
    BacktestRequested,
    BacktestSample,
    ConditionResult,
    ItemRef,
)
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.backtest.request import BacktestLimits
from coop_review_api.backtest.result import SAMPLES, BacktestResults, rank_of
from coop_review_api.backtest.table import backtest_samples, backtests
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

pytestmark = pytest.mark.engines

NOW = datetime.now(UTC)


def window(**more: Any) -> dict[str, Any]:
    return {
        "start": (NOW - timedelta(days=2)).isoformat(),
        "end": (NOW - timedelta(hours=1)).isoformat(),
        **more,
    }


async def asked(engine: Any, org_id: str) -> list[BacktestRequested]:
    """What the outbox holds of an organisation's backtests, in order."""
    async with transaction(engine) as connection:
        values = await connection.scalars(
            select(outbox.c.value)
            .where(outbox.c.topic == BacktestRequested.topic)
            .order_by(outbox.c.id)
        )
        events = [msgspec.json.decode(value, type=BacktestRequested) for value in values]
    return [event for event in events if event.org_id == org_id]


Rule = dict[str, Any]
MakeRule = Callable[..., Awaitable[Rule]]


@pytest.fixture
def make_rule(admin: Any, kit: Any) -> MakeRule:
    async def make(**more: Any) -> Rule:
        name = more.pop("type_name", None) or f"Post {new_id()}"
        item_type = await admin.make("/v1/item-types", kit.item_type(name))
        actions = []
        if more.pop("acts", False):
            action = kit.action(item_type["id"], name=f"Remove {new_id()}")
            actions = [(await admin.make("/v1/actions", action))["id"]]
        fields = kit.rule(item_type["id"], name=f"Rule {new_id()}", actionIds=actions, **more)
        made: Rule = await admin.make("/v1/rules", fields)
        return made

    return make


def said(backtest_id: str, org_id: str, **more: Any) -> Received[BacktestProgressed]:
    fields: dict[str, Any] = {
        "state": "RUNNING",
        "scanned": 10,
        "evaluated": 8,
        "passed": 3,
        "progress": 0.5,
    }
    event = BacktestProgressed(
        event_id=new_id(),
        org_id=org_id,
        time=datetime.now(UTC),
        correlation_id=backtest_id,
        backtest_id=backtest_id,
        **{**fields, **more},
    )
    return Received(event, b"key", BacktestProgressed.topic, 0, 0, {}, 0)


def sample(number: int, *, passed: bool | None = True, live: bool | None = False) -> BacktestSample:
    return BacktestSample(
        submission_id=f"submission-{number}",
        item=ItemRef(f"item-{number}\0", "post"),
        time=NOW,
        passed=passed,
        live=live,
        conditions=(ConditionResult(condition="c" * 16, outcome="PASSED", matched_value="a\0b"),),
    )


async def test_a_saved_rule_is_tried(
    admin: Any, engine: Any, org: Any, make_rule: MakeRule
) -> None:
    """Asking for a backtest writes the row and the request with the rule's document at once."""
    rule = await make_rule()
    answer = await admin.call("POST", "/v1/backtests", window(ruleId=rule["id"]))
    assert answer.status_code == 202, answer.text
    view = answer.json()
    assert view["state"] == "REQUESTED"
    assert (view["ruleId"], view["ruleRevision"]) == (rule["id"], rule["revision"])
    (event,) = await asked(engine, org.org_id)
    assert (event.backtest_id, event.values, event.acts) == (view["id"], "TODAY", False)
    assert msgspec.json.decode(event.rule)["conditionSet"] == rule["conditionSet"]
    assert event.actor_id == admin.user_id
    found = await admin.call("GET", f"/v1/backtests/{view['id']}")
    assert found.json() == view
    listed = await admin.call("GET", "/v1/backtests", params={"ruleId": rule["id"]})
    assert [one["id"] for one in listed.json()["items"]] == [view["id"]]


async def test_an_unsaved_rule_is_checked_as_when_it_is_saved(
    admin: Any, engine: Any, org: Any, kit: Any, make_rule: MakeRule
) -> None:
    """An unsaved rule with faults is refused with the faults of saving it; a good one is tried
    under the id that is given, or a new one."""
    rule = await make_rule()
    bad = kit.rule(rule["itemTypeIds"][0], name="Other")
    bad["conditionSet"]["conditions"][0]["matchingValues"] = {"textBankIds": ["none"]}
    bad["actionIds"] = ["none"]
    saved = await admin.call("POST", "/v1/rules", bad)
    tried = await admin.call("POST", "/v1/backtests", window(rule=bad))
    assert saved.status_code == tried.status_code == 422
    assert [("/rule" + one["pointer"], one["reason"]) for one in saved.json()["errors"]] == [
        (one["pointer"], one["reason"]) for one in tried.json()["errors"]
    ]
    taken = kit.rule(rule["itemTypeIds"][0], name=rule["name"])
    assert (await admin.call("POST", "/v1/backtests", window(rule=taken))).status_code == 409
    edit = await admin.call("POST", "/v1/backtests", window(rule=taken, ruleId=rule["id"]))
    assert edit.status_code == 202, edit.text
    assert (edit.json()["ruleId"], edit.json()["ruleRevision"]) == (rule["id"], None)
    assert len(await asked(engine, org.org_id)) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"start": "2030-01-01T00:00:00Z", "end": "2031-01-01T00:00:00Z"}, "/start"),
        ({"start": "2020-01-02T00:00:00Z", "end": "2020-01-01T00:00:00Z"}, "/start"),
        ({"start": "2020-01-02T00:00:00"}, "/start"),
        ({"values": "YESTERDAY"}, "/values"),
    ],
)
async def test_what_cannot_be_tried_is_refused(
    admin: Any, make_rule: MakeRule, body: dict[str, Any], pointer: str
) -> None:
    """No rule, times in the future or the wrong way round: 422 with the place."""
    rule_id = (await make_rule())["id"] if body else None
    answer = await admin.call("POST", "/v1/backtests", window(ruleId=rule_id) | body)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_results_are_kept_whatever_comes_twice(
    admin: Any, engine: Any, org: Any, make_rule: MakeRule
) -> None:
    """Counts go forward only, the end stays the end, samples are kept once and bounded by class;
    another organisation's result changes nothing."""
    rule = await make_rule()
    answer = await admin.call("POST", "/v1/backtests", window(ruleId=rule["id"]))
    backtest_id = answer.json()["id"]
    results = BacktestResults(engine)

    async def state() -> dict[str, Any]:
        found: dict[str, Any] = (await admin.call("GET", f"/v1/backtests/{backtest_id}")).json()
        return found

    first = said(backtest_id, org.org_id, samples=tuple(sample(n) for n in range(40)))
    second = said(
        backtest_id,
        org.org_id,
        progress=0.8,
        scanned=20,
        samples=tuple(sample(n) for n in range(30, 130)),
        unavailable={"OPEN_AI\0": 2},
        data_from=NOW,
    )
    await results([first, second])
    await results([first])
    view = await state()
    assert (view["state"], view["progress"], view["counts"]["scanned"]) == ("RUNNING", 0.8, 20)
    assert list(view["counts"]["unavailable"].values()) == [2]
    assert view["dataFrom"] is not None
    await results([said(backtest_id, "somebody else", state="FAILED", progress=1.0)])
    end = said(
        backtest_id,
        org.org_id,
        state="COMPLETE",
        progress=1.0,
        samples=(sample(500, passed=None, live=None), sample(501, passed=False, live=True)),
    )
    await results([end])
    await results([second, said(backtest_id, org.org_id, state="CANCELLED", progress=1.0)])
    assert (await state())["state"] == "COMPLETE"
    async with transaction(engine) as connection:
        kept = (
            await connection.execute(
                select(backtest_samples).where(backtest_samples.c.backtest_id == backtest_id)
            )
        ).all()
    newly = sorted(one.rank for one in kept if one.passed)
    assert len(newly) == SAMPLES
    assert len(kept) == SAMPLES + 2
    wanted = sorted(rank_of(f"submission-{n}") for n in range(130))[:SAMPLES]
    assert newly == wanted


async def test_samples_are_paged_and_filtered(
    admin: Any, engine: Any, org: Any, make_rule: MakeRule
) -> None:
    """Every sample comes once over the pages; those that differ from the live rule can be asked
    for."""
    rule = await make_rule()
    answer = await admin.call("POST", "/v1/backtests", window(ruleId=rule["id"]))
    path = f"/v1/backtests/{answer.json()['id']}/samples"
    samples = (
        *(sample(n) for n in range(7)),
        *(sample(n, live=True) for n in range(7, 10)),
        sample(10, passed=False, live=True),
        sample(11, passed=None, live=None),
    )
    await BacktestResults(engine)([said(answer.json()["id"], org.org_id, samples=samples)])
    seen: list[str] = []
    cursor = None
    while True:
        parameters = {"limit": "5"} | ({"cursor": cursor} if cursor else {})
        page = (await admin.call("GET", path, params=parameters)).json()
        seen += [one["submissionId"] for one in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(one.submission_id for one in samples)
    assert len(set(seen)) == len(seen)
    for difference, count in (
        ("PASSING", 10),
        ("NEWLY_PASSING", 7),
        ("NO_LONGER_PASSING", 1),
        ("UNKNOWN", 1),
    ):
        page = (await admin.call("GET", path, params={"difference": difference})).json()
        assert len(page["items"]) == count, difference
    assert page["items"][0]["conditions"][0]["matchedValue"] == "a\0b"
    forged = await admin.call("GET", path, params={"cursor": "bm90LWEtcmFuaw"})
    assert forged.status_code == 422


async def test_cancelling_asks_once(admin: Any, engine: Any, org: Any, make_rule: MakeRule) -> None:
    """A cancellation goes onto the log once, whatever is pressed twice; what has ended stays."""
    rule = await make_rule()
    made = (await admin.call("POST", "/v1/backtests", window(ruleId=rule["id"]))).json()
    for _ in range(2):
        answer = await admin.call("POST", f"/v1/backtests/{made['id']}/cancel")
        assert answer.json()["state"] == "CANCELLING"
    events = await asked(engine, org.org_id)
    assert [event.cancelled for event in events] == [False, True]
    assert events[1].backtest_id == made["id"]
    await BacktestResults(engine)([said(made["id"], org.org_id, state="CANCELLED")])
    answer = await admin.call("POST", f"/v1/backtests/{made['id']}/cancel")
    assert answer.json()["state"] == "CANCELLED"
    assert len(await asked(engine, org.org_id)) == 2


async def test_a_recorded_backtest_brings_the_banks_of_the_time(
    admin: Any, engine: Any, org: Any, kit: Any, make_rule: MakeRule
) -> None:
    """With the values of the time the request has every state that the rule's banks had since the
    start and have no longer; with today's it has none."""
    bank = await admin.make(
        "/v1/text-banks", {"name": f"Bank {new_id()}", "type": "STRING", "strings": ["one"]}
    )
    path = f"/v1/text-banks/{bank['id']}"
    for strings in (["one", "two"], ["three"]):
        body = {"name": bank["name"], "type": "STRING", "strings": strings}
        assert (await admin.call("PUT", path, body)).status_code == 200
    rule = await make_rule(conditionSet=kit.contains(textBankIds=[bank["id"]]))
    for values in ("RECORDED", "TODAY"):
        body = window(ruleId=rule["id"], values=values)
        assert (await admin.call("POST", "/v1/backtests", body)).status_code == 202
    recorded, today = await asked(engine, org.org_id)
    assert today.past == ()
    states = {
        one.revision: msgspec.json.decode(one.document, type=TextBank).strings
        for one in recorded.past
    }
    assert [states[revision] for revision in sorted(states)] == [("one",), ("one", "two")]
    assert min(states) == bank["revision"]


async def test_what_does_not_fit_is_left_out_from_the_oldest_on(
    admin: Any, engine: Any, org: Any, kit: Any, make_rule: MakeRule, context: Any
) -> None:
    """Too many earlier states: the newest are taken, without a hole, so that no state is taken for
    another."""
    context.parts[BacktestLimits] = BacktestLimits(past_bytes=700)
    body = {"name": f"Bank {new_id()}", "type": "STRING", "strings": ["0" * 100]}
    bank = await admin.make("/v1/text-banks", body)
    for number in range(1, 6):
        body["strings"] = [str(number) * 100]
        await admin.call("PUT", f"/v1/text-banks/{bank['id']}", body)
    rule = await make_rule(conditionSet=kit.contains(textBankIds=[bank["id"]]))
    await admin.call("POST", "/v1/backtests", window(ruleId=rule["id"], values="RECORDED"))
    (event,) = await asked(engine, org.org_id)
    strings = [msgspec.json.decode(one.document, type=TextBank).strings[0][0] for one in event.past]
    assert strings == sorted(strings, reverse=True)
    assert strings[0] == "4"
    assert 0 < len(strings) < 5


async def test_too_many_at_once_are_refused(
    admin: Any, engine: Any, org: Any, make_rule: MakeRule, context: Any
) -> None:
    """An organisation has a bounded number under way, and a bounded number of finished ones."""
    context.parts[BacktestLimits] = BacktestLimits(under_way=2, kept=1)
    rule = await make_rule()
    body = window(ruleId=rule["id"])
    made = [(await admin.call("POST", "/v1/backtests", body)).json()["id"] for _ in range(2)]
    assert (await admin.call("POST", "/v1/backtests", body)).status_code == 409
    async with transaction(engine) as connection:
        await connection.execute(
            update(backtests).where(backtests.c.backtest_id.in_(made)).values(state="COMPLETE")
        )
    assert (await admin.call("POST", "/v1/backtests", body)).status_code == 202
    listed = (await admin.call("GET", "/v1/backtests")).json()["items"]
    assert [one["id"] for one in listed[1:]] == [made[1]]


async def test_a_retroaction_acts_after_confirmation_only(
    admin: Any, engine: Any, org: Any, make_rule: MakeRule
) -> None:
    """First the preview, which acts on nothing; then, with its very number confirmed, the run, with
    the rule as it was previewed; confirming twice is once."""
    rule = await make_rule(acts=True)
    answer = await admin.call("POST", "/v1/retroactions", window(ruleId=rule["id"], rate=5))
    assert answer.status_code == 202, answer.text
    made = answer.json()
    path = f"/v1/retroactions/{made['id']}"
    assert (made["state"], made["run"]) == ("PREVIEWING", None)
    (preview,) = await asked(engine, org.org_id)
    assert preview.acts is False
    for passed in (0, 7):  # the number of a preview that goes on is not the reason
        early = await admin.call("POST", f"{path}/confirm", {"passed": passed})
        assert early.status_code == 409
        assert early.json()["detail"] == "a retroaction that is PREVIEWING cannot be confirmed"
    results = BacktestResults(engine)
    await results(
        [
            said(
                preview.backtest_id,
                org.org_id,
                state="COMPLETE",
                progress=1.0,
                passed=3,
                samples=(sample(1),),
            )
        ]
    )
    assert (await admin.call("GET", path)).json()["state"] == "AWAITING_CONFIRMATION"
    samples = (await admin.call("GET", f"{path}/samples")).json()["items"]
    assert [one["submissionId"] for one in samples] == ["submission-1"]
    wrong = await admin.call("POST", f"{path}/confirm", {"passed": 4})
    assert wrong.status_code == 409
    changed = {name: rule[name] for name in ("name", "status", "itemTypeIds", "conditionSet")}
    changed["actionIds"] = []
    assert (await admin.call("PUT", f"/v1/rules/{rule['id']}", changed)).status_code == 200
    for _ in range(2):
        confirmed = await admin.call("POST", f"{path}/confirm", {"passed": 3})
        assert confirmed.status_code == 202, confirmed.text
        assert confirmed.json()["state"] == "ACTING"
        assert confirmed.json()["confirmedBy"] == admin.user_id
    events = await asked(engine, org.org_id)
    assert [event.acts for event in events] == [False, True]
    run = events[1]
    assert (run.rate, run.backtest_id != preview.backtest_id) == (5, True)
    assert msgspec.json.decode(run.rule) == msgspec.json.decode(preview.rule)
    await results([said(run.backtest_id, org.org_id, state="COMPLETE", progress=1.0, acted=3)])
    view = (await admin.call("GET", path)).json()
    assert (view["state"], view["run"]["counts"]["acted"]) == ("COMPLETE", 3)
    hidden = await admin.call("GET", f"/v1/backtests/{run.backtest_id}")
    assert hidden.status_code == 404
    assert (await admin.call("GET", "/v1/backtests")).json()["items"] == []


async def test_a_retroaction_can_be_cancelled_at_each_step(
    admin: Any, engine: Any, org: Any, make_rule: MakeRule
) -> None:
    """Cancelled while it previews, waits, or acts, it acts no further, and cannot be confirmed."""
    rule = await make_rule(acts=True)
    results = BacktestResults(engine)

    async def begun() -> tuple[str, str]:
        body = window(ruleId=rule["id"])
        made = (await admin.call("POST", "/v1/retroactions", body)).json()["id"]
        return f"/v1/retroactions/{made}", (await asked(engine, org.org_id))[-1].backtest_id

    path, preview = await begun()
    answer = await admin.call("POST", f"{path}/cancel")
    assert answer.json()["state"] == "CANCELLING"
    assert (await asked(engine, org.org_id))[-1].cancelled
    await results([said(preview, org.org_id, state="CANCELLED")])
    assert (await admin.call("GET", path)).json()["state"] == "CANCELLED"

    path, preview = await begun()
    await results([said(preview, org.org_id, state="COMPLETE", progress=1.0)])
    answer = await admin.call("POST", f"{path}/cancel")
    assert answer.json()["state"] == "CANCELLED"
    assert (await admin.call("POST", f"{path}/confirm", {"passed": 3})).status_code == 409

    path, preview = await begun()
    await results([said(preview, org.org_id, state="COMPLETE", progress=1.0)])
    await admin.call("POST", f"{path}/confirm", {"passed": 3})
    answer = await admin.call("POST", f"{path}/cancel")
    assert answer.json()["state"] == "CANCELLING"
    last = (await asked(engine, org.org_id))[-1]
    assert (last.acts, last.cancelled) == (True, True)


async def test_a_rule_without_actions_has_nothing_to_take_back_to(
    admin: Any, make_rule: MakeRule
) -> None:
    """A retroaction of a rule without actions is refused."""
    rule = await make_rule()
    answer = await admin.call("POST", "/v1/retroactions", window(ruleId=rule["id"]))
    assert answer.status_code == 422


async def test_who_may(
    admin: Any, sign_in: Any, context: Any, kit: Any, make_rule: MakeRule
) -> None:
    """An analyst may try rules and not act; a moderator neither; another organisation sees
    nothing of it."""
    rule = await make_rule(acts=True)
    body = window(ruleId=rule["id"])
    analyst, moderator = await sign_in(Role.ANALYST), await sign_in(Role.MODERATOR)
    made = (await analyst.call("POST", "/v1/backtests", body)).json()["id"]
    assert (await analyst.call("POST", "/v1/retroactions", body)).status_code == 403
    assert (await moderator.call("POST", "/v1/backtests", body)).status_code == 403
    retroaction = (await admin.call("POST", "/v1/retroactions", body)).json()["id"]
    assert (await analyst.call("GET", f"/v1/retroactions/{retroaction}")).status_code == 403
    other = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    for method, path, sent in (
        ("GET", f"/v1/backtests/{made}", None),
        ("GET", f"/v1/backtests/{made}/samples", None),
        ("POST", f"/v1/backtests/{made}/cancel", None),
        ("GET", f"/v1/retroactions/{retroaction}", None),
        ("GET", f"/v1/retroactions/{retroaction}/samples", None),
        ("POST", f"/v1/retroactions/{retroaction}/cancel", None),
        ("POST", f"/v1/retroactions/{retroaction}/confirm", {"passed": 0}),
        ("POST", "/v1/backtests", body),
    ):
        assert (await other.call(method, path, sent)).status_code == 404, path
    assert (await other.call("GET", "/v1/backtests")).json()["items"] == []
    assert (await other.call("GET", "/v1/retroactions")).json()["items"] == []
