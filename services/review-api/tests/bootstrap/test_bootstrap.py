"""What a page of the console starts with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from coop_contracts.permission import Role
from coop_review_api.http.authentication import CSRF_HEADER

pytestmark = pytest.mark.engines

LISTS = {
    "itemTypes": "item-types",
    "policies": "policies",
    "actions": "actions",
    "queues": "queues",
}


async def bootstrap(person: Any, **headers: str) -> Any:
    return await person.call("GET", "/v1/bootstrap", headers=headers)


@pytest.fixture
async def made(admin: Any, kit: Any) -> str:
    """The id of an item type, with one of each other kind beside it."""
    post = str((await admin.make("/v1/item-types", kit.item_type()))["id"])
    await admin.make("/v1/policies", {"name": "Spam"})
    await admin.make("/v1/actions", kit.action(post))
    return post


UNSAID = dict.fromkeys(("createdAt", "createdBy", "createdByPerson"))


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("role", list(Role))
async def test_it_is_what_the_lists_say(sign_in: Any, admin: Any, role: str) -> None:
    """Of each kind what this person's own list has, by id, people beside their ids, but for who
    made it and when; null where they have none."""
    person = admin if role == Role.ADMIN else await sign_in(role)
    shown = (await bootstrap(person)).json()
    for name, path in LISTS.items():
        listed = await person.call("GET", f"/v1/{path}?limit=200")
        allowed = listed.status_code == 200
        items = [one | UNSAID for one in listed.json()["items"]] if allowed else None
        assert shown[name] == items, name
    assert shown["more"] == []
    session = (await person.call("GET", "/v1/session")).json()
    assert shown["session"].items() <= session.items()
    assert session.keys() - shown["session"].keys() == {"csrfToken", "idleExpiresAt"}


async def test_names_of_people_and_signals_are_in_it(admin: Any, made: str) -> None:
    """Whoever made an item type, and what a condition can ask."""
    shown = (await bootstrap(admin)).json()
    (post,) = [one for one in shown["itemTypes"] if one["id"] == made]
    assert post["updatedByPerson"] == admin.view("ADMIN")
    assert {"name", "displayName"} == shown["signals"][0].keys()
    assert len(shown["signals"]) > 20


async def test_it_is_sent_again_when_it_changed(admin: Any, kit: Any) -> None:
    """304 until the configuration, or the person, did; the token is with each answer, and never in
    the body."""
    first = await bootstrap(admin)
    known = first.headers["etag"]
    again = await bootstrap(admin, **{"If-None-Match": known})
    assert (again.status_code, again.content) == (304, b"")
    token = (await admin.call("GET", "/v1/session")).json()["csrfToken"]
    assert first.headers[CSRF_HEADER] == again.headers[CSRF_HEADER] == token
    assert token not in first.text
    policy = await admin.make("/v1/policies", {"name": "Spam"})
    changed = await bootstrap(admin, **{"If-None-Match": known})
    assert changed.status_code == 200
    assert changed.json()["configRevision"] == policy["revision"]
    await admin.call("PUT", "/v1/me", {"name": "Ada"})
    renamed = await bootstrap(admin, **{"If-None-Match": changed.headers["etag"]})
    assert renamed.json()["session"]["user"]["name"] == "Ada"
    del kit


async def test_another_organisations_configuration_is_not_in_it(
    sign_in: Any, kit: Any, made: str
) -> None:
    """Nor does a change there change it."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    answer = await bootstrap(stranger)
    assert made not in answer.text


async def test_the_session_says_what_pages_need(
    admin: Any, sign_in: Any, context: Any, clock: Any
) -> None:
    """Of the organisation's settings and the operator's; when it ends, used and unused."""
    moderator = await sign_in(Role.MODERATOR)
    org = (await moderator.call("GET", "/v1/session")).json()["org"]
    assert org["ncmec"] == {"enabled": False, "reason": "NO_QUEUE"}
    assert (org["undoWindow"], org["bulkConfirmationAbove"], org["timeZone"]) == (0, 100, "UTC")
    assert (org["leaseSeconds"], org["maxClaims"]) == (600, 5)
    assert org["partialItems"] is False
    queue = await admin.make("/v1/queues", {"name": "Reports"})
    settings = {"name": "Acme", "timeZone": "Asia/Kolkata", "undoWindow": 30}
    settings |= {"ncmecQueueId": queue["id"], "partialItemsEndpoint": "https://example.com/items"}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    clock.forward(minutes=10)
    session = (await moderator.call("GET", "/v1/session")).json()
    assert session["build"] == "build-1"
    org = session["org"]
    assert (org["undoWindow"], org["timeZone"], org["partialItems"]) == (30, "Asia/Kolkata", True)
    assert org["ncmec"] == {"enabled": False, "reason": "NOT_ENABLED"}
    ncmec = {"enabled": True, "username": "esp", "password": "secret", "companyReportName": "Acme"}
    ncmec |= {"legalUrl": "https://acme.example/law", "contactEmail": "safety@acme.example"}
    assert (await admin.call("PUT", "/v1/ncmec-settings", ncmec)).status_code == 200
    again = (await moderator.call("GET", "/v1/session")).json()["org"]
    assert again["ncmec"] == {"enabled": True, "reason": None}
    idle = datetime.fromisoformat(session["idleExpiresAt"])
    assert timedelta() <= clock() + context.session_limits.idle - idle < timedelta(minutes=1)
    assert session["idleExpiresAt"] < session["expiresAt"]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "utc'", "x" * 65])
async def test_time_zones_are_known_ones(admin: Any, zone: str) -> None:
    """As the database knows them."""
    answer = await admin.call("PUT", "/v1/settings", {"name": "Acme", "timeZone": zone})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/timeZone"
