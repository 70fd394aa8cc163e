"""An organisation's reports go when nothing of them has to be kept, and not before."""

from __future__ import annotations

import pytest

from coop_contracts.cybertip import (
    COUNT_CYBERTIP_RECORDS,
    LIFT_HOLD,
    PLACE_HOLD,
    REMOVE_CYBERTIP_RECORDS,
    LiftHold,
    PlaceHold,
)
from coop_contracts.dispatch import RecordsQuestion, RemoveRecords
from coop_runtime.internal.client import CallRefused

from .conftest import ORG, World, medium, requested, user
from .test_destruction import ask, confirm
from .test_keeping import YEAR, filed, seen

pytestmark = pytest.mark.engines


async def refusal(world: World) -> str:
    with pytest.raises(CallRefused) as refused:
        await world.api.ask(ORG, REMOVE_CYBERTIP_RECORDS, RemoveRecords())
    assert (refused.value.status, refused.value.kind) == (409, "evidence-kept")
    return str(refused.value.detail)


async def test_what_has_to_be_kept_is_said(world: World) -> None:
    """How many reports, and until when; then rows, keys and files go."""
    held, late = await filed(world), await filed(world, 2)
    unfiled = await world.file(requested(medium(f"{world.host.url}/gone.png"), user=user(3)))
    until = (await seen(world, late)).keep_until
    said = f"2 reports until {until:%Y-%m-%d} at the latest"
    assert await refusal(world) == f"evidence has to be kept: {said}, 1 report not filed yet"
    hold = PlaceHold(cybertip_id=held, person_id="ann", reason="Case 1")
    await world.api.ask(ORG, PLACE_HOLD, hold)
    world.simulator.advance(YEAR + 3600)
    said = "evidence has to be kept: 1 report under a hold"
    assert await refusal(world) == f"{said}, 1 report not filed yet"
    await ask(world, str(unfiled.cybertip_id))
    await confirm(world, str(unfiled.cybertip_id))
    assert await refusal(world) == said
    assert len(await world.evidence.stored()) == 2
    await world.api.ask(ORG, LIFT_HOLD, LiftHold(cybertip_id=held, person_id="ann"))
    while (await world.api.ask(ORG, REMOVE_CYBERTIP_RECORDS, RemoveRecords())).more:
        pass
    counted = await world.api.ask(ORG, COUNT_CYBERTIP_RECORDS, RecordsQuestion())
    assert counted.tables == {}
    assert await world.evidence.stored() == []


async def test_stopped_in_the_middle_it_goes_on(world: World) -> None:
    """Keys go first: what is left of the files says nothing."""
    for number in range(3):
        await filed(world, number)
    world.simulator.advance(YEAR + 3600)
    assert not await world.destroyer.of_org(ORG, within=0)
    keys = "SELECT count(*) FROM ncmec.evidence WHERE wrapped_key IS NOT NULL"
    assert await world.scalar(keys) == 0
    assert len(await world.evidence.stored()) == 3
    while (await world.api.ask(ORG, REMOVE_CYBERTIP_RECORDS, RemoveRecords())).more:
        pass
    assert await world.evidence.stored() == []
