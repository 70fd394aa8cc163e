"""What a report of a child-safety job would be, and who looked at one that was made."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from coop_contracts.export import api_examples
from coop_contracts.permission import Role

from ..review.ncmec_world import World, world_of

pytestmark = pytest.mark.engines

EXAMPLES = api_examples("cybertip")


@pytest.fixture
async def world(admin: Any, org: Any, kit: Any, context: Any) -> World:
    return await world_of(admin, org, kit, context)


def listed(world: World, dispatcher: Any) -> None:
    told = EXAMPLES["listCybertips"]["answers"]
    answer = httpx.Response(200, content=msgspec.json.encode(told))
    dispatcher.answers[f"/internal/v1/orgs/{world.org_id}/cybertips"] = answer


async def test_terms_say_where_a_report_goes_and_what_came_before(
    world: World, dispatcher: Any
) -> None:
    """The reporter is asked for reports about that user, and nobody else."""
    await world.settle()
    job_id = (await world.place())["job"]["id"]
    listed(world, dispatcher)
    told = (await world.admin.call("GET", f"/v1/jobs/{job_id}/report-terms")).json()
    assert (told["isEnabled"], told["missing"], told["environment"]) == (True, [], "TEST")
    (earlier,) = told["earlier"]
    assert (earlier["reportId"], earlier["environment"]) == ("250799407", "TEST")
    (asked,) = [one for one in dispatcher.asked if one.url.path.endswith("/cybertips")]
    about = (asked.url.params["userTypeId"], asked.url.params["userId"])
    assert about == (world.user, "user-1")


async def test_a_reporter_that_is_away_hides_no_terms(world: World, dispatcher: Any) -> None:
    """What came before is not known then, and that is said."""
    await world.settle(enabled=False, legal_url="")
    job_id = (await world.place())["job"]["id"]
    path = f"/internal/v1/orgs/{world.org_id}/cybertips"
    dispatcher.answers[path] = httpx.Response(503)
    told = (await world.admin.call("GET", f"/v1/jobs/{job_id}/report-terms")).json()
    assert (told["isEnabled"], told["missing"], told["earlier"]) == (False, ["legalUrl"], None)


async def test_terms_of_a_job_are_for_who_may_see_it(
    world: World, dispatcher: Any, sign_in: Any
) -> None:
    """To others there is no such job, and the reporter is not asked."""
    await world.settle()
    job_id = (await world.place())["job"]["id"]
    moderator = await sign_in(Role.MODERATOR)
    refused = await moderator.call("GET", f"/v1/jobs/{job_id}/report-terms")
    assert refused.status_code == 404
    assert dispatcher.asked == []


async def test_who_looked_is_told_page_by_page(world: World, dispatcher: Any) -> None:
    """Reveals in its job and deeds at the report, newest first, none twice, none left out."""
    await world.settle()
    claim = await world.place()
    tip = EXAMPLES["getCybertip"]["answers"]
    tip["cybertip"]["jobId"] = claim["job"]["id"]
    cybertip_id = tip["cybertip"]["id"]
    base = f"/internal/v1/orgs/{world.org_id}/cybertips/{cybertip_id}"
    dispatcher.answers[base] = httpx.Response(200, content=msgspec.json.encode(tip))
    document = EXAMPLES["cybertipDocument"]["answers"]
    receipt = httpx.Response(200, content=msgspec.json.encode(document))
    dispatcher.answers[f"{base}/documents/receipt"] = receipt
    await world.look(claim, 0, 1)
    await world.admin.call("GET", f"/v1/cybertips/{cybertip_id}")
    await world.admin.call("GET", f"/v1/cybertips/{cybertip_id}/documents/receipt")
    found: list[str] = []
    cursor = ""
    while True:
        path = f"/v1/cybertips/{cybertip_id}/looks?limit=2{cursor}"
        answer = await world.admin.call("GET", path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [one["what"] for one in page["items"]]
        assert all(one["actorPerson"] for one in page["items"])
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert sorted(found) == ["JOB", "MEDIUM", "MEDIUM", "RECEIPT", "REPORT", "REPORT"]


async def test_nobody_is_told_who_looked_without_the_permission(
    world: World, dispatcher: Any, sign_in: Any
) -> None:
    """Nor is the reporter asked for them."""
    await world.settle()
    moderator = await sign_in(Role.MODERATOR)
    refused = await moderator.call("GET", "/v1/cybertips/any/looks")
    assert refused.status_code == 403
    assert dispatcher.asked == []


async def test_a_cursor_of_looks_is_checked(world: World, dispatcher: Any, sign_in: Any) -> None:
    """And nobody without the permission is told anything."""
    tip = EXAMPLES["getCybertip"]["answers"]
    path = f"/v1/cybertips/{tip['cybertip']['id']}/looks"
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("GET", path)).status_code == 403
    refused = await world.admin.call("GET", f"{path}?cursor=x")
    assert refused.status_code == 422
    assert dispatcher.asked == []
