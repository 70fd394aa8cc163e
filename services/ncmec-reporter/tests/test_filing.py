"""A report is filed once, whole and true."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from coop_ncmec_reporter import store
from coop_runtime.database.engine import transaction

from .conftest import (
    PIXELS,
    VAULT,
    World,
    WorldOf,
    medium,
    requested,
    settings_of,
    thread,
    user,
)

pytestmark = pytest.mark.engines


async def test_a_report_is_filed_with_its_files(world: World) -> None:
    """Media and a thread's table are there once, described, with a receipt; the topic is told."""
    urls = [world.host.put(f"/{number}.png", PIXELS + bytes([number])) for number in range(3)]
    media = [medium(url, number) for number, url in enumerate(urls)]
    tip = await world.file(
        requested(*media, threads=(thread("hello", "=1+1"),), victims=(user(2, age=13),))
    )
    assert (tip.state, tip.attempt, tip.fault) == ("DONE", 1, None)
    (report,) = world.filed(str(tip.cybertip_id))
    assert report.report_id == tip.report_id
    assert [one.name for one in report.files.values()] == [
        "0.png",
        "1.png",
        "2.png",
        "thread-1.csv",
    ]
    digests = {hashlib.md5(PIXELS + bytes([number])).hexdigest() for number in range(3)}
    assert digests <= {one.md5 for one in report.files.values()}
    assert all(one.described for one in report.files.values())
    assert "<age>13</age>" in report.document
    assert tip.receipt is not None
    receipt = store.unseal(VAULT, tip, "receipt", tip.receipt)
    assert b"reportDoneResponse" in receipt
    told = await world.told()
    assert [one.state for one in told] == ["FILED", "DONE"]
    assert told[0].report_id == str(tip.report_id)
    assert told[0].files == 4
    read = await world.scalar("SELECT count(*) FROM ncmec.evidence_access")
    assert read == 4


async def test_the_same_decision_again_changes_nothing(world: World) -> None:
    """The event may come twice, before and after."""
    request = requested(medium(world.host.put("/a.png")))
    await world.add(request)
    await world.add(request)
    await world.settle()
    await world.add(request)
    await world.settle()
    assert len(world.filed(request.cybertip_id)) == 1
    assert await world.scalar("SELECT count(*) FROM ncmec.cybertips") == 1


async def test_a_report_of_words_alone_is_filed(world: World) -> None:
    """Enticement has no picture."""
    tip = await world.file(requested(incident="ONLINE_ENTICEMENT", threads=(thread("come"),)))
    assert tip.state == "DONE"
    (report,) = world.filed(str(tip.cybertip_id))
    assert "Online Enticement of Children for Sexual Acts" in report.document
    assert "<chatRoomName>thread-1</chatRoomName>" in report.document


async def test_what_is_gone_is_told_and_the_rest_is_filed(world: World) -> None:
    """A medium that the host has no more is tried again, and then named with its hashes."""
    here = world.host.put("/here.png")
    gone = medium(f"{world.host.url}/gone.png", 2, hashes={"md5": "0" * 32})
    tip = await world.file(requested(medium(here), gone))
    assert (tip.state, tip.files, tip.missing) == ("DONE", 1, 1)
    (report,) = world.filed(str(tip.cybertip_id))
    assert f"{world.host.url}/gone.png; MD5 {'0' * 32}" in report.document
    assert sum(path == "/gone.png" for path, _, _ in world.host.asked) == 3


async def test_all_media_gone_needs_a_person(world: World) -> None:
    """A report without its files is filed once somebody says so."""
    request = requested(medium(f"{world.host.url}/gone.png"))
    tip = await world.file(request)
    assert tip.state == "NEEDS_ATTENTION"
    assert tip.fault == "all 1 media are gone: confirm a report without files"
    assert not world.simulator.journal
    async with transaction(world.engine) as connection:
        await store.retry(connection, tip, further=False, without_media=True, now=world.now())
    await world.settle()
    assert len(world.filed(request.cybertip_id)) == 1


async def test_a_further_report_needs_a_person_and_names_the_first(world: World) -> None:
    """With the number of the first among its prior reports."""
    first = await world.file(requested(threads=(thread("a"),)))
    second = await world.file(requested(threads=(thread("b"),)))
    assert second.state == "NEEDS_ATTENTION"
    assert str(first.report_id) in (second.fault or "")
    async with transaction(world.engine) as connection:
        await store.retry(connection, second, further=True, without_media=False, now=world.now())
    await world.settle()
    (report,) = world.filed(str(second.cybertip_id))
    assert f"<priorCTReports>{first.report_id}</priorCTReports>" in report.document
    third = await world.file(requested(threads=(thread("c"),), further=True))
    assert third.state == "DONE"


@pytest.mark.parametrize(
    ("operator", "queues", "fault"),
    [
        (False, ("queue",), "this reporter files tests only"),
        (True, ("another",), "its queue files tests only"),
        (True, ("queue",), None),
    ],
    ids=["operator", "queue", "both"],
)
async def test_a_real_report_needs_the_operator_and_the_queue(
    world_of: WorldOf, operator: bool, queues: tuple[str, ...], fault: str | None
) -> None:
    """Else nothing leaves."""
    world = await world_of(production=operator, settings=settings_of(production_queue_ids=queues))
    tip = await world.file(requested(threads=(thread("a"),), environment="PRODUCTION"))
    if fault is None:
        assert tip.state == "DONE"
        return
    assert tip.state == "NEEDS_ATTENTION"
    assert fault in (tip.fault or "")
    assert not world.simulator.journal


async def test_a_test_stays_one_whatever_is_set_meanwhile(world_of: WorldOf) -> None:
    """A retry raises nothing."""
    world = await world_of(production=True)
    cybertip_id = await world.add(requested(threads=(thread("a"),)))
    world.plan({"endpoint": "submit", "nth": 1, "do": "html"})
    await world.filer.once()
    world.configure(settings_of(production_queue_ids=("queue",)))
    await world.settle()
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.environment) == ("DONE", "TEST")


async def test_wrong_credentials_pause_all_once(world: World) -> None:
    """Ten reports wait, one call is made; good credentials bring all of them on their way."""
    world.configure(settings_of(username="stranger"))
    ids = [
        await world.add(requested(threads=(thread("a"),), user=user(number)))
        for number in range(10)
    ]
    for _ in range(5):
        while await world.filer.once():
            pass
        world.simulator.advance(70)
    assert [one.endpoint for one in world.simulator.journal] == ["xsd", "status"]
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 1
    await world.keeper.look()
    assert await world.scalar("SELECT count(*) FROM ncmec.pauses") == 1
    world.configure(settings_of())
    await world.keeper.look()
    await world.settle()
    assert all(len(world.filed(one)) == 1 for one in ids)


async def test_incomplete_settings_need_a_person(world: World) -> None:
    """And say what is missing."""
    world.configure(settings_of(contact_email="", legal_url=""))
    tip = await world.file(requested(threads=(thread("a"),)))
    assert tip.fault == "the NCMEC settings are not complete: legalUrl, contactEmail"


async def test_a_slow_medium_stops_no_other_organisation(world: World) -> None:
    """What is gone waits by itself; the next report is filed meanwhile."""
    slow = await world.add(requested(medium(f"{world.host.url}/gone.png")))
    quick = await world.add(requested(threads=(thread("a"),), user=user(2)))
    while await world.filer.once():
        pass
    assert (await world.find(slow)).state == "HOLDING"
    assert (await world.find(quick)).state == "DONE"


async def test_an_expired_report_is_begun_anew(world: World) -> None:
    """And says so."""
    world.plan({"endpoint": "finish", "nth": 1, "do": "expire"})
    cybertip_id = await world.add(requested(medium(world.host.put("/a.png"))))
    await world.filer.once()
    await world.settle()
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.attempt) == ("DONE", 2)
    assert tip.warnings == ["report 250000001 ended unfiled; begun anew"]
    assert len(world.filed(cybertip_id)) == 1


@pytest.mark.parametrize(
    "fault", [{"do": "expire"}, {"do": "code", "code": 5101}], ids=["expired", "retracted"]
)
async def test_what_ended_unfiled_twice_needs_a_person(world: World, fault: dict[str, Any]) -> None:
    """It is not begun for ever; once somebody looked, it is filed."""
    world.plan({"endpoint": "finish", "every": 1, **fault})
    tip = await world.file(requested(medium(world.host.put("/a.png"))))
    assert (tip.state, tip.attempt) == ("NEEDS_ATTENTION", 2)
    assert tip.fault == "the report ended unfiled twice"
    world.plan()
    async with transaction(world.engine) as connection:
        await store.retry(connection, tip, further=False, without_media=False, now=world.now())
    await world.settle()
    assert len(world.filed(str(tip.cybertip_id))) == 1


async def test_the_platform_is_asked_and_told(world: World) -> None:
    """Signed; what it says of users, media and further files is in the report, and it is told to
    preserve what it has, until it took that."""
    info = {
        "users": [
            {
                "id": "user-1",
                "typeId": "user",
                "screenName": "screen",
                "ipCaptureEvent": {"ipAddress": "192.0.2.7", "eventName": "Login"},
            },
            {"id": "stranger", "typeId": "user"},
        ],
        "media": [
            {"id": "post-1", "typeId": "post", "fileName": "theirs.png", "publiclyAvailable": True},
            {"id": "post-2", "typeId": "post", "missing": True},
            {"id": "post-3", "typeId": "post", "fileName": 7},
        ],
        "additionalFiles": [{"fileUrl": world.host.put("/log.txt", b"log"), "fileName": "log.txt"}],
        "additionalInfo": "from the platform",
    }
    world.host.answers["/info"] = (200, msgspec.json.encode(info))
    world.host.answers["/preserve"] = (503, b"")
    world.configure(
        settings_of(
            additional_info_endpoint=f"{world.host.url}/info",
            preservation_endpoint=f"{world.host.url}/preserve",
        )
    )
    media = [medium(world.host.put(f"/{n}.png", PIXELS + bytes([n])), n) for n in (1, 2, 3)]
    tip = await world.file(requested(*media), ticks=3)
    assert (tip.state, tip.files, tip.missing) == ("PRESERVING", 3, 1)
    world.host.answers["/preserve"] = (200, b"")
    await world.settle(step=400)
    assert (await world.find(str(tip.cybertip_id))).state == "DONE"
    (report,) = world.filed(str(tip.cybertip_id))
    assert "<screenName>screen</screenName>" in report.document
    assert "from the platform" in report.document
    names = [one.name for one in report.files.values()]
    assert names == ["theirs.png", "3.png", "log.txt"]
    assert "Supplemental Reported" in list(report.files.values())[2].details
    assert any("/media/2" in one for one in tip.warnings)
    asked = {path: headers for path, headers, _ in world.host.asked}
    for headers in (asked["/info"], asked["/preserve"]):
        assert {b"coop-signature", b"webhook-id", b"webhook-signature"} <= headers.keys()
    assert "/2.png" not in [path for path, _, _ in world.host.asked]


async def test_an_unreadable_answer_is_asked_for_again(world: World) -> None:
    """Nothing is filed by half of what there is to say."""
    world.host.answers["/info"] = (200, b"<html>")
    world.configure(settings_of(additional_info_endpoint=f"{world.host.url}/info"))
    cybertip_id = await world.add(requested(threads=(thread("a"),)))
    await world.filer.once()
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.fault) == (
        "REQUESTED",
        "additional information: the answer is no JSON",
    )
    world.host.answers["/info"] = (200, b"{}")
    await world.settle()
    assert len(world.filed(cybertip_id)) == 1


async def test_what_cannot_be_filed_as_it_is_is_not_opened(world: World) -> None:
    """A fault of the documents is a person's to mend, before NCMEC hears of it."""
    world.configure(settings_of(contact_email="safety"))
    tip = await world.file(requested(threads=(thread("a"),)))
    assert tip.state == "NEEDS_ATTENTION"
    assert "email: not an e-mail address" in (tip.fault or "")
    assert "safety" not in (tip.fault or "")
    assert not world.simulator.journal


async def test_a_refused_report_is_given_up_and_shown(world: World) -> None:
    """NCMEC's word goes to a person; the half report is retracted."""
    world.plan({"endpoint": "fileinfo", "nth": 1, "do": "code", "code": 4100})
    tip = await world.file(requested(medium(world.host.put("/a.png"))))
    assert (tip.state, tip.code) == ("NEEDS_ATTENTION", 4100)
    assert [one.state for one in world.simulator.reports.all.values()] == ["RETRACTED"]
    assert (await world.told())[-1].state == "NEEDS_ATTENTION"
    outcomes = await world.rows("SELECT outcome FROM ncmec.attempts")
    assert [one.outcome for one in outcomes] == ["RETRACTED"]


async def test_a_report_that_the_other_server_does_not_know_yet_waits(world_of: WorldOf) -> None:
    """5001 in the first minute is no end."""
    world = await world_of(replication=3)
    cybertip_id = await world.add(requested(medium(world.host.put("/a.png"))))
    world.plan({"endpoint": "upload", "nth": 1, "do": "code", "code": 5001})
    await world.filer.once()
    assert (await world.find(cybertip_id)).state == "FILLING"
    await world.settle(step=6)
    tip = await world.find(cybertip_id)
    assert (tip.state, tip.attempt) == ("DONE", 1)
