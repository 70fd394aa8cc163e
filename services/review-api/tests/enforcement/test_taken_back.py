"""What was taken back: the log says so and by what, and it is not taken back again."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from coop_contracts.event import ActionRequested, ItemRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.enforcement import bulk_store
from coop_review_api.export.store import ExportLimits
from coop_review_api.export.worker import Exporter
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

pytestmark = pytest.mark.engines


class Floor:
    """An organisation in which what is removed can be restored, and what is hidden shown."""

    def __init__(self, person: Any, engine: Any, clock: Any, org: Any) -> None:
        self.person, self.engine, self.clock = person, engine, clock
        self.org_id, self.queue = org.org_id, org.default_queue_id
        self.post = self.remove = self.hide = ""

    async def decide(self, place: Any, *actions: str, queue: str = "") -> str:
        await place(queue or self.queue, self.post)
        path = f"/v1/queues/{queue or self.queue}/claims"
        claim = (await self.person.call("POST", path)).json()
        act = {"type": "CUSTOM_ACTION", "actionIds": list(actions)}
        body = {"leaseToken": claim["lease"]["token"], "components": [act]}
        path = f"/v1/jobs/{claim['job']['id']}/decisions"
        return str((await self.person.make(path, body))["id"])

    async def bulk(self, *items: str) -> str:
        order = {"itemTypeId": self.post, "actionIds": [self.remove, self.hide]}
        made = await self.person.make("/v1/bulk-actions", {**order, "itemIds": items})
        return str(made["id"])

    async def reverse(self, **of: str) -> str:
        return str((await self.person.make("/v1/reversals", of))["id"])

    async def refused(self, **of: str) -> tuple[int, str]:
        answer = await self.person.call("POST", "/v1/reversals", of)
        return answer.status_code, answer.json()["detail"]

    async def confirm(self, bulk_id: str, *, carry_out: bool = True) -> None:
        path = f"/v1/bulk-actions/{bulk_id}/confirm"
        answer = await self.person.call("POST", path, {})
        assert answer.status_code == 200, answer.text
        while carry_out:
            async with transaction(self.engine) as connection:
                if not await bulk_store.advance(connection, batch=100, clock=self.clock):
                    return

    async def entry(self, entry_id: str, **filters: str) -> dict[str, Any]:
        """An entry of the log."""
        kinds = ["DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION"]
        params = {"limit": 200, "kind": kinds, **filters}
        log = (await self.person.call("GET", "/v1/decision-log", params=params)).json()["items"]
        (found,) = [one for one in log if one["id"] == entry_id]
        return dict(found)

    async def back(self, entry_id: str, **filters: str) -> list[tuple[str, str, int]]:
        """What took an entry back."""
        found = (await self.entry(entry_id, **filters))["takenBack"]
        return [(one["kind"], one["id"], one["executions"]) for one in found]


@pytest.fixture
async def floor(admin: Any, engine: Any, clock: Any, org: Any, kit: Any) -> Floor:
    made = Floor(admin, engine, clock, org)
    made.post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    for name, back in (("Remove", "Restore"), ("Hide", "Show")):
        reverse = (await admin.make("/v1/actions", kit.action(made.post, name=back)))["id"]
        document = {**kit.action(made.post, name=name), "reverseActionId": reverse}
        setattr(made, name.lower(), (await admin.make("/v1/actions", document))["id"])
    return made


async def test_a_decision_says_that_it_was_taken_back(floor: Floor, place: Any) -> None:
    """By which reversal; it can be no longer, and a second attempt is told so."""
    decided = await floor.decide(place, floor.remove, floor.hide)
    kept = await floor.decide(place, floor.remove)
    reversal = await floor.reverse(decisionId=decided)
    assert await floor.back(decided) == []  # nobody has confirmed it
    await floor.confirm(reversal)
    assert await floor.back(decided) == [("BULK_REVERSAL", reversal, 2)]
    assert (await floor.entry(decided))["reversible"] is None
    assert await floor.refused(decisionId=decided) == (409, "all of this was taken back already")
    entry = await floor.entry(reversal)
    assert entry["components"] == [{"of": {"kind": "DECISION", "id": decided}}]
    shown = (await floor.person.call("GET", f"/v1/bulk-actions/{reversal}")).json()
    of = {"kind": "DECISION", "id": decided, "since": None, "until": None}
    assert shown["reversalOf"] == of
    assert (await floor.entry(kept))["reversible"] == {"kind": "DECISION", "id": kept}
    assert await floor.back(kept) == []


async def test_what_is_left_of_it_can_still_be_taken_back(
    floor: Floor, place: Any, clock: Any
) -> None:
    """One of two executions was taken back by itself: the decision is reversible for the other."""
    decided = await floor.decide(place, floor.remove, floor.hide)
    executions = (await floor.entry(decided))["executions"]
    await told(floor, executions[0]["executionId"], floor.remove)
    one = await floor.reverse(executionId=executions[0]["executionId"])
    await floor.confirm(one)
    assert await floor.back(decided) == [("BULK_REVERSAL", one, 1)]
    assert (await floor.entry(decided))["reversible"] == {"kind": "DECISION", "id": decided}
    rest = await floor.person.make("/v1/reversals", {"decisionId": decided})
    assert [item["reverses"] for item in rest["sample"]] == [executions[1]["executionId"]]


async def test_a_bulk_action_says_that_it_was_taken_back(floor: Floor) -> None:
    """As a whole, once it has ended: what runs does more yet, and is cancelled first."""
    bulk = await floor.bulk("a", "b")
    await floor.confirm(bulk, carry_out=False)
    assert (await floor.entry(bulk))["reversible"] is None
    status, reason = await floor.refused(bulkId=bulk)
    assert (status, reason) == (409, "this bulk action is RUNNING: cancel it, or let it end")
    async with transaction(floor.engine) as connection:
        while await bulk_store.advance(connection, batch=100, clock=floor.clock):
            pass
    assert (await floor.entry(bulk))["reversible"] == {"kind": "BULK_ACTION", "id": bulk}
    reversal = await floor.reverse(bulkId=bulk)
    await floor.confirm(reversal)
    assert await floor.back(bulk) == [("BULK_REVERSAL", reversal, 4)]
    assert (await floor.entry(bulk))["reversible"] is None
    assert (await floor.refused(bulkId=bulk))[0] == 409


async def test_an_action_of_a_rule_says_that_it_was_taken_back(floor: Floor) -> None:
    """By item, too; the reversal's own action is not taken back."""
    execution = new_id()
    await told(floor, execution, floor.remove)
    reversal = await floor.reverse(executionId=execution)
    await floor.confirm(reversal)
    assert await floor.back(execution) == [("BULK_REVERSAL", reversal, 1)]
    by_item = {"itemTypeId": floor.post, "itemId": "item-1"}
    assert await floor.back(execution, **by_item) == [("BULK_REVERSAL", reversal, 1)]
    assert (await floor.entry(execution))["reversible"] is None


async def test_the_file_says_it_as_well(floor: Floor, place: Any) -> None:
    """An exported line names what took the entry back."""
    decided = await floor.decide(place, floor.remove)
    reversal = await floor.reverse(decisionId=decided)
    await floor.confirm(reversal)
    answer = await floor.person.call("POST", "/v1/decision-log/exports", {"format": "CSV"})
    exporter = Exporter(floor.engine, clock=floor.clock, limits=ExportLimits())
    while await exporter.step():
        pass
    path = f"/v1/decision-log/exports/{answer.json()['id']}/download"
    file = (await floor.person.call("GET", path)).text
    rows = {row["id"]: row["takenBackBy"] for row in csv.DictReader(io.StringIO(file, newline=""))}
    assert rows == {decided: reversal, reversal: ""}


async def test_a_bulk_action_stands_where_it_was_confirmed(
    floor: Floor, place: Any, clock: Any
) -> None:
    """What was ordered long ago and confirmed now is news, whatever was decided in between."""
    bulk = await floor.bulk("a")
    clock.forward(minutes=20)
    decided = await floor.decide(place, floor.remove)
    clock.forward(minutes=20)
    await floor.confirm(bulk)
    log = (await floor.person.call("GET", "/v1/decision-log")).json()["items"]
    assert [one["id"] for one in log] == [bulk, decided]
    since = (clock() - timedelta(minutes=10)).isoformat()
    params = {"since": since}
    log = (await floor.person.call("GET", "/v1/decision-log", params=params)).json()["items"]
    assert [one["id"] for one in log] == [bulk]


async def test_a_decision_of_a_closed_queue_is_not_taken_back_by_others(
    floor: Floor, place: Any, sign_in: Any
) -> None:
    """Whoever may not see a queue's decisions does not find one to take back."""
    outsider = await sign_in(Role.MODERATOR)
    body = {"name": "Closed", "reviewerIds": [floor.person.user_id]}
    closed = (await floor.person.make("/v1/queues", body))["id"]
    decided = await floor.decide(place, floor.remove, queue=closed)
    answer = await outsider.call("POST", "/v1/reversals", {"decisionId": decided})
    assert answer.status_code == 404, answer.text
    await floor.reverse(decisionId=decided)


async def told(floor: Floor, execution_id: str, action_id: str) -> None:
    """The projector hears that a rule asked for an action."""
    projection = Projection(
        floor.engine, Partitions(floor.engine), clock=floor.clock, retention=timedelta(days=30)
    )
    event = ActionRequested(
        event_id=new_id(),
        org_id=floor.org_id,
        time=floor.clock(),
        correlation_id="c",
        execution_id=execution_id,
        action_id=action_id,
        item=ItemRef(id="item-1", type_id=floor.post),
        config_revision=1,
        source="RULE_EXECUTION",
    )
    received: Any = Received(event, b"", event.topic, 0, 0, {}, -1)
    await projection.requested([received])
