"""Evidence is kept for its time, and while it is held; nothing ends by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from coop_contracts.cybertip import (
    GET_CYBERTIP,
    LIFT_HOLD,
    LIST_CYBERTIPS,
    PLACE_HOLD,
    Cybertip,
    CybertipQuestion,
    CybertipsQuestion,
    LiftHold,
    PlaceHold,
)
from coop_ncmec_reporter import metric
from coop_ncmec_reporter.keeping import LEAST, Keeping
from coop_ncmec_reporter.settings import Settings
from coop_runtime.internal.client import CallRefused

from .conftest import ORG, World, medium, requested, thread, user

YEAR = 86_400.0 * 366


async def filed(world: World, number: int = 1, **more: Any) -> str:
    """The id of a report with a picture that is done."""
    url = world.host.put(f"/{number}.png")
    tip = await world.file(requested(medium(url), user=user(number), **more))
    assert tip.state == "DONE"
    return str(tip.cybertip_id)


async def seen(world: World, cybertip_id: str) -> Cybertip:
    question = CybertipQuestion(cybertip_id=cybertip_id)
    return (await world.api.ask(ORG, GET_CYBERTIP, question)).cybertip


async def due(world: World) -> list[str]:
    page = await world.api.ask(ORG, LIST_CYBERTIPS, CybertipsQuestion(due=True))
    assert all(one.is_due for one in page.cybertips)
    return [one.id for one in page.cybertips]


@pytest.mark.parametrize("days", [0, 365], ids=["none", "a day less than a leap year"])
def test_less_than_a_year_cannot_be_set(days: int) -> None:
    """Neither by the operator nor in code."""
    with pytest.raises(ValueError, match="366"):
        Settings(ncmec_keep_days=days)
    with pytest.raises(ValueError, match="366"):
        Keeping(keep=timedelta(days=days))


@pytest.mark.engines
async def test_a_report_is_due_after_its_time(world: World) -> None:
    """Not a moment before; it is listed and counted, and everything of it is still there."""
    first = await filed(world)
    assert (await world.find(first)).filed_at is not None
    world.simulator.advance(YEAR - 60)
    second = await filed(world, 2)
    assert await due(world) == []
    world.simulator.advance(120)
    assert await due(world) == [first]
    assert not (await seen(world, second)).is_due
    told = await seen(world, first)
    assert told.filed_at is not None
    assert told.keep_until == told.filed_at + LEAST
    await world.keeper.look()
    assert metric.DUE._value.get() == 1
    await world.destroyer.once()
    assert await world.scalar("SELECT count(*) FROM ncmec.evidence WHERE wrapped_key IS NULL") == 0
    assert len(await world.evidence.stored()) == 2


@pytest.mark.engines
async def test_what_is_not_filed_is_never_due(world: World) -> None:
    """A report that needs a person waits for one, however long."""
    tip = await world.file(requested(medium(f"{world.host.url}/gone.png")))
    assert tip.state == "NEEDS_ATTENTION"
    world.simulator.advance(3 * YEAR)
    assert await due(world) == []
    assert (await seen(world, str(tip.cybertip_id))).keep_until is None


@pytest.mark.engines
async def test_a_hold_keeps_it_beyond(world: World) -> None:
    """Until its end, or until it is lifted; a new one takes the place of the one before. Who placed
    and lifted it stays."""
    tip = await filed(world)
    open_end = PlaceHold(cybertip_id=tip, person_id="ann", reason="Case 1")
    told = (await world.api.ask(ORG, PLACE_HOLD, open_end)).cybertip
    assert told.hold is not None
    assert (told.hold.placed_by, told.hold.reason, told.hold.until) == ("ann", "Case 1", None)
    world.simulator.advance(YEAR + 60)
    assert await due(world) == []
    until = world.now() + timedelta(days=10)
    bounded = PlaceHold(cybertip_id=tip, person_id="bob", reason="Case 2", until=until)
    told = (await world.api.ask(ORG, PLACE_HOLD, bounded)).cybertip
    assert told.hold is not None
    assert (told.hold.placed_by, told.hold.until) == ("bob", until)
    world.simulator.advance(86_400 * 11)
    assert (await seen(world, tip)).hold is None
    assert await due(world) == [tip]
    await world.api.ask(ORG, PLACE_HOLD, open_end)
    assert await due(world) == []
    lift = LiftHold(cybertip_id=tip, person_id="cat")
    assert (await world.api.ask(ORG, LIFT_HOLD, lift)).cybertip.hold is None
    assert await due(world) == [tip]
    with pytest.raises(CallRefused) as refused:
        await world.api.ask(ORG, LIFT_HOLD, lift)
    assert (refused.value.status, refused.value.kind) == (409, "evidence-not-held")
    log = await world.rows("SELECT who, what FROM ncmec.evidence_log ORDER BY entry_id")
    assert [tuple(row) for row in log] == [
        ("ann", "hold placed"),
        ("bob", "hold placed"),
        ("ann", "hold placed"),
        ("cat", "hold lifted"),
    ]
    assert await world.scalar("SELECT count(*) FROM ncmec.holds WHERE lifted_at IS NULL") == 0


@pytest.mark.engines
async def test_a_hold_that_is_none_is_refused(world: World) -> None:
    """One that ends before it begins; one of a report of another organisation."""
    tip = await filed(world)
    past = PlaceHold(cybertip_id=tip, person_id="ann", reason="r", until=world.now())
    with pytest.raises(CallRefused) as refused:
        await world.api.ask(ORG, PLACE_HOLD, past)
    assert refused.value.status == 422
    hold = PlaceHold(cybertip_id=tip, person_id="ann", reason="r")
    with pytest.raises(CallRefused) as refused:
        await world.api.ask("another", PLACE_HOLD, hold)
    assert refused.value.status == 404
    assert await world.scalar("SELECT count(*) FROM ncmec.holds") == 0


@pytest.mark.engines
async def test_a_report_of_words_alone_has_its_time_too(world: World) -> None:
    """What is kept is what the report says, files or none."""
    tip = await world.file(requested(threads=(thread("a"),)))
    world.simulator.advance(YEAR + 60)
    assert await due(world) == [str(tip.cybertip_id)]
