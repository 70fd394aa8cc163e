"""A change by which a rule would act on much waits for a second person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, text

from coop_contracts.config import Kind, Rule, RuleStatus
from coop_contracts.permission import Role
from coop_review_api.backtest.table import backtests
from coop_review_api.configuration import log
from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.kernel.schema import audit_log
from coop_review_api.moving.live import WAS_LIVE
from coop_review_api.moving.mover import Destination
from coop_review_api.moving.promotion import promote
from coop_review_api.tally import store as tally
from coop_review_api.tally.figure import Fact
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

ABOVE = 100

JsonRule = dict[str, Any]
MakeRule = Callable[..., Awaitable[JsonRule]]


@pytest.fixture
async def make_rule(admin: Any, kit: Any) -> MakeRule:
    """Makes a rule that removes posts, in the background unless told otherwise."""
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    remove = (await admin.make("/v1/actions", kit.action(post)))["id"]

    async def make(**more: Any) -> JsonRule:
        fields = {"status": "BACKGROUND", "actionIds": [remove], **more}
        made: JsonRule = await admin.make("/v1/rules", kit.rule(post, **fields))
        return made

    return make


@pytest.fixture
async def background(make_rule: MakeRule, admin: Any) -> JsonRule:
    """A rule that nobody counted yet, of an organisation that wants two people."""
    made = await make_rule()
    await allow(admin, ABOVE)
    return made


async def allow(admin: Any, above: int | None) -> None:
    answer = await admin.call("PUT", "/v1/settings", {"name": "Acme", "ruleApprovalAbove": above})
    assert answer.status_code == 200, answer.text


def body_of(rule: JsonRule, **more: Any) -> JsonRule:
    """The rule as it is sent."""
    names = {field.encode_name for field in msgspec.structs.fields(Rule)} - {"id"}
    return {name: value for name, value in rule.items() if name in names} | more


async def go_live(person: Any, rule: JsonRule, **more: Any) -> Any:
    body = body_of(rule, status="LIVE", **more)
    return await person.call("PUT", f"/v1/rules/{rule['id']}", body)


async def propose(person: Any, rule: JsonRule, **more: Any) -> Any:
    body = {"ruleId": rule["id"], "revision": rule["revision"], "note": "Scams from tonight"}
    body["rule"] = body_of(rule, **{"status": "LIVE", **more})
    return await person.call("POST", "/v1/rule-proposals", body)


async def answered(person: Any, proposal: JsonRule, how: str = "approve") -> Any:
    body = {"reason": "Too wide"} if how == "decline" else None
    return await person.call("POST", f"/v1/rule-proposals/{proposal['id']}/{how}", body)


async def now_of(admin: Any, rule: JsonRule) -> JsonRule:
    found: JsonRule = (await admin.call("GET", f"/v1/rules/{rule['id']}")).json()
    return found


async def matched(engine: Any, org_id: str, rule: JsonRule, now: Any, *, a_day: int) -> None:
    """The rule matched so often on each of the last seven days."""
    facts = [
        Fact(
            org_id=org_id,
            figure="matches",
            time=now - timedelta(days=day, hours=12),
            values=(rule["id"], str(rule["revision"])),
        )
        for day in range(7)
        for _ in range(a_day)
    ]
    async with transaction(engine) as connection:
        await tally.count(connection, facts)


async def test_a_rule_of_which_nothing_is_known_waits_for_a_second_person(
    admin: Any, sign_in: Any, background: JsonRule, engine: Any, org: Any, published: Any
) -> None:
    """Turning it on is refused with what is in the way; a proposal shows the difference and who
    asked, another person makes it live, and log, audit and proposal name both."""
    refused = await go_live(admin, background)
    assert refused.status_code == 409, refused.text
    assert refused.json()["type"] == "/problems/needs-approval"
    second = await sign_in(Role.RULES_MANAGER)
    answer = await propose(admin, background)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["expected"], made["above"], made["state"]) == (None, ABOVE, "OPEN")
    assert made["proposedByPerson"]["id"] == admin.user_id
    assert [(one["path"], one["new"]) for one in made["changes"]] == [("/status", "LIVE")]
    assert (made["mine"], made["answerable"]) == (True, False)
    seen = (await second.call("GET", f"/v1/rule-proposals/{made['id']}")).json()
    assert (seen["mine"], seen["answerable"]) == (False, True)
    assert (await now_of(admin, background))["status"] == "BACKGROUND"

    done = (await answered(second, made)).json()
    rule = await now_of(admin, background)
    assert rule["status"] == "LIVE"
    assert (done["state"], done["savedRevision"]) == ("APPROVED", rule["revision"])
    assert (done["proposedBy"], done["decidedBy"]) == (admin.user_id, second.user_id)
    newest = (await published(org.org_id))[-1]
    assert (newest.id, newest.author) == (rule["id"], second.user_id)
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(audit_log.c.actor, audit_log.c.action, audit_log.c.detail)
            .where(audit_log.c.org_id == org.org_id, audit_log.c.action.like("rule-proposal.%"))
            .order_by(audit_log.c.audit_id)
        )
        proposed, approved = rows.all()
    assert (proposed.actor, proposed.action) == (admin.user_id, "rule-proposal.proposed")
    assert (approved.actor, approved.action) == (second.user_id, "rule-proposal.approved")
    assert approved.detail["proposedBy"] == admin.user_id
    assert approved.detail["revision"] == rule["revision"]
    (asked,) = [one for one in await told(second) if one["kind"] == "RULE_PROPOSED"]
    assert (asked["data"]["byId"], asked["data"]["expected"]) == (admin.user_id, None)
    (told_me,) = [one for one in await told(admin) if one["kind"].startswith("RULE_PROPOSAL")]
    assert told_me["data"]["approved"] is True
    assert not [one for one in await told(admin) if one["kind"] == "RULE_PROPOSED"]


async def told(person: Any) -> list[JsonRule]:
    items: list[JsonRule] = (await person.call("GET", "/v1/notifications")).json()["items"]
    return items


async def test_nobody_answers_their_own(admin: Any, sign_in: Any, background: JsonRule) -> None:
    """Who proposed a change neither approves nor declines it, who may not change live rules does
    neither, and only who proposed it withdraws it."""
    second, analyst = await sign_in(Role.RULES_MANAGER), await sign_in(Role.ANALYST)
    made = (await propose(admin, background)).json()
    for how in ("approve", "decline"):
        assert (await answered(admin, made, how)).status_code == 409
        assert (await answered(analyst, made, how)).status_code == 403
    assert (await propose(analyst, background)).status_code == 403
    assert (await answered(second, made, "withdraw")).status_code == 409
    assert (await now_of(admin, background))["revision"] == background["revision"]
    assert (await answered(admin, made, "withdraw")).json()["state"] == "WITHDRAWN"
    assert (await answered(second, made)).status_code == 409


async def test_declining_leaves_the_rule_and_says_why(
    admin: Any, sign_in: Any, background: JsonRule
) -> None:
    """The rule is as it was; who asked is told, and reads the reason."""
    second = await sign_in(Role.RULES_MANAGER)
    made = (await propose(admin, background)).json()
    assert (await answered(second, made, "decline")).json()["state"] == "DECLINED"
    assert (await answered(second, made)).status_code == 409
    shown = (await admin.call("GET", f"/v1/rule-proposals/{made['id']}")).json()
    assert shown["reason"] == "Too wide"
    assert (await now_of(admin, background))["revision"] == background["revision"]
    (news,) = [one for one in await told(admin) if one["kind"] == "RULE_PROPOSAL_DECIDED"]
    assert news["data"]["approved"] is False


async def test_no_other_way_leads_around_it(
    admin: Any, kit: Any, make_rule: MakeRule, context: Any, org: Any, engine: Any
) -> None:
    """Creating a live rule, restoring a live revision, restoring a deleted live rule and turning on
    what was imported are refused as a change is."""
    await allow(admin, None)
    was_live = await make_rule(status="LIVE", name="Once live")
    deleted = await make_rule(status="LIVE", name="Deleted")
    imported = await make_rule(tags=[WAS_LIVE], name="Imported")
    paused = body_of(was_live, status="BACKGROUND")
    await admin.call("PUT", f"/v1/rules/{was_live['id']}", paused)
    await admin.call("DELETE", f"/v1/rules/{deleted['id']}")
    await allow(admin, ABOVE)
    created = body_of(was_live, status="LIVE", name="At once")
    tried = [await admin.call("POST", "/v1/rules", created)]
    for rule in (was_live, deleted):
        path = f"/v1/rules/{rule['id']}/revisions/{rule['revision']}/restore"
        tried.append(await admin.call("POST", path))
    assert {one.json()["type"] for one in tried} == {"/problems/needs-approval"}
    here = Destination(
        engine=engine,
        vault=context.vault,
        clock=context.clock,
        signals=context.signals,
        checks=context.part(DocumentChecks),
    )
    done, refused = await promote(here, org.org_id, applied=True)
    assert (list(done), len(refused)) == ([], 1)
    assert "second person" in refused[0]
    listed = (await admin.call("GET", "/v1/rules")).json()["items"]
    assert {one["id"]: one["status"] for one in listed} == {
        was_live["id"]: "BACKGROUND",
        imported["id"]: "BACKGROUND",
    }


async def test_what_a_live_rule_does_is_guarded_too(
    admin: Any, kit: Any, make_rule: MakeRule
) -> None:
    """Another condition, another action, more policies and a wider limit of a live rule wait for a
    second person; other words, a narrower limit and stopping it do not."""
    live = await make_rule(status="LIVE", maxDailyActions=10)
    post = live["itemTypeIds"][0]
    other = (await admin.make("/v1/actions", kit.action(post, name="Hide")))["id"]
    policy = (await admin.make("/v1/policies", {"name": "Scam"}))["id"]
    await allow(admin, ABOVE)
    wider = await go_live(admin, live, maxDailyActions=ABOVE + 1)
    assert wider.json()["type"] == "/problems/needs-approval"
    await allow(admin, 0)
    for more in (
        {"conditionSet": kit.contains(strings=["a"])},
        {"actionIds": [other]},
        {"policyIds": [policy]},
        {"maxDailyActions": 11},
        {"maxDailyActions": None},
    ):
        refused = await go_live(admin, live, **more)
        assert refused.status_code == 409, (more, refused.text)
    for more in ({"name": "Words"}, {"maxDailyActions": 9}, {"status": "BACKGROUND"}):
        path = f"/v1/rules/{live['id']}"
        saved = await admin.call("PUT", path, body_of(live, **more))
        assert saved.status_code == 200, (more, saved.text)


async def test_what_was_counted_decides(
    admin: Any, sign_in: Any, background: JsonRule, engine: Any, org: Any, clock: Any, kit: Any
) -> None:
    """A rule that matched less than the limit for days goes live by one person; with a condition
    that nobody counted, or one that matched more, it does not; a limit a day is enough."""
    await sign_in(Role.RULES_MANAGER)
    clock.forward(days=8)
    admin = await sign_in(Role.ADMIN)
    await matched(engine, org.org_id, background, clock(), a_day=20)

    async def previewed(**more: Any) -> JsonRule:
        body = {"ruleId": background["id"], "rule": body_of(background, status="LIVE", **more)}
        found: JsonRule = (await admin.call("POST", "/v1/rule-proposals/preview", body)).json()
        return found

    known = await previewed()
    assert (known["expected"], known["basis"], known["needsApproval"]) == (20, "MATCHES", False)
    assert known["above"] == ABOVE
    changed = await previewed(conditionSet=kit.contains(strings=["a"]))
    assert (changed["expected"], changed["needsApproval"]) == (None, True)
    limited = await previewed(conditionSet=kit.contains(strings=["a"]), maxDailyActions=ABOVE)
    assert (limited["expected"], limited["basis"], limited["needsApproval"]) == (
        ABOVE,
        "LIMIT",
        False,
    )
    await matched(engine, org.org_id, background, clock(), a_day=100)
    assert (await previewed())["needsApproval"] is True
    assert (await propose(admin, background)).json()["expected"] == 120
    await allow(admin, 120)
    assert (await go_live(admin, background)).status_code == 200


async def test_a_backtest_of_the_condition_says_it_as_well(
    admin: Any, sign_in: Any, background: JsonRule, engine: Any, org: Any, clock: Any
) -> None:
    """A backtest of a day counts, what it could not decide as matched; a shorter one, and one of
    another condition, do not."""
    await sign_in(Role.RULES_MANAGER)
    now = clock()

    async def tried(hours: float, **more: Any) -> int | None:
        async with transaction(engine) as connection:
            entry = await log.read(connection, org.org_id, Kind.RULE, Rule, background["id"])
            assert entry is not None
            row = {
                "backtest_id": f"{hours}-{more}-{now.isoformat()}",
                "org_id": org.org_id,
                "rule_id": background["id"],
                "rule": msgspec.json.encode(entry.document).decode(),
                "start_time": now - timedelta(hours=hours),
                "end_time": now,
                "values_of": "TODAY",
                "acts": False,
                "state": "COMPLETE",
                "created_by": admin.user_id,
                "created_at": now,
                "updated_at": now,
                **more,
            }
            await connection.execute(insert(backtests).values(row))
        body = {"ruleId": background["id"], "rule": body_of(background, status="LIVE")}
        found = (await admin.call("POST", "/v1/rule-proposals/preview", body)).json()
        expected: int | None = found["expected"]
        return expected

    assert await tried(22, passed=5) is None
    other = msgspec.json.encode(
        Rule(id="r", name="r", status=RuleStatus.LIVE, item_type_ids=(), condition_set={})
    )
    assert await tried(48, passed=5, rule=other.decode()) is None
    assert await tried(48, passed=60, unknown=20) == 40
    assert (await go_live(admin, background)).status_code == 200


async def test_a_rule_that_was_changed_since_is_asked_for_again(
    admin: Any, sign_in: Any, background: JsonRule
) -> None:
    """A proposal of an earlier revision is answered by 412 and shown as outdated; a new one takes
    its place."""
    second = await sign_in(Role.RULES_MANAGER)
    made = (await propose(admin, background)).json()
    renamed = body_of(background, name="Renamed")
    changed = (await admin.call("PUT", f"/v1/rules/{background['id']}", renamed)).json()
    late = await answered(second, made)
    assert (late.status_code, late.headers["ETag"]) == (412, f'"{changed["revision"]}"')
    assert (await propose(admin, background)).status_code == 412
    waiting = (await admin.call("GET", "/v1/rule-proposals", params={"state": "OPEN"})).json()
    assert [one["state"] for one in waiting["items"]] == ["OUTDATED"]
    anew = (await propose(second, changed)).json()
    assert anew["state"] == "OPEN"
    shown = (await admin.call("GET", f"/v1/rule-proposals/{made['id']}")).json()
    assert shown["state"] == "REPLACED"
    assert (await answered(admin, anew)).json()["state"] == "APPROVED"


async def test_of_two_answers_one_counts(admin: Any, sign_in: Any, background: JsonRule) -> None:
    """Two people who approve at the same moment save the rule once; the same one may ask again."""
    others = [await sign_in(Role.RULES_MANAGER) for _ in range(4)]
    made = (await propose(admin, background)).json()
    answers = await asyncio.gather(*(answered(one, made) for one in others))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert (await now_of(admin, background))["revision"] == background["revision"] + 2
    (first,) = [one for one in answers if one.status_code == 200]
    again = next(one for one in others if one.user_id == first.json()["decidedBy"])
    assert (await answered(again, made)).json() == first.json()


async def test_who_may_no_longer_cannot_have_asked(
    admin: Any, sign_in: Any, background: JsonRule
) -> None:
    """What somebody proposed who was removed, or lost the permission, is not approved."""
    for how in ("removed", "demoted"):
        asker, second = await sign_in(Role.RULES_MANAGER), await sign_in(Role.RULES_MANAGER)
        made = (await propose(asker, background)).json()
        path = f"/v1/users/{asker.user_id}"
        if how == "removed":
            assert (await admin.call("DELETE", path)).status_code == 204
        else:
            assert (await admin.call("PATCH", path, {"role": "ANALYST"})).status_code == 200
        refused = await answered(second, made)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
        assert (await answered(second, made, "decline")).status_code == 200
    assert (await now_of(admin, background))["status"] == "BACKGROUND"


async def test_where_nobody_else_may_it_is_said_before(
    admin: Any, sign_in: Any, background: JsonRule
) -> None:
    """The preview says that there is nobody, and nothing waits for nobody."""
    await sign_in(Role.ANALYST)
    people = (await admin.call("GET", "/v1/users")).json()["items"]
    (first,) = [one["id"] for one in people if one["createdBy"] == "cli"]
    assert (await admin.call("DELETE", f"/v1/users/{first}")).status_code == 204
    body = {"ruleId": background["id"], "rule": body_of(background, status="LIVE")}
    found = (await admin.call("POST", "/v1/rule-proposals/preview", body)).json()
    assert (found["needsApproval"], found["approvers"]) == (True, 0)
    refused = await propose(admin, background)
    assert refused.status_code == 409
    assert "nobody else may approve" in refused.json()["detail"]
    assert (await go_live(admin, background, maxDailyActions=ABOVE)).status_code == 200


async def test_a_proposal_ends_after_a_week(
    admin: Any, sign_in: Any, background: JsonRule, clock: Any
) -> None:
    """What nobody answered for seven days is not approved any more."""
    await sign_in(Role.RULES_MANAGER)
    made = (await propose(admin, background)).json()
    clock.forward(days=7, minutes=1)
    late = await sign_in(Role.RULES_MANAGER)
    assert (await answered(late, made)).status_code == 409
    shown = (await late.call("GET", f"/v1/rule-proposals/{made['id']}")).json()
    assert (shown["state"], shown["answerable"]) == ("EXPIRED", False)


async def test_killed_while_it_is_saved_nothing_happened(
    admin: Any, sign_in: Any, background: JsonRule, engine: Any, owner_engine: Any
) -> None:
    """A connection that ends between the rule's revision and its event leaves the proposal open and
    the rule in the background; approving again makes it live."""
    second = await sign_in(Role.RULES_MANAGER)
    made = (await propose(admin, background)).json()
    async with owner_engine.connect() as holder:
        await holder.execute(text("LOCK TABLE review.outbox IN SHARE MODE"))
        approving = asyncio.create_task(answered(second, made))
        pid = await _waiting_for_the_outbox(holder)
        await holder.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        await holder.rollback()
    assert (await approving).status_code >= 500
    assert (await now_of(admin, background))["revision"] == background["revision"]
    shown = (await admin.call("GET", f"/v1/rule-proposals/{made['id']}")).json()
    assert shown["state"] == "OPEN"
    assert (await answered(second, made)).json()["state"] == "APPROVED"
    assert (await now_of(admin, background))["status"] == "LIVE"


async def _waiting_for_the_outbox(connection: Any) -> int:
    """The process of the connection that waits to write there."""
    asked = text(
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE "
        "'%review.outbox%'"
    )
    async with asyncio.timeout(30):
        while True:
            await connection.execute(text("SELECT pg_stat_clear_snapshot()"))
            found: int | None = await connection.scalar(asked)
            if found is not None:
                return found
            await asyncio.sleep(0.02)


async def test_what_needs_nobody_is_not_proposed(
    admin: Any, sign_in: Any, background: JsonRule
) -> None:
    """A change that one person may make, and a new rule, are not proposed; without a limit nothing
    needs anybody."""
    await sign_in(Role.RULES_MANAGER)
    assert (await propose(admin, background, status="BACKGROUND")).status_code == 409
    fresh = {**background, "id": "new"}
    assert "in the background first" in (await propose(admin, fresh)).json()["detail"]
    await allow(admin, None)
    assert (await propose(admin, background)).status_code == 409
    assert (await go_live(admin, background)).status_code == 200
