"""The platform is told what to remove once the media of a report to NCMEC are held as evidence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from coop_contracts.event import ActionRequested, CybertipSecured, DecisionMade, ItemRef
from coop_contracts.ids import cybertip_id, new_id
from coop_contracts.permission import Role
from coop_review_api.review.hold import Releaser
from coop_review_api.review.withholding import EvidenceNews, WithheldKeeper
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

from .ncmec_world import World, world_of

pytestmark = pytest.mark.engines

WINDOW, WAIT = 61, 901  # seconds


class Desk:
    """Decisions of a world, and what lets go of their parts."""

    def __init__(self, world: World, actions: dict[str, str]) -> None:
        self.world, self.actions = world, actions
        self.context = world.context
        engine, clock = self.context.engine, self.context.clock
        self.releaser = Releaser(engine, clock=clock)
        self.keeper = WithheldKeeper(engine, clock=clock, mail=False)
        self.news = EvidenceNews(engine)

    async def report(self, *, with_report: bool = True) -> dict[str, Any]:
        """The user is banned, their post removed; reported as well, or not."""
        claim = await self.world.place()
        await self.world.look(claim, 0)
        post = {"id": "post-0", "typeId": self.world.post}
        ban = {"type": "CUSTOM_ACTION", "actionIds": [self.actions["Ban"]]}
        remove = {"type": "RELATED_ACTION", "actionIds": [self.actions["Remove"]], "items": [post]}
        if with_report:
            decided = await self.world.decide(claim, self.world.report(), ban, remove)
        else:
            body = {"leaseToken": claim["lease"]["token"], "components": [ban, remove]}
            path = f"/v1/jobs/{claim['job']['id']}/decisions"
            decided = await self.world.admin.call("POST", path, body)
        assert decided.status_code == 201, decided.text
        found: dict[str, Any] = decided.json()
        return found

    async def leave(self) -> None:
        """The undo window is over."""
        self.context.clock.forward(seconds=WINDOW)
        await self.releaser.release()

    async def asked(self) -> list[str]:
        """The actions that the dispatcher was asked for, by name."""
        names = {action_id: name for name, action_id in self.actions.items()}
        return [names[one.action_id] for one in await self.world.published(ActionRequested)]

    def secured(self, decision_id: str, org_id: str | None = None) -> Received[CybertipSecured]:
        event = CybertipSecured(
            event_id=new_id(),
            org_id=org_id or self.world.org_id,
            time=self.context.clock(),
            correlation_id=decision_id,
            cybertip_id=cybertip_id(decision_id=decision_id),
            decision_id=decision_id,
            job_id="job",
            user=ItemRef("user-1", self.world.user),
            files=1,
        )
        return Received(event, b"", event.topic, 0, 0, {}, -1)

    async def waiting(self) -> int:
        async with transaction(self.context.engine) as connection:
            found = await connection.scalar(
                text("SELECT count(*) FROM review.withheld_actions WHERE org_id = :org"),
                {"org": self.world.org_id},
            )
        return int(found or 0)


@pytest.fixture
async def desk(admin: Any, org: Any, kit: Any, context: Any) -> Desk:
    world = await world_of(admin, org, kit, context)
    remove = await admin.make("/v1/actions", kit.action(world.post, name="Remove"))
    ban = await admin.make("/v1/actions", kit.action(world.user, name="Ban"))
    return Desk(world, {"Remove": remove["id"], "Ban": ban["id"]})


async def test_what_is_decided_with_a_report_waits_for_its_evidence(desk: Desk) -> None:
    """The report leaves after the undo window, the actions once its media are held: in their order,
    and once, whatever comes twice or is of another organisation."""
    decided = await desk.report()
    await desk.leave()
    assert len(await desk.world.sent()) == len(await desk.world.published(DecisionMade)) == 1
    await desk.news([desk.secured(decided["id"], "another-org")])
    await desk.keeper.release()
    assert await desk.asked() == []
    held = desk.secured(decided["id"])
    await asyncio.gather(desk.news([held, held]), EvidenceNews(desk.context.engine)([held]))
    await desk.news([held])
    assert await desk.asked() == ["Ban", "Remove"]
    desk.context.clock.forward(seconds=WAIT)
    assert await desk.keeper.release() == 0
    assert await desk.asked() == ["Ban", "Remove"]


async def test_what_waited_for_too_long_leaves_and_people_are_told(
    desk: Desk, sign_in: Any
) -> None:
    """After the operator's time, counted from when the report left, removal goes on without the
    evidence: those who see child safety know, once, and the evidence changes nothing any more."""
    safety, moderator = [
        await sign_in(one) for one in (Role.CHILD_SAFETY_MODERATOR, Role.MODERATOR)
    ]
    decided = await desk.report()
    desk.context.clock.forward(seconds=WAIT)
    # The relay was away for longer than the wait: it begins when the report leaves.
    assert await desk.keeper.release() == 0
    await desk.leave()
    desk.context.clock.forward(seconds=WAIT - 2)
    assert await desk.keeper.release() == 0
    assert await desk.asked() == []
    desk.context.clock.forward(seconds=2)
    again = WithheldKeeper(desk.context.engine, clock=desk.context.clock, mail=False)
    assert sum(await asyncio.gather(desk.keeper.release(), again.release())) == 1
    await desk.news([desk.secured(decided["id"])])
    assert await desk.asked() == ["Ban", "Remove"]
    (note,) = (await safety.call("GET", "/v1/notifications")).json()["items"]
    assert note["kind"] == "EVIDENCE_LATE"
    assert note["data"]["decisionId"] == decided["id"]
    assert (await moderator.call("GET", "/v1/notifications")).json()["items"] == []


async def test_what_is_undone_never_leaves(desk: Desk) -> None:
    """Neither by its evidence nor by time."""
    decided = await desk.report()
    undone = await desk.world.admin.call("POST", f"/v1/decisions/{decided['id']}/undo", {})
    assert undone.status_code == 200, undone.text
    assert await desk.waiting() == 0
    await desk.leave()
    await desk.news([desk.secured(decided["id"])])
    desk.context.clock.forward(seconds=WAIT)
    await desk.keeper.release()
    assert await desk.asked() == []


async def test_a_reversal_does_not_overtake_what_waits(desk: Desk) -> None:
    """What has not left cannot be taken back; then it can."""
    decided = await desk.report()
    await desk.leave()
    order = {"decisionId": decided["id"]}
    refused = await desk.world.admin.call("POST", "/v1/reversals", order)
    assert refused.status_code == 409, refused.text
    assert "wait for the evidence" in refused.text
    await desk.news([desk.secured(decided["id"])])
    made = await desk.world.admin.call("POST", "/v1/reversals", order)
    assert made.status_code == 201, made.text


async def test_without_a_report_nothing_waits(desk: Desk) -> None:
    """Actions leave with their decision."""
    await desk.report(with_report=False)
    await desk.leave()
    assert await desk.asked() == ["Ban", "Remove"]
    assert await desk.waiting() == 0


async def test_what_was_begun_and_not_committed_did_not_happen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the commit, whoever lets go of it finds it again: nothing is lost, nothing is
    there twice."""
    decided = await desk.report()
    await desk.leave()
    held = desk.secured(decided["id"])

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr("coop_review_api.review.withholding._wake", killed)
        for letting_go in (desk.news([held]), desk.keeper.release()):
            desk.context.clock.forward(seconds=WAIT)
            with pytest.raises(asyncio.CancelledError):
                await letting_go
            assert await desk.asked() == []
    assert await desk.waiting() == 1
    await desk.news([held])
    assert await desk.asked() == ["Ban", "Remove"]
    assert await desk.waiting() == 0


async def test_without_an_undo_window_the_wait_begins_at_once(desk: Desk) -> None:
    """The report leaves with the decision; the actions when their time is over."""
    await desk.world.settle(window=0)
    await desk.report()
    assert len(await desk.world.sent()) == 1
    assert await desk.asked() == []
    desk.context.clock.forward(seconds=WAIT)
    await desk.keeper.release()
    assert await desk.asked() == ["Ban", "Remove"]
