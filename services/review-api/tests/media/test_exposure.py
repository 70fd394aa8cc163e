"""What people see unveiled: counted for them, told to them, and to others in sums alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from coop_contracts.config import Wellness
from coop_contracts.permission import Role
from coop_review_api.people.wellness import stricter

from .media_world import MediaWorld, picture, reveal

pytestmark = pytest.mark.engines


async def severe(world: MediaWorld, number: int) -> tuple[str, str]:
    """A job of the gravest severity with a picture; its id, and the picture's reference."""
    path = f"/severe-{number}.jpg"
    world.host.files[path] = picture()
    item = world.item(f"severe-{number}", photo={"url": world.host.url(path)})
    job_id = await world.place(item, severity=4)
    return job_id, (await world.refs(world.admin, job_id))["/item/data/photo"]


async def exposure(person: Any) -> Any:
    answer = await person.call("GET", "/v1/me/exposure")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_reveals_and_their_time_are_counted(world: MediaWorld, sign_in: Any) -> None:
    """By day: how many, of them graphic, and for how long, as pages say it; else as long as a veil
    stays lifted. Nobody else's are among them."""
    person = await sign_in(Role.MODERATOR)
    assert (await exposure(person))["days"] == []
    job_id, ref = await world.shown()
    first = await reveal(person, ref, job_id)
    world.context.clock.forward(seconds=7)
    assert (await person.call("DELETE", f"/v1/me/reveals/{first['id']}")).status_code == 204
    await reveal(person, ref, job_id, "grey")
    graphic_job, graphic_ref = await severe(world, 1)
    await reveal(person, graphic_ref, graphic_job)
    await reveal(world.admin, ref, job_id)
    found = await exposure(person)
    (day,) = found["days"]
    assert (day["reveals"], day["graphic"]) == (3, 1)
    assert day["seconds"] == pytest.approx(7 + 20 + 20, abs=10)  # the clock of tests goes on, too
    assert (found["stretch"]["reveals"], found["stretch"]["graphic"]) == (3, 1)
    assert found["breakDue"] is False
    world.context.clock.forward(minutes=11)
    assert (await exposure(person))["stretch"]["beganAt"] is None
    early = (await person.call("GET", "/v1/me/exposure?since=2000-01-01T00:00:00Z")).json()
    assert early["days"] == found["days"]


async def test_a_break_is_advised_by_number(world: MediaWorld, sign_in: Any) -> None:
    """After so many graphic reveals in a row; a pause begins a new count."""
    person = await sign_in(Role.MODERATOR)
    own = {"breakAfterReveals": 2}
    assert (await person.call("PUT", "/v1/me/wellness", own)).status_code == 200
    job_id, ref = await severe(world, 2)
    plain_job, plain_ref = await world.shown()
    due = [
        (await reveal(person, ref, job_id))["breakDue"],
        (await reveal(person, plain_ref, plain_job))["breakDue"],
        (await reveal(person, ref, job_id))["breakDue"],
    ]
    assert due == [False, False, True]
    assert (await exposure(person))["breakDue"] is True
    world.context.clock.forward(minutes=11)
    assert (await exposure(person))["breakDue"] is False
    assert (await reveal(person, ref, job_id))["breakDue"] is False


async def test_a_break_is_advised_by_time(world: MediaWorld, sign_in: Any) -> None:
    """After so many minutes without a pause, as the organisation says; a person cannot be less
    careful."""
    settings = {"name": "Acme", "defaultWellness": {"breakAfterMinutes": 20}}
    assert (await world.admin.call("PUT", "/v1/settings", settings)).status_code == 200
    person = await sign_in(Role.MODERATOR)
    own = {"breakAfterMinutes": 0, "veilAfter": 0}
    view = (await person.call("PUT", "/v1/me/wellness", own)).json()
    assert (view["breakAfterMinutes"], view["veilAfter"], view["isOwn"]) == (20, 20, True)
    job_id, ref = await world.shown()
    due = []
    for _ in range(4):
        due.append((await reveal(person, ref, job_id))["breakDue"])
        world.context.clock.forward(minutes=8)
    assert due == [False, False, False, True]


def test_the_more_careful_number_holds() -> None:
    """Of breaks and of how long a veil is lifted, the smaller one; 0 is never, so the larger."""
    organisation = Wellness(veil_after=20, break_after_reveals=0, break_after_minutes=30)
    own = Wellness(veil_after=60, break_after_reveals=5, break_after_minutes=10, blur_level=1)
    held = stricter(own, organisation)
    assert (held.veil_after, held.break_after_reveals, held.break_after_minutes) == (20, 5, 10)
    assert held.blur_level == 1
    assert stricter(replace(own, veil_after=0), organisation).veil_after == 20
    assert stricter(None, organisation) == organisation


async def test_managers_see_groups_alone(world: MediaWorld, sign_in: Any) -> None:
    """A day with fewer than five people is left out; with five there are sums."""
    job_id, ref = await world.shown()
    for number in range(5):
        person = await sign_in(Role.MODERATOR)
        await reveal(person, ref, job_id)
        answer = await world.admin.call("GET", "/v1/analytics/exposure")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["smallestGroup"] == 5
        assert [day["people"] for day in found["days"]] == ([5] if number == 4 else [])
        assert person.user_id not in answer.text
    assert found["days"][0]["reveals"] == 5
    long = "/v1/analytics/exposure?since=2020-01-01T00:00:00Z"
    assert (await world.admin.call("GET", long)).status_code == 422


async def test_a_person_that_is_gone_opens_nothing(world: MediaWorld, sign_in: Any) -> None:
    """Whoever is disabled, or whose role changes, sees nothing by an address that they have."""
    job_id, ref = await world.shown()
    person = await sign_in(Role.MODERATOR)
    opened = await reveal(person, ref, job_id)
    assert (await person.call("GET", opened["address"])).status_code == 200
    path = f"/v1/users/{person.user_id}/disable"
    assert (await world.admin.call("POST", path)).status_code in (200, 204)
    assert (await person.call("GET", opened["address"])).status_code == 401
