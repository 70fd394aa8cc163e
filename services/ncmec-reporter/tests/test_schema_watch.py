"""What NCMEC serves as its schema is compared with the file, and no report waits for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from coop_contracts.cybertip import SCHEMA_USED, SchemaQuestion, SchemaUsed
from coop_ncmec_reporter import metric
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.fingerprint import fingerprint, version
from coop_ncmec_reporter.schema_watch import tell
from coop_runtime.database.engine import transaction

from .conftest import ORG, World, WorldOf, requested, schema_file, settings_of, thread, user

DAY = 24 * 3600

engines = pytest.mark.engines


@pytest.fixture(autouse=True)
def nothing_measured() -> None:
    """What another test measured is not taken for this one's."""
    metric.SCHEMA_DIFFERS.clear()


def asked(world: World, endpoint: str = "xsd") -> int:
    return sum(one.endpoint == endpoint for one in world.simulator.journal)


async def file(world: World, number: int = 1) -> None:
    """One report, filed."""
    tip = await world.file(requested(threads=(thread("a"),), user=user(number)))
    assert tip.state == "DONE", tip.fault
    assert len(world.filed(str(tip.cybertip_id))) == 1


def differs(environment: str = "TEST") -> float | None:
    """As it is served."""
    return REGISTRY.get_sample_value("coop_ncmec_schema_differs", {"environment": environment})


def other_schema() -> bytes:
    """One element more may be left out."""
    before = schema_file().read_text(encoding="utf-8")
    here = r'(<xs:element name="incidentSummary"[^>]*?)(/?>)'
    changed = re.sub(here, r'\1 minOccurs="0"\2', before)
    assert changed != before
    return changed.encode()


@engines
async def test_it_is_asked_for_before_the_first_report_and_once_a_day(world: World) -> None:
    """Not by each report, and not by a process that starts; what is the same is no alarm."""
    await file(world, 1)
    endpoints = [one.endpoint for one in world.simulator.journal]
    assert endpoints.index("xsd") < endpoints.index("submit")
    await file(world, 2)
    world.simulator.advance(DAY / 2)
    await file(world, 3)
    assert asked(world) == 1
    world.simulator.advance(DAY / 2 + 60)
    await file(world, 4)
    assert asked(world) == 2
    await world.keeper.look()
    assert differs() == 0
    assert differs("PRODUCTION") is None


@engines
async def test_a_difference_is_told_and_reports_are_filed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The level says so until the operator has a file that says the same: then at once, without
    another question."""
    world.simulator.documents.text = other_schema()
    await file(world)
    await world.keeper.look()
    assert differs() == 1
    assert "NCMEC serves another schema than COOP_NCMEC_XSD" in capsys.readouterr().out
    new = tmp_path / "new.xsd"
    new.write_bytes(other_schema().replace(b"\n", b"\n\n") + b"\n")
    async with transaction(world.engine) as connection:
        await tell(connection, world.places, DocumentCheck(new))
    assert differs() == 0
    assert asked(world) == 1


async def used(world: World) -> SchemaUsed:
    """As people are told."""
    return await world.api.ask(ORG, SCHEMA_USED, SchemaQuestion())


@engines
async def test_people_are_told_what_is_checked_with_and_what_ncmec_serves(
    world_of: WorldOf,
) -> None:
    """The file's fingerprint and what it calls itself; nothing of NCMEC's before it was asked, then
    when, and whether it is the same; without a file that, and nothing differs."""
    world = await world_of()
    ours = fingerprint(schema_file().read_bytes())
    told = await used(world)
    assert (told.has_file, told.fingerprint, told.served) == (True, ours, [])
    assert told.version == version(schema_file().read_bytes())
    await file(world)
    (served,) = (await used(world)).served
    assert (served.environment, served.fingerprint, served.differs) == ("TEST", ours, False)
    assert served.served_at <= world.now()
    world.simulator.documents.text = other_schema()
    world.simulator.advance(DAY + 60)
    await file(world, 2)
    (served,) = (await used(world)).served
    assert (served.fingerprint, served.differs) == (fingerprint(other_schema()), True)
    bare = await world_of(has_file=False)
    told = await used(bare)
    # What another address served is not this one's.
    assert (told.has_file, told.version, told.fingerprint, told.served) == (False, None, None, [])
    await file(bare, 3)
    told = await used(bare)
    assert [one.differs for one in told.served] == [None]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('version="1.12"', "1.12"),
        ('version=" "', None),
        ("", None),
        (f'version="{"9" * 99}"', "9" * 64),
    ],
)
def test_a_schemas_version_is_what_it_says(said: str, found: str | None) -> None:
    """Its own word, if it has one, and not at any length."""
    schema = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {said}/>'
    assert version(schema.encode()) == found


@engines
async def test_without_a_file_a_change_is_told_and_nothing_differs(
    world_of: WorldOf, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests are filed by the rules alone; what was served yesterday is known."""
    world = await world_of(has_file=False)
    await file(world, 1)
    world.simulator.documents.text = other_schema()
    world.simulator.advance(DAY + 60)
    await file(world, 2)
    await world.keeper.look()
    assert differs() is None
    assert "NCMEC's schema has changed" in capsys.readouterr().out


@engines
@pytest.mark.parametrize("fault", ["html", "truncate", "drop"])
async def test_after_a_fault_it_is_asked_for_with_a_report_an_hour_later(
    world: World, fault: str
) -> None:
    """No report waits for it, and nobody asks with every report."""
    world.plan({"endpoint": "xsd", "nth": 1, "do": fault})
    for number in (1, 2):
        await file(world, number)
    assert (asked(world), asked(world, "submit")) == (1, 2)
    await world.keeper.look()
    assert differs() is None
    world.simulator.advance(3700)
    await file(world, 3)
    await world.keeper.look()
    assert (asked(world), differs()) == (2, 0)


@engines
async def test_a_schema_that_does_not_come_holds_a_report_up_for_seconds(world_of: WorldOf) -> None:
    """It has a time of its own."""
    world = await world_of(seconds=1)
    world.plan({"endpoint": "xsd", "nth": 1, "do": "delay", "seconds": 60})
    await file(world)
    (call,) = await world.rows("SELECT * FROM ncmec.calls WHERE step = 'xsd'")
    assert call.outcome == "uncertain"
    assert 900 < call.milliseconds < 30_000


@engines
async def test_refused_credentials_are_one_pause_before_anything_is_opened(world: World) -> None:
    """However many reports wait; good ones let all of them be filed."""
    tips = [
        await world.add(requested(threads=(thread("a"),), user=user(number))) for number in range(3)
    ]
    world.simulator.users["esp"] = "another"
    await world.settle(ticks=1)
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 1
    assert (asked(world), asked(world, "status"), asked(world, "submit")) == (1, 1, 0)
    world.simulator.users["esp"] = "the-password-of-the-esp"
    world.configure(settings_of())
    await world.keeper.look()
    await world.settle()
    assert [len(world.filed(one)) for one in tips] == [1, 1, 1]


@engines
async def test_credentials_that_may_not_have_the_schema_file_all_the_same(world: World) -> None:
    """401 for the schema alone is no pause."""
    world.plan({"endpoint": "xsd", "every": 1, "do": "unauthorized"})
    await file(world)
    assert (asked(world), asked(world, "status")) == (1, 1)
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 0


@engines
async def test_what_another_address_served_is_not_taken_for_this_ones(world: World) -> None:
    """Who goes from a stand-in to NCMEC asks anew, and is told nothing of before."""
    world.simulator.documents.text = other_schema()
    await file(world, 1)
    async with transaction(world.engine) as connection:
        elsewhere = "UPDATE ncmec.served_schemas SET url = 'http://127.0.0.1:1/ispws'"
        await connection.execute(text(elsewhere))
    await world.keeper.look()
    assert differs() is None
    await file(world, 2)
    assert asked(world) == 2


SCHEMA = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="report" type="xs:string"/></xs:schema>"""
TURNED = b"type='xs:string'  name='report'"


@pytest.mark.parametrize(
    ("served", "same"),
    [
        (SCHEMA, True),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n' + SCHEMA, True),
        (SCHEMA.replace(b"\n  ", b"\n\n\t"), True),
        (SCHEMA.replace(b"/>", b"></xs:element>"), True),
        (
            SCHEMA.replace(b'name="report" type="xs:string"', b"type='xs:string' name='report'"),
            True,
        ),
        (SCHEMA.replace(b"<xs:element", b"<!-- new --><xs:element"), True),
        (
            SCHEMA.replace(
                b"<xs:element",
                b"<xs:annotation><xs:documentation>a</xs:documentation></xs:annotation><xs:element",
            ),
            True,
        ),
        (SCHEMA.decode().encode("utf-16"), True),
        (SCHEMA.replace(b"xs:string", b"xs:token"), False),
        (SCHEMA.replace(b"/></xs", b'/><xs:element name="x"/></xs'), False),
    ],
)
def test_two_schemas_are_compared_by_what_they_say(served: bytes, same: bool) -> None:
    """White space, comments and the order of attributes are no difference; a type is."""
    assert (fingerprint(served) == fingerprint(SCHEMA)) is same


@pytest.mark.parametrize(
    "served",
    [
        b"",
        b"<html/>",
        b"<report/>",
        SCHEMA[: len(SCHEMA) // 2],
        b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]>'
        b"<a>&b;</a>",
    ],
)
def test_what_is_no_schema_has_no_fingerprint(served: bytes) -> None:
    """A page of a gateway, a half, a bomb."""
    with pytest.raises(ValueError, match="no "):
        fingerprint(served)
