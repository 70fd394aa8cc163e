"""One search over everything finds by id and by name, and only what one may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from coop_contracts.config import FieldRoles, ItemType
from coop_contracts.event import ItemSubmitted, SubmittedItem
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues.job import JobKind
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_runtime.database.partition import Partitions

pytestmark = pytest.mark.engines


async def hits(person: Any, words: str) -> list[tuple[str, str]]:
    answer = await person.http.get("/v1/search", params={"q": words})
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["name"]) for one in answer.json()["items"]]


@pytest.fixture
async def post(admin: Any, kit: Any) -> str:
    return str((await admin.make("/v1/item-types", kit.item_type(name="Zebra post")))["id"])


Keep = Callable[..., Awaitable[None]]


@pytest.fixture
def keep(context: Any, org: Any) -> Keep:
    """Puts an item into the history, as the role does."""
    shape = ItemShape.of(
        ItemType(
            id="any", name="Any", kind="CONTENT", version="v", fields=(), field_roles=FieldRoles()
        )
    )

    async def put(type_id: str, item_id: str, data: dict[str, Any]) -> None:
        submission_id = new_id()
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=org.org_id,
            time=context.clock(),
            correlation_id=submission_id,
            submission_id=submission_id,
            item=SubmittedItem(
                id=item_id,
                type_id=type_id,
                type_version="v",
                data=msgspec.Raw(msgspec.json.encode(data)),
            ),
            request_id="r",
            config_revision=1,
        )
        versions = versions_of(event, lambda _org, _item: Indexing(shape, searched=True))
        await ItemStore(context.engine, Partitions(context.engine)).add(versions)

    return put


async def test_documents_are_found_by_a_part_of_their_name(admin: Any, kit: Any, post: str) -> None:
    """Whatever the case of the letters; names that begin with the words come first; five of a kind
    at most; a sign of a pattern is a sign."""
    for name in ("A zebra", "Zebra one", "zebra two", "Zebra 3", "Zebra 4", "Zebra 5", "50% zebra"):
        await admin.make("/v1/policies", {"name": name})
    await admin.make("/v1/rules", kit.rule(post, name="Stripes of zebras"))
    found = await hits(admin, "ZEBRA")
    policies = [name for kind, name in found if kind == "POLICY"]
    assert policies == ["Zebra 3", "Zebra 4", "Zebra 5", "Zebra one", "zebra two"]
    assert ("RULE", "Stripes of zebras") in found
    assert ("ITEM_TYPE", "Zebra post") in found
    assert [kind for kind, _ in found] == sorted(
        (kind for kind, _ in found), key=["RULE", "POLICY", "ITEM_TYPE"].index
    )
    assert await hits(admin, "50%") == [("POLICY", "50% zebra")]
    assert await hits(admin, "no such thing") == []


async def test_a_document_is_found_by_its_id(admin: Any) -> None:
    """The whole id finds it, though its name says something else."""
    made = await admin.make("/v1/policies", {"name": "Otters"})
    assert await hits(admin, made["id"]) == [("POLICY", "Otters")]


async def test_jobs_are_found_by_id_and_by_the_beginning_of_their_items_id(
    admin: Any, org: Any, place: Any, post: str
) -> None:
    """The newest first."""
    first = await place(org.default_queue_id, post, "heron-1")
    await place(org.default_queue_id, post, "heron-2")
    assert await hits(admin, first) == [("JOB", "heron-1")]
    assert await hits(admin, "heron") == [("JOB", "heron-2"), ("JOB", "heron-1")]


async def test_a_decision_is_found_by_its_id(admin: Any, org: Any, place: Any, post: str) -> None:
    """With the queue in which it was made."""
    job = await place(org.default_queue_id, post)
    claim = (await admin.call("POST", f"/v1/queues/{org.default_queue_id}/claims")).json()
    said = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    decided = await admin.make(f"/v1/jobs/{job}/decisions", said)
    answer = await admin.call("GET", f"/v1/search?q={decided['id']}")
    (hit,) = answer.json()["items"]
    assert (hit["kind"], hit["id"], hit["queueId"]) == (
        "DECISION",
        decided["id"],
        org.default_queue_id,
    )


async def test_people_are_found_by_name(admin: Any, sign_in: Any) -> None:
    """Colleagues, by a part of their name; no address is searched or shown."""
    someone = await sign_in(Role.ANALYST)
    answer = await admin.call("GET", "/v1/search?q=analyst")
    assert someone.user_id in [one["id"] for one in answer.json()["items"]]
    assert "@" not in answer.text
    assert await hits(admin, someone.email) == []


async def test_items_and_users_are_found_by_id(
    admin: Any, sign_in: Any, kit: Any, post: str, keep: Keep
) -> None:
    """By the history, with the name that a user's profile has; for who investigates."""
    fields = [{"name": "name", "type": "STRING"}]
    roles = {"displayName": "name"}
    animal = kit.item_type("Animal", kind="USER", fields=fields, fieldRoles=roles)
    user = (await admin.make("/v1/item-types", animal))["id"]
    await keep(post, "crane", {"text": "by the lake"})
    await keep(user, "crane", {"name": "Crane of the lake"})
    found = await hits(admin, "crane")
    assert sorted(found) == [("ITEM", "crane"), ("USER", "Crane of the lake")]
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    assert await hits(external, "crane") == []


async def test_nobody_finds_what_they_may_not_see(
    admin: Any, sign_in: Any, org: Any, place: Any, post: str, organisations: Any, context: Any
) -> None:
    """A closed queue and its jobs, child safety without the permission, rules for who only reviews,
    and everything of another organisation are not found."""
    closed = await admin.make("/v1/queues", {"name": "Marsh", "openToEveryone": False})
    job = await place(closed["id"], post, "marsh-1")
    grave = await place(org.default_queue_id, post, "marsh-2", kind=JobKind.NCMEC, csam=True)
    moderator = await sign_in(Role.MODERATOR)
    assert [one for words in ("marsh", job, grave) for one in await hits(moderator, words)] == []
    assert ("QUEUE", "Marsh") in await hits(admin, "marsh")
    other = await organisations.make(context)
    stranger = await sign_in(Role.ADMIN, other.org_id)
    assert [one for words in ("marsh", job, "zebra") for one in await hits(stranger, words)] == []


async def test_a_search_without_words_is_refused(admin: Any) -> None:
    """Blanks are no words; the fault names the parameter."""
    for words in ("", "  "):
        answer = await admin.http.get("/v1/search", params={"q": words})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/query/q"
