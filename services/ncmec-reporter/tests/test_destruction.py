"""Evidence is destroyed by two people, for good, and by nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.cybertip import (
    ASK_DESTRUCTION,
    CONFIRM_DESTRUCTION,
    CYBERTIP_DOCUMENT,
    LIFT_HOLD,
    PLACE_HOLD,
    REFUSE_DESTRUCTION,
    RETRY_CYBERTIP,
    AskDestruction,
    ConfirmDestruction,
    Cybertip,
    CybertipDocumentQuestion,
    DestructionGround,
    LiftHold,
    PlaceHold,
    RefuseDestruction,
    RetryCybertip,
)
from coop_ncmec_reporter.destroyer import Destroyer
from coop_ncmec_reporter.evidence import EvidenceStore
from coop_runtime.internal.client import CallRefused

from .conftest import ORG, VAULT, World, medium, requested, thread, user
from .test_keeping import YEAR, filed, seen

pytestmark = pytest.mark.engines

WAIT = 60.0


async def ask(
    world: World, tip: str, person: str = "ann", ground: DestructionGround = "LAW_ENFORCEMENT"
) -> Cybertip:
    asked = AskDestruction(cybertip_id=tip, person_id=person, ground=ground, reason="Case 26-117")
    return (await world.api.ask(ORG, ASK_DESTRUCTION, asked)).cybertip


async def confirm(world: World, tip: str, person: str = "bob") -> Cybertip:
    asked = ConfirmDestruction(cybertip_id=tip, person_id=person)
    return (await world.api.ask(ORG, CONFIRM_DESTRUCTION, asked)).cybertip


async def refused(awaited: Any) -> tuple[str | None, str | None]:
    """The kind of the refusal, and what it says."""
    with pytest.raises(CallRefused) as error:
        await awaited
    assert error.value.status == 409
    return error.value.kind, error.value.detail


async def keys(world: World) -> int:
    found = "SELECT count(*) FROM ncmec.evidence WHERE wrapped_key IS NOT NULL"
    return int(await world.scalar(found))


async def test_two_people_destroy_it_for_good(world: World) -> None:
    """One asks, another confirms: keys, ciphertexts, hashes, files and who the user was are gone.
    What was filed, when, and who did this stays."""
    tip, other = await filed(world, threads=(thread("a"),)), await filed(world, 2)
    before = await world.find(tip)
    told = await ask(world, tip)
    assert told.destruction is not None
    assert (told.destruction.state, told.destruction.asked_by) == ("ASKED", "ann")
    assert await keys(world) == 3
    told = await confirm(world, tip)
    assert told.destroyed_at == world.now()
    assert (told.user.id, told.has_receipt, told.warnings) == ("", False, [])
    assert await keys(world) == 1
    assert len(await world.evidence.stored()) == 3
    await world.destroyer.once()
    told = await seen(world, tip)
    assert told.destruction is not None
    assert (told.destruction.state, told.destruction.answered_by) == ("DONE", "bob")
    assert (told.report_id, told.filed_at) == (str(before.report_id), before.filed_at)
    (left,) = await world.evidence.stored()
    row = await world.rows("SELECT evidence_id::text AS id FROM ncmec.evidence WHERE size > 0")
    assert [one.id for one in row] == [left.evidence_id]
    gone = await world.find(tip)
    assert (gone.request, gone.answer, gone.document, gone.facts) == (b"", None, None, None)
    for table in ("cybertips", "evidence", "files"):
        rows = await world.rows(
            f"SELECT to_jsonb(t)::text AS row FROM ncmec.{table} AS t "
            "WHERE cybertip_id = CAST(:tip AS uuid)",
            tip=tip,
        )
        assert rows
        assert not any("user-1" in one.row or "1.png" in one.row for one in rows)
    for what in ("document", "receipt"):
        question = CybertipDocumentQuestion(cybertip_id=tip, what=what)
        with pytest.raises(CallRefused) as error:
            await world.api.ask(ORG, CYBERTIP_DOCUMENT, question)
        assert error.value.status == 404
    log = await world.rows("SELECT who, what, why FROM ncmec.evidence_log ORDER BY entry_id")
    assert [tuple(one) for one in log] == [
        ("ann", "destruction asked", "LAW_ENFORCEMENT: Case 26-117"),
        ("bob", "destruction confirmed", "LAW_ENFORCEMENT: Case 26-117"),
        ("ncmec-reporter", "files destroyed", ""),
    ]
    assert (await seen(world, other)).destroyed_at is None
    await world.destroyer.once()
    assert (await confirm(world, tip)).destruction == told.destruction


async def test_one_person_is_not_two(world: World, database: str) -> None:
    """Who asked cannot confirm, by whatever way: the database refuses it too."""
    tip = await filed(world)
    assert (await refused(confirm(world, tip)))[0] == "destruction-not-asked"
    await ask(world, tip)
    assert (await refused(confirm(world, tip, "ann")))[0] == "second-person"
    assert (await refused(ask(world, tip, "bob")))[0] == "destruction-asked"
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE ncmec.destructions SET state = 'CONFIRMED', answered_by = 'ann'")
    assert await keys(world) == 1


async def test_two_confirmations_at_once_are_one(world: World) -> None:
    """The second is told that it is done."""
    tip = await filed(world)
    await ask(world, tip)
    done = await asyncio.gather(
        *(confirm(world, tip, person) for person in ("bob", "cat", "dan")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["CallRefused", "CallRefused", "Cybertip"]
    confirmed = "SELECT count(*) FROM ncmec.evidence_log WHERE what = 'destruction confirmed'"
    assert await world.scalar(confirmed) == 1


async def test_before_its_time_only_law_enforcement_may_ask(world: World) -> None:
    """After it, its time is ground enough."""
    tip = await filed(world)
    kind, said = await refused(ask(world, tip, ground="KEPT_LONG_ENOUGH"))
    until = (await seen(world, tip)).keep_until
    assert until is not None
    assert kind == "evidence-kept"
    assert f"{until:%Y-%m-%d}" in str(said)
    world.simulator.advance(YEAR + 60)
    await ask(world, tip, ground="KEPT_LONG_ENOUGH")
    assert (await confirm(world, tip)).destroyed_at is not None


async def test_what_is_held_is_not_destroyed(world: World) -> None:
    """Neither asked for nor confirmed: the refusal names the hold. Lifted, it goes on."""
    tip = await filed(world)
    await ask(world, tip)
    hold = PlaceHold(cybertip_id=tip, person_id="eve", reason="Preservation letter 9")
    await world.api.ask(ORG, PLACE_HOLD, hold)
    for held in (confirm(world, tip), ask(world, tip)):
        kind, said = await refused(held)
        assert kind == "evidence-held"
        assert "Preservation letter 9" in str(said)
        assert "eve" in str(said)
    assert await keys(world) == 1
    await world.api.ask(ORG, LIFT_HOLD, LiftHold(cybertip_id=tip, person_id="eve"))
    await confirm(world, tip)
    kind, _ = await refused(world.api.ask(ORG, PLACE_HOLD, hold))
    assert kind == "evidence-destroyed"


@pytest.mark.parametrize("how", ["refused", "late"])
async def test_what_nobody_confirms_stays(world: World, how: str) -> None:
    """Refused, by who asked too, or not answered in time; it may be asked for anew."""
    tip = await filed(world)
    await ask(world, tip)
    if how == "refused":
        no = RefuseDestruction(cybertip_id=tip, person_id="ann")
        await world.api.ask(ORG, REFUSE_DESTRUCTION, no)
    else:
        world.simulator.advance(86_400 * 8)
    assert (await refused(confirm(world, tip)))[0] == "destruction-not-asked"
    told = (await seen(world, tip)).destruction
    assert told is not None
    assert told.state == ("REFUSED" if how == "refused" else "EXPIRED")
    await world.destroyer.once()
    assert await keys(world) == len(await world.evidence.stored()) == 1
    assert (await confirm_anew(world, tip)).destroyed_at is not None


async def confirm_anew(world: World, tip: str) -> Cybertip:
    await ask(world, tip, "bob")
    return await confirm(world, tip, "ann")


async def test_what_is_worked_on_is_not_destroyed(world: World) -> None:
    """A report on its way is refused; one that needs a person does not go on once it is
    destroyed."""
    request = requested(medium(f"{world.host.url}/gone.png"), user=user(3))
    tip = await world.add(request)
    assert (await refused(ask(world, tip)))[0] == "under-way"
    await world.settle()
    assert (await world.find(tip)).state == "NEEDS_ATTENTION"
    await ask(world, tip)
    await confirm(world, tip)
    retry = RetryCybertip(cybertip_id=tip, without_media=True)
    with pytest.raises(CallRefused):
        await world.api.ask(ORG, RETRY_CYBERTIP, retry)
    await world.add(request)
    await world.settle()
    assert (await world.find(tip)).request == b""
    assert world.filed(tip) == []
    await world.keeper.look()


async def test_a_folder_that_is_away_is_asked_again(world: World) -> None:
    """Its files are not taken for destroyed."""
    tip = await filed(world)
    await ask(world, tip)
    await confirm(world, tip)
    away = world.folder.rename(world.folder.with_name("elsewhere"))
    with pytest.raises(OSError, match="evidence"):
        await world.destroyer.once()
    told = (await seen(world, tip)).destruction
    assert told is not None
    assert told.state == "CONFIRMED"
    away.rename(world.folder)
    await world.destroyer.once()
    assert await world.evidence.stored() == []


async def test_killed_anywhere_it_goes_on(world: World, engine: AsyncEngine, database: str) -> None:
    """Six times a process that destroys nine files of three reports is killed (-9), before the
    removal of a file and after it, by turns: the last one finishes what is left, none of which had
    a key."""
    for number in range(3):
        urls = [world.host.put(f"/{number}-{n}.png", b"x%d" % n) for n in range(3)]
        tip = await world.file(
            requested(*(medium(url, n) for n, url in enumerate(urls)), user=user(number))
        )
        await ask(world, str(tip.cybertip_id))
        await confirm(world, str(tip.cybertip_id))
    assert await keys(world) == 0
    script = Path(__file__).with_name("destroying_process.py")
    nowhere, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    for number in range(6):
        told = json.dumps({"database": database, "folder": str(world.folder), "at": number})
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), told, stdout=nowhere, stderr=pipe
        )
        assert process.stderr is not None
        line = await asyncio.wait_for(process.stderr.readline(), WAIT)
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.wait_for(process.wait(), WAIT)
        assert line == b"there\n"
    assert len(await world.evidence.stored()) > 0
    evidence = EvidenceStore(world.folder, VAULT, most=1)
    await Destroyer(engine, evidence, clock=world.now).once()
    assert await world.evidence.stored() == []
    states = await world.rows("SELECT DISTINCT state FROM ncmec.destructions")
    assert [one.state for one in states] == ["DONE"]
    left = "SELECT count(*) FROM ncmec.evidence WHERE destroyed_at IS NULL"
    assert await world.scalar(left) == 0
