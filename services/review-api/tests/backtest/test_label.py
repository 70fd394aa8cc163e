"""What people decided as a measure of a rule: which items, what of them is said, who sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from coop_contracts.event import BacktestProgressed, BacktestRequested, ItemRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues.job import AppealEntry, JobKind
from coop_queues.store import mark_child_safety
from coop_review_api.backtest.label import acted_of, labels_of
from coop_review_api.backtest.measure import share_of
from coop_review_api.backtest.result import BacktestResults
from coop_review_api.kernel.schema import outbox
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

IGNORE = [{"type": "IGNORE"}]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_the_interval_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    """The ends are those of published tables of the Wilson score interval at 95 %."""
    found = share_of(part, whole)
    assert found is not None
    assert found.share == part / whole
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 1_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(counts: tuple[int, int]) -> None:
    """0 ≤ low ≤ share ≤ high ≤ 1; more of the same is known better; of nothing there is none."""
    part, whole = counts
    found, more = share_of(part, whole), share_of(10 * part, 10 * whole)
    assert found is not None
    assert more is not None
    assert 0 <= found.low <= found.share <= found.high <= 1
    assert more.high - more.low < found.high - found.low
    assert share_of(0, 0) is None


@pytest.mark.parametrize(
    ("types", "acted"),
    [
        (["IGNORE"], False),
        (["CUSTOM_ACTION"], True),
        (["IGNORE", "CUSTOM_ACTION"], True),
        (["ESCALATE_TO_NCMEC"], True),
        (["ACCEPT_APPEAL"], False),
        (["REJECT_APPEAL"], True),
        (["ACCEPT_APPEAL", "CUSTOM_ACTION"], True),
        (["MOVE"], None),
        (["CLOSE"], None),
        (["AUTOMATIC_CLOSE"], None),
        (["RELATED_ACTION"], None),
    ],
)
def test_what_a_decision_says_of_its_item(types: list[str], acted: bool | None) -> None:
    """Acted on, left, or nothing: who moves a job, closes it, or acts on others has not judged."""
    assert acted_of([{"type": one} for one in types]) is acted


class Desk:
    """An organisation whose jobs are decided, with a rule to measure."""

    def __init__(self, admin: Any, org: Any, kit: Any, place: Any, engine: Any) -> None:
        self.admin, self.org, self.kit, self.place, self.engine = admin, org, kit, place, engine

    async def open(self) -> Desk:
        self.post = (await self.admin.make("/v1/item-types", self.kit.item_type()))["id"]
        self.action = (await self.admin.make("/v1/actions", self.kit.action(self.post)))["id"]
        body = {"name": f"Queue {new_id()}", "openToEveryone": True}
        self.queue = (await self.admin.make("/v1/queues", body))["id"]
        fields = self.kit.rule(self.post, name=f"Rule {new_id()}")
        self.rule = (await self.admin.make("/v1/rules", fields))["id"]
        return self

    async def decide(self, item_id: str, *, acts: bool, **entry: Any) -> str:
        await self.place(self.queue, self.post, item_id, **entry)
        act = [{"type": "CUSTOM_ACTION", "actionIds": [self.action]}]
        made: str = await self.admin.decide(self.queue, act if acts else IGNORE)
        return made

    async def tried(self, **more: Any) -> tuple[dict[str, Any], BacktestRequested]:
        """A backtest of the rule, and the request on the log."""
        now = datetime.now(UTC)
        body = {"ruleId": self.rule, "start": (now - timedelta(days=2)).isoformat()}
        path = more.pop("path", "/v1/backtests")
        answer = await self.admin.call("POST", path, {**body, "end": now.isoformat(), **more})
        assert answer.status_code == 202, answer.text
        async with transaction(self.engine) as connection:
            value = await connection.scalar(
                select(outbox.c.value)
                .where(outbox.c.topic == BacktestRequested.topic)
                .order_by(outbox.c.id.desc())
                .limit(1)
            )
        assert value is not None
        return answer.json(), msgspec.json.decode(value, type=BacktestRequested)

    async def says(self, backtest_id: str, judged: str, **more: Any) -> None:
        event = BacktestProgressed(
            event_id=new_id(),
            org_id=self.org.org_id,
            time=datetime.now(UTC),
            correlation_id=backtest_id,
            backtest_id=backtest_id,
            judged=judged,
            **{"state": "RUNNING", "scanned": 9, "evaluated": 9, "passed": 4, **more},
        )
        received = Received(event, b"key", BacktestProgressed.topic, 0, 0, {}, 0)
        await BacktestResults(self.engine)([received])

    async def labels(self, backtest_id: str, person: Any = None, **query: Any) -> list[Any]:
        path = f"/v1/backtests/{backtest_id}/labels"
        found: list[Any] = []
        while True:
            answer = await (person or self.admin).call("GET", path, params={**query, "limit": "2"})
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if answer.json()["nextCursor"] is None:
                return found
            query["cursor"] = answer.json()["nextCursor"]


@pytest.fixture
async def desk(admin: Any, org: Any, kit: Any, place: Any, engine: Any) -> Desk:
    return await Desk(admin, org, kit, place, engine).open()


@pytest.mark.engines
async def test_the_request_names_what_people_decided(desk: Desk, engine: Any, sign_in: Any) -> None:
    """Items that a person acted on or left, the newest first and each once, by what was said of it
    last; nothing that was taken back, made elsewhere, decided by settings, moved, is of another
    type, older than the start, or about child safety. A retroaction's preview asks for none."""
    other = (await desk.admin.make("/v1/item-types", desk.kit.item_type(f"Other {new_id()}")))["id"]
    await desk.decide("acted", acts=True)
    await desk.decide("left", acts=False)
    await desk.decide("twice", acts=False)
    await desk.decide("twice", acts=True)
    await desk.place(desk.queue, other, "of another type")
    await desk.admin.decide(desk.queue, IGNORE)
    await desk.place(desk.queue, desk.post, "moved")
    elsewhere = {"name": f"Elsewhere {new_id()}", "openToEveryone": True}
    to = (await desk.admin.make("/v1/queues", elsewhere))["id"]
    await desk.admin.decide(desk.queue, [{"type": "MOVE", "queueId": to}])
    now = datetime.now(UTC)
    for item_id, values in (
        ("taken back", {"undone_at": now}),
        ("by settings", {"reviewer_id": None}),
        ("made elsewhere", {"came_from": "coop"}),
        ("can be undone", {"leaves_at": now + timedelta(minutes=1)}),
        ("too old", {"decided_at": now - timedelta(days=3)}),
    ):
        made = await desk.decide(item_id, acts=True)
        async with transaction(engine) as connection:
            change = update(decisions).where(decisions.c.decision_id == made)
            await connection.execute(change.values(values))
    await desk.decide("grave", acts=True, csam=True)
    await desk.decide("appealed", acts=True)
    appeal = AppealEntry(
        appeal_id=new_id(), appealed_by=ItemRef(id="author-1", type_id="user"), appealed_at=now
    )
    body = {"name": f"Appeals {new_id()}", "openToEveryone": True, "isAppealsQueue": True}
    appeals = (await desk.admin.make("/v1/queues", body))["id"]
    await desk.place(appeals, desk.post, "appealed", kind=JobKind.APPEAL, appeal=appeal)
    # Another than who decided it.
    await (await sign_in(Role.ADMIN)).decide(appeals, [{"type": "ACCEPT_APPEAL"}])

    view, request = await desk.tried()
    assert [one.id for one in request.labelled] == ["appealed", "twice", "left", "acted"]
    assert {one.type_id for one in request.labelled} == {desk.post}
    found = {one["item"]["id"]: one["acted"] for one in await desk.labels(view["id"])}
    assert found == {"appealed": False, "twice": True, "left": False, "acted": True}
    _, preview = await desk.tried(path="/v1/retroactions", rule=_acting(desk), ruleId=None)
    assert preview.labelled == ()


def _acting(desk: Desk) -> dict[str, Any]:
    rule: dict[str, Any] = desk.kit.rule(
        desk.post, name=f"Acts {new_id()}", actionIds=[desk.action]
    )
    return rule


@pytest.mark.engines
async def test_a_rule_is_measured_by_them(desk: Desk) -> None:
    """Precision and recall of what is judged so far, with their intervals; what comes twice or late
    changes nothing; what disagrees is listed with its job; without labels nothing is said."""
    view, _ = await desk.tried()
    assert view["measured"] is None
    decided = [("a", True), ("b", True), ("c", True), ("d", False), ("e", False), ("f", False)]
    for item_id, acts in decided:
        await desk.decide(item_id, acts=acts)
    view, request = await desk.tried()
    assert [one.id for one in request.labelled] == ["f", "e", "d", "c", "b", "a"]
    empty = {
        "labelled": 6,
        "undecided": 0,
        **dict.fromkeys(("matchedActed", "matchedLeft", "missedActed", "missedLeft"), 0),
        "precision": None,
        "recall": None,
    }
    assert view["measured"] == empty
    await desk.says(view["id"], "FUP---", progress=0.5)
    await desk.says(view["id"], "FUPPFP", progress=0.9)
    await desk.says(view["id"], "------", progress=0.1)  # late
    path = f"/v1/backtests/{view['id']}"
    measured = (await desk.admin.call("GET", path)).json()["measured"]
    assert measured["undecided"] == 1
    assert [measured[one] for one in empty if one.startswith("m")] == [2, 1, 1, 1]
    assert round(measured["precision"]["share"], 3) == 0.667
    assert measured["precision"]["low"] < 0.667 < measured["precision"]["high"]
    assert round(measured["recall"]["share"], 3) == 0.667
    listed = (await desk.admin.call("GET", "/v1/backtests")).json()["items"]
    assert listed[0]["measured"] == measured
    assert listed[1]["measured"] is None
    for agreement, ids in (
        ("MATCHED_LEFT", ["d"]),
        ("MISSED_ACTED", ["b"]),
        ("MATCHED_ACTED", ["c", "a"]),
        ("MISSED_LEFT", ["f"]),
        ("UNDECIDED", ["e"]),
        ("NOT_READ", []),
    ):
        found = await desk.labels(view["id"], agreement=agreement)
        assert [one["item"]["id"] for one in found] == ids, agreement
    (wrong,) = await desk.labels(view["id"], agreement="MATCHED_LEFT")
    assert (wrong["passed"], wrong["acted"]) == (True, False)
    job = await desk.admin.call("GET", f"/v1/jobs/{wrong['jobId']}")
    assert job.json()["itemId"] == "d"
    forged = await desk.admin.call("GET", f"{path}/labels", params={"cursor": "bm90LWEtcmFuaw"})
    assert forged.status_code == 422


@pytest.mark.engines
@pytest.mark.parametrize("judged", ["PP", "P" * 500, "?!", "p\0", ""])
async def test_what_an_engine_says_wrongly_breaks_nothing(desk: Desk, judged: str) -> None:
    """Too few letters, too many, or other ones: those that are good are kept, and the counts."""
    for item_id in ("a", "b", "c"):
        await desk.decide(item_id, acts=True)
    view, _ = await desk.tried()
    await desk.says(view["id"], judged, state="COMPLETE", progress=1.0)
    after = (await desk.admin.call("GET", f"/v1/backtests/{view['id']}")).json()
    assert (after["state"], after["counts"]["passed"]) == ("COMPLETE", 4)
    matched = min(3, judged.count("P"))
    assert after["measured"]["matchedActed"] == matched


@pytest.mark.engines
async def test_who_sees_them(desk: Desk, sign_in: Any, engine: Any, kit: Any) -> None:
    """Whoever may run backtests, without a word on who decided; of an item that came to be about
    child safety only who may see such, with a trace; no other organisation."""
    await desk.decide("plain", acts=True)
    made = await desk.decide("became grave", acts=True)
    view, _ = await desk.tried()
    async with transaction(engine) as connection:
        job_id = await connection.scalar(
            select(decisions.c.job_id).where(decisions.c.decision_id == made)
        )
        assert job_id is not None
        await mark_child_safety(connection, desk.org.org_id, job_id)
    analyst, moderator = await sign_in(Role.ANALYST), await sign_in(Role.MODERATOR)
    assert [one["item"]["id"] for one in await desk.labels(view["id"], analyst)] == ["plain"]
    assert len(await desk.labels(view["id"])) == 2
    audit = (await desk.admin.call("GET", "/v1/audit-log?limit=50")).json()["items"]
    assert "child-safety.listed" in {one["action"] for one in audit}
    path = f"/v1/backtests/{view['id']}/labels"
    assert (await moderator.call("GET", path)).status_code == 403
    other = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await other.call("GET", path)).status_code == 404


@pytest.mark.engines
async def test_labels_are_bounded(desk: Desk, engine: Any) -> None:
    """As many as fit, from the newest on: by number and by bytes."""
    for number in range(5):
        await desk.decide(f"{'x' * 100}-{number}", acts=True)
    now = datetime.now(UTC)
    since = now - timedelta(hours=1)

    async def ids(**limits: int) -> list[str]:
        async with transaction(engine) as connection:
            found = await labels_of(
                connection, desk.org.org_id, type_ids=[desk.post], since=since, now=now, **limits
            )
        return [label.item.id[-1] for label in found]

    assert await ids(most=3) == ["4", "3", "2"]
    assert await ids(most_bytes=350) == ["4", "3"]
    assert await ids(looked_at=1) == ["4"]
