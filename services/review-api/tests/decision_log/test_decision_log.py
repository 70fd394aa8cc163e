"""The decision log: whose decisions it has, how it is asked, what it does not show to whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Executable, select, text, update
from sqlalchemy.ext.compiler import compiles

from coop_contracts.event import ActionRequested, ItemRef, RuleRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.decision_log import query
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.enforcement import bulk_store
from coop_review_api.history.known_item import own_first
from coop_review_api.kernel.schema import audit_log
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_review_api.review.table import decisions
from coop_review_api.review.visibility import ReaderScope
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

from ..job_context.job_context_world import Conversation

pytestmark = pytest.mark.engines


@dataclass
class World:
    """An organisation with jobs and actions, and the projector of its actions."""

    admin: Any
    moderator: Any
    org_id: str
    post: str
    queue: str
    other: str
    policy: str
    remove: str
    projection: Projection
    now: datetime

    async def decide(self, components: Any, person: Any = None, queue: str = "") -> str:
        """Decides the next job; the decision's id."""
        decision_id: str = await (person or self.moderator).decide(queue or self.queue, components)
        return decision_id

    async def act(
        self, *, item: str = "item-1", item_type: str = "", seconds: int = 0, **more: Any
    ) -> str:
        """An action that the log said was requested; its execution."""
        execution = new_id()
        event = ActionRequested(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.now + timedelta(seconds=seconds),
            correlation_id="c",
            execution_id=execution,
            action_id=self.remove,
            item=ItemRef(id=item, type_id=item_type or self.post),
            config_revision=1,
            **{
                "source": "RULE_EXECUTION",
                "creator": ItemRef(id="author-1", type_id="user"),
                "rules": (RuleRef(id="rule-1", name="R", revision=1),),
                "policy_ids": (self.policy, 'odd"\\,{}'),
                **more,
            },
        )
        received: Any = Received(event, b"", event.topic, 0, 0, {}, -1)
        await self.projection.requested([received, received])
        await self.projection.requested([received])
        return execution

    async def log(self, person: Any = None, **filters: Any) -> list[dict[str, Any]]:
        """The whole log, two entries a page: what rules did with it, unless kinds are named."""
        filters.setdefault("kind", EVERYTHING)
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            params = {**filters, **cursor, "limit": 2}
            answer = await (person or self.moderator).call("GET", "/v1/decision-log", params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            if page["nextCursor"] is None:
                return found
            cursor = {"cursor": page["nextCursor"]}

    async def ids(self, person: Any = None, **filters: Any) -> list[str]:
        return [entry["id"] for entry in await self.log(person, **filters)]


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any, engine: Any, clock: Any) -> World:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    return World(
        admin=admin,
        moderator=await sign_in(Role.MODERATOR),
        org_id=org.org_id,
        post=post,
        queue=org.default_queue_id,
        other=(await admin.make("/v1/queues", {"name": "Other", "openToEveryone": True}))["id"],
        policy=(await admin.make("/v1/policies", {"name": "Spam"}))["id"],
        remove=(await admin.make("/v1/actions", kit.action(post)))["id"],
        projection=Projection(
            engine, Partitions(engine), clock=clock, retention=timedelta(days=30)
        ),
        now=clock(),
    )


IGNORE = [{"type": "IGNORE"}]
EVERYTHING = ["DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION"]


async def test_it_has_what_people_rules_and_bulk_actions_did(
    world: World, place: Any, engine: Any, clock: Any
) -> None:
    """One log, newest first: a rule's action, a decision, a bulk action; each says how to take it
    back, and that works for a single execution."""
    ruled = await world.act()
    await place(world.queue, world.post, "item-1")
    act = {"type": "CUSTOM_ACTION", "actionIds": [world.remove], "policyIds": [world.policy]}
    decided = await world.decide([act])
    order = {"itemTypeId": world.post, "actionIds": [world.remove], "itemIds": ["item-2"]}
    bulk = (await world.moderator.make("/v1/bulk-actions", order))["id"]
    await world.moderator.call("POST", f"/v1/bulk-actions/{bulk}/confirm", {"total": 1})
    async with transaction(engine) as connection:
        # Whatever an earlier test left running goes first.
        while await bulk_store.advance(connection, batch=10, clock=clock):
            pass
    log = await world.log()
    assert [(one["id"], one["kind"], one["source"]) for one in log] == [
        (bulk, "BULK_ACTION", "BULK_ACTION"),
        (decided, "DECISION", "MRT_JOB"),
        (ruled, "ACTION", "RULE_EXECUTION"),
    ]
    assert [one["reversible"] for one in log] == [
        {"kind": "BULK_ACTION", "id": bulk},
        {"kind": "DECISION", "id": decided},
        {"kind": "EXECUTION", "id": ruled},
    ]
    assert log[2]["components"] == [
        {"actionIds": [world.remove], "policyIds": [world.policy, 'odd"\\,{}']}
    ]
    assert (log[2]["ruleIds"], log[2]["actorId"], log[2]["itemId"]) == (["rule-1"], None, "item-1")
    for key, one in (("bulkId", bulk), ("decisionId", decided), ("executionId", ruled)):
        made = await world.moderator.make("/v1/reversals", {key: one})
        assert made["total"] == 1, key
    (item,) = made["sample"]
    assert (item["itemId"], item["reverses"]) == ("item-1", ruled)
    unknown = await world.moderator.call("POST", "/v1/reversals", {"executionId": "none"})
    assert unknown.status_code == 404


async def test_every_filter_narrows_it_down(world: World, place: Any, sign_in: Any) -> None:
    """By type, action, policy, queue, reviewer, rule, source, time, item, user and job; what cannot
    have an answer gives none."""
    other = await sign_in(Role.MODERATOR)
    ruled = await world.act(item="item-9", seconds=-60)
    posted = await world.act(
        item="item-8",
        seconds=-50,
        source="POST_ACTIONS",
        rules=(),
        policy_ids=(),
        actor_id="bot",
        creator=None,
    )
    await place(world.queue, world.post, "item-1")
    ignored = await world.decide(IGNORE)
    job = await place(world.other, world.post, "item-2")
    act = {"type": "CUSTOM_ACTION", "actionIds": [world.remove], "policyIds": [world.policy]}
    acted = await world.decide([act], other, world.other)
    everything = [acted, ignored, posted, ruled]
    minute = (world.now - timedelta(seconds=30)).isoformat()
    item = {"itemTypeId": world.post}
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, everything),
        ({"kind": "DECISION"}, [acted, ignored]),
        ({"kind": "ACTION"}, [posted, ruled]),
        ({"kind": ["ACTION", "DECISION"]}, everything),
        ({"decisionType": "IGNORE"}, [ignored]),
        ({"decisionType": ["IGNORE", "CUSTOM_ACTION"]}, [acted, ignored]),
        ({"decisionType": "IGNORE", "kind": "ACTION"}, []),
        ({"actionId": world.remove}, [acted, posted, ruled]),
        ({"actionId": "none"}, []),
        ({"policyId": world.policy}, [acted, ruled]),
        ({"queueId": world.other}, [acted]),
        ({"reviewerId": other.user_id}, [acted]),
        ({"reviewerId": ["bot", world.moderator.user_id]}, [ignored, posted]),
        ({"ruleId": "rule-1"}, [ruled]),
        ({"ruleId": "rule-1", "queueId": world.queue}, []),
        ({"source": "POST_ACTIONS"}, [posted]),
        ({"source": "MRT_JOB"}, [acted, ignored]),
        ({"source": "AUTOMATIC"}, []),
        ({"since": minute}, [acted, ignored]),
        ({"until": minute}, [posted, ruled]),
        ({**item, "itemId": "item-2"}, [acted]),
        ({**item, "itemId": "item-9"}, [ruled]),
        (item, everything),
        ({"itemTypeId": "none"}, []),
        ({"userTypeId": "user", "userId": "author-1"}, [acted, ignored, ruled]),
        ({"userTypeId": "user", "userId": "nobody"}, []),
        ({"jobId": job}, [acted]),
    ]
    for filters, ids in expected:
        assert await world.ids(**filters) == ids, filters
    for wrong in ("itemId=x", "userTypeId=x", "q=", "kind=NO", "since=now", "limit=0"):
        assert (
            await world.moderator.call("GET", f"/v1/decision-log?{wrong}")
        ).status_code == 422, wrong


async def test_what_rules_did_does_not_drown_what_people_decided(world: World, place: Any) -> None:
    """Where no kind is named, the log as a whole has no actions of rules; they are there where it
    is asked by action, policy, rule or source, or for one item or user."""
    ruled = await world.act(item="item-1")
    await place(world.queue, world.post, "item-1")
    decided = await world.decide(IGNORE)
    usual: dict[str, Any] = {"kind": []}
    assert await world.ids(**usual) == [decided]
    assert await world.ids(**usual, itemTypeId=world.post) == [decided]
    for narrowed in (
        {"actionId": world.remove},
        {"policyId": world.policy},
        {"ruleId": "rule-1"},
        {"source": "RULE_EXECUTION"},
    ):
        assert await world.ids(**usual, **narrowed) == [ruled], narrowed
    of_item = {"itemTypeId": world.post, "itemId": "item-1"}
    assert await world.ids(**usual, **of_item) == [decided, ruled]
    of_user = {"userTypeId": "user", "userId": "author-1"}
    assert await world.ids(**usual, **of_user) == [decided, ruled]


async def test_it_is_searched_by_words(
    world: World, place: Any, sign_in: Any, engine: Any, kit: Any
) -> None:
    """Words of reasons and notes, whatever their case, phrases, without others; of a decision's and
    a bulk action's policies and actions the names; nothing of another organisation, and nothing
    where no word is."""
    act = {"type": "CUSTOM_ACTION", "actionIds": [world.remove], "policyIds": [world.policy]}
    said = {"reason": "Sells stolen Watches", "note": "seen twice"}
    await place(world.queue, world.post, "item-1")
    worded = await world.decide(IGNORE)
    async with transaction(engine) as connection:
        await connection.execute(
            update(decisions).where(decisions.c.decision_id == worded).values(**said)
        )
    await place(world.queue, world.post, "item-2")
    acted = await world.decide([act])
    noted = await world.act(
        item="item-3", seconds=-5, source="POST_ACTIONS", actor_id="bot", actor_note="stolen goods"
    )
    order = {"itemTypeId": world.post, "actionIds": [world.remove], "itemIds": ["item-4"]}
    bulk = (await world.moderator.make("/v1/bulk-actions", order | {"note": "a raid"}))["id"]
    await world.moderator.call("POST", f"/v1/bulk-actions/{bulk}/confirm", {"total": 1})
    name = (await world.admin.call("GET", f"/v1/actions/{world.remove}")).json()["name"]
    for words, expected in {
        "stolen": {worded, noted},
        "STOLEN watches": {worded},
        '"stolen watches"': {worded},
        '"watches stolen"': set(),
        "stolen -watches": {noted},
        "twice": {worded},
        "spam": {acted},
        name: {acted, bulk},
        "raid": {bulk},
        "stole": set(),
        "!!!": set(),
        "org": set(),
    }.items():
        assert set(await world.ids(q=words)) == expected, words
    assert await world.ids(q="stolen", kind=["SKIP", "RELEASE"]) == []
    other = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert await world.ids(other, q="stolen") == []


async def test_a_user_is_found_without_a_type(world: World, place: Any, engine: Any) -> None:
    """An id alone is the user of every type of user, those that were removed too: what they made,
    what was done to them, and where they were acted on besides."""
    user_type = {"kind": "USER", "fields": [{"name": "name", "type": "STRING", "required": True}]}
    one, other = [
        (await world.admin.make("/v1/item-types", {**user_type, "name": name}))["id"]
        for name in ("Seller", "Buyer")
    ]
    mine = await world.act(item="i", creator=ItemRef(id="u-1", type_id=one))
    await world.act(item="j", creator=ItemRef(id="u-2", type_id=one))
    await place(world.queue, world.post, "item-1")
    related = await world.decide(IGNORE)
    acted = [
        {"type": "RELATED_ACTION", "actionIds": ["a"], "items": [{"id": "u-1", "typeId": other}]}
    ]
    async with transaction(engine) as connection:
        await connection.execute(
            update(decisions).where(decisions.c.decision_id == related).values(components=acted)
        )
    await place(world.queue, world.post, "item-2")
    item_alike = await world.decide(IGNORE)
    on_item = [{**acted[0], "items": [{"id": "u-1", "typeId": world.post}]}]
    async with transaction(engine) as connection:
        await connection.execute(
            update(decisions)
            .where(decisions.c.decision_id == item_alike)
            .values(components=on_item)
        )
    # What acted on an item that has the same id is none of theirs.
    assert set(await world.ids(userId="u-1")) == {mine, related}
    assert await world.ids(userId="u-1", userTypeId=one) == [mine]
    removed = await world.admin.call("DELETE", f"/v1/item-types/{one}")
    assert removed.status_code == 204, removed.text
    assert set(await world.ids(userId="u-1")) == {mine, related}
    assert await world.ids(userId="nobody") == []


async def test_names_stand_beside_the_items(
    world: World, place: Any, org: Any, kit: Any, context: Any
) -> None:
    """Users that an entry is about, or that were acted on besides, have the name sent last, however
    many there are."""
    talk = Conversation(world.admin, context, org.org_id, kit)
    await talk.prepare()
    ann, bob = talk.user("ann"), talk.user("bob")
    await talk.send(talk.profile("ann"), talk.profile("bob"))
    ruled = await world.act(item="ann", item_type=ann.type_id)
    await place(world.queue, world.post, "item-1")
    decided = await world.decide(IGNORE)
    related = [
        {
            "type": "RELATED_ACTION",
            "actionIds": ["a"],
            "items": [
                *({"id": f"nobody-{number}", "typeId": bob.type_id} for number in range(250)),
                {"id": "bob", "typeId": bob.type_id},
            ],
        }
    ]
    async with transaction(context.engine) as connection:
        await connection.execute(
            update(decisions).where(decisions.c.decision_id == decided).values(components=related)
        )
    found = {one["id"]: one for one in await world.log()}
    assert found[ruled]["itemDisplayName"] == "Ann"
    assert found[decided]["itemDisplayName"] is None
    *nobody, last = found[decided]["related"]
    assert last == {"id": "bob", "typeId": bob.type_id, "displayName": "Bob"}
    assert {one["displayName"] for one in nobody} == {None}


def test_what_entries_are_about_comes_before_what_stands_beside() -> None:
    """However much is named, the entries' own items are asked for first."""
    groups = [[ItemRef(f"{group}-{place}", "user") for place in range(3)] for group in range(3)]
    asked = own_first([*groups, [], groups[0]])
    assert asked[:3] == [group[0] for group in groups]
    assert sorted(one.id for one in asked) == sorted(one.id for group in groups for one in group)


async def test_a_related_action_is_found_by_its_item(world: World, place: Any, engine: Any) -> None:
    """A decision that acted on another item or user is found by that one, too."""
    await place(world.queue, world.post, "item-1")
    decided = await world.decide(IGNORE)
    related = [
        {
            "type": "RELATED_ACTION",
            "actionIds": ["a"],
            "items": [{"id": "u-7", "typeId": "user"}],
        }
    ]
    async with transaction(engine) as connection:
        await connection.execute(
            update(decisions).where(decisions.c.decision_id == decided).values(components=related)
        )
    assert await world.ids(itemTypeId="user", itemId="u-7") == [decided]
    assert await world.ids(userTypeId="user", userId="u-7") == [decided]
    assert await world.ids(decisionType="RELATED_ACTION") == [decided]
    assert await world.ids(itemTypeId="user", itemId="u-8") == []


async def test_jobs_that_were_left_are_there_when_asked_for(world: World, place: Any) -> None:
    """Skips and releases are not shown unless asked for, and found by person, queue and job."""
    first = await place(world.queue, world.post, "item-1")
    second = await place(world.queue, world.post, "item-2")
    for job, way in ((first, "skip"), (second, "lease")):
        claim = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
        assert claim["job"]["id"] == job
        token = claim["lease"]["token"]
        if way == "skip":
            await world.moderator.call("POST", f"/v1/jobs/{job}/skip", {"leaseToken": token})
        else:
            headers = {"X-Lease-Token": token}
            await world.moderator.call("DELETE", f"/v1/jobs/{job}/lease", headers=headers)
    assert await world.log() == []
    left = await world.log(kind=["SKIP", "RELEASE"])
    assert [(one["kind"], one["jobId"], one["state"], one["itemId"]) for one in left] == [
        ("RELEASE", second, "RELEASED", "item-2"),
        ("SKIP", first, "SKIPPED", "item-1"),
    ]
    assert {one["actorId"] for one in left} == {world.moderator.user_id}
    assert [one["jobId"] for one in await world.log(kind="SKIP")] == [first]
    assert [one["jobId"] for one in await world.log(kind="RELEASE", jobId=second)] == [second]
    assert await world.log(kind="SKIP", queueId=world.other) == []
    assert await world.log(kind="SKIP", decisionType="IGNORE") == []


async def test_child_safety_is_not_shown_without_its_permission(
    world: World, place: Any, sign_in: Any, engine: Any
) -> None:
    """Decisions on such jobs, escalations, actions on such items and their skips are left out for
    those without the permission; the others' pages leave an audit row that names them."""
    guard = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    await place(world.queue, world.post, "item-1", csam=True)
    secret = await world.decide(IGNORE, guard)
    ruled = await world.act(item="item-1", seconds=-60)
    await place(world.queue, world.post, "item-2")
    escalated = await world.decide(IGNORE)
    await place(world.queue, world.post, "item-3")
    plain = await world.decide(IGNORE)
    async with transaction(engine) as connection:
        await connection.execute(
            update(decisions)
            .where(decisions.c.decision_id == escalated)
            .values(components=[{"type": "ESCALATE_TO_NCMEC"}])
        )
    assert await world.ids() == [plain]
    assert await world.ids(itemTypeId=world.post, itemId="item-1") == []
    seen = await world.log(guard)
    assert [one["id"] for one in seen] == [plain, escalated, secret, ruled]
    assert [one["csam"] for one in seen] == [False, True, True, True]
    async with transaction(engine) as connection:
        rows = await connection.scalars(
            select(audit_log.c.detail)
            .where(
                audit_log.c.org_id == world.org_id,
                audit_log.c.action == "child-safety.listed",
                audit_log.c.actor == guard.user_id,
            )
            .order_by(audit_log.c.audit_id)
        )
        assert [row["ids"] for row in rows] == [[escalated], [secret, ruled]]


async def test_a_closed_queue_stays_closed(world: World, place: Any, sign_in: Any) -> None:
    """Decisions in a queue that is closed to the reader are left out, their own apart; whoever
    manages queues sees all."""
    insider = await sign_in(Role.MODERATOR)
    body = {"name": "Closed", "reviewerIds": [insider.user_id]}
    queue = (await world.admin.make("/v1/queues", body))["id"]
    await place(queue, world.post)
    hidden = await world.decide(IGNORE, insider, queue)
    await place(queue, world.post)
    other = await world.decide(IGNORE, world.admin, queue)
    assert await world.ids() == []
    assert await world.ids(insider) == await world.ids(world.admin) == [other, hidden]
    # The queue is closed to the insider now, too.
    body = {"name": "Closed", "reviewerIds": [world.admin.user_id]}
    changed = await world.admin.call("PUT", f"/v1/queues/{queue}", body)
    assert changed.status_code == 200, changed.text
    assert await world.ids(insider) == [hidden]


async def test_who_decides_again_does_not_read_how_it_was_decided(
    world: World, place: Any, admin: Any, engine: Any
) -> None:
    """While a person holds a job's second review, neither the log nor the job shows the first
    decision to them; to others it does, and to them afterwards."""
    queue = await admin.call("GET", f"/v1/queues/{world.queue}")
    body = {"name": queue.json()["name"], "isDefaultQueue": True, "secondReviewShare": 1}
    changed = await admin.call("PUT", f"/v1/queues/{world.queue}", body)
    assert changed.status_code == 200, changed.text
    job = await place(world.queue, world.post)
    first = await world.decide(IGNORE, admin)
    async with transaction(engine) as connection:
        held = text(
            "UPDATE review.second_reviews SET lease_token = 't', lease_holder = :me,"
            " lease_expires_at = now() + interval '1 hour' WHERE decision_id = :first"
        )
        given = {"me": world.moderator.user_id, "first": first}
        assert (await connection.execute(held, given)).rowcount == 1
    assert await world.ids() == []
    assert (await world.moderator.call("GET", f"/v1/jobs/{job}")).json()["decisions"] == []
    # The id of a job's decision is no secret: it is made of the job's.
    assert (await world.moderator.call("GET", f"/v1/decisions/{first}")).status_code == 404
    assert await world.ids(admin) == [first]
    assert (await world.admin.call("GET", f"/v1/decisions/{first}")).status_code == 200
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "UPDATE review.second_reviews SET state = 'WITHDRAWN', lease_token = NULL,"
                " lease_holder = NULL, lease_expires_at = NULL WHERE decision_id = :first"
            ),
            {"first": first},
        )
    assert await world.ids() == [first]


async def test_who_reviews_reads_what_happened_before(
    world: World, place: Any, sign_in: Any
) -> None:
    """Of a job that is open to them who reads what was decided sees it of its item and its user; of
    a job that is not, nothing; an external moderator of none."""
    outside = await sign_in(Role.MODERATOR)
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    ruled = await world.act(item="item-1", seconds=-60)
    elsewhere = await world.act(item="item-2", seconds=-50)
    await place(world.queue, world.post, "item-1")
    before = await world.decide(IGNORE)
    job = await place(world.queue, world.post, "item-1")
    for path in ("/v1/decision-log", f"/v1/jobs/{job}/history"):
        assert (await external.call("GET", path)).status_code == 403

    async def history(person: Any, of: str) -> list[str]:
        answer = await person.call("GET", f"/v1/jobs/{job}/history?of={of}")
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await history(outside, "ITEM") == [before, ruled]
    world_user = {"userTypeId": "user", "userId": "author-1"}
    assert await history(outside, "USER") == await world.ids(**world_user)
    assert elsewhere in await history(outside, "USER")
    first = (await outside.call("GET", f"/v1/jobs/{job}/history?limit=1")).json()
    path = f"/v1/jobs/{job}/history?cursor={first['nextCursor']}"
    assert [one["id"] for one in (await outside.call("GET", path)).json()["items"]] == [ruled]
    secret = await place(world.queue, world.post, "item-1", csam=True)
    answer = await outside.call("GET", f"/v1/jobs/{secret}/history")
    assert answer.status_code == 404, answer.text


async def test_pages_stay_while_entries_come(world: World) -> None:
    """What is decided while somebody reads changes nothing of the pages that follow, entries of the
    same moment included."""
    made = [await world.act(seconds=-10) for _ in range(5)]
    answer = await world.moderator.call("GET", "/v1/decision-log?kind=ACTION&limit=2")
    page = answer.json()
    for seconds in (-5, 0):
        await world.act(seconds=seconds)
    seen = [one["id"] for one in page["items"]]
    while page["nextCursor"] is not None:
        path = f"/v1/decision-log?kind=ACTION&limit=2&cursor={page['nextCursor']}"
        page = (await world.moderator.call("GET", path)).json()
        seen += [one["id"] for one in page["items"]]
    assert seen == sorted(made, reverse=True)


async def test_another_organisation_sees_nothing(world: World, sign_in: Any, kit: Any) -> None:
    """Nothing of it is in another organisation's log, whatever it asks for."""
    await world.act()
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert await world.ids(stranger) == []
    assert await world.ids(stranger, itemTypeId=world.post, itemId="item-1") == []


async def test_the_log_is_read_by_its_indexes(owner_engine: Any, world: World) -> None:
    """Of 100,000 decisions, a page by reviewer, queue, item, user or a rare policy reads at most a
    fiftieth."""
    scope = ReaderScope(org_id=world.org_id, user_id="u", queue_ids=None, child_safety=True)
    someone = ItemRef(id="x", type_id="post")
    wanted = {
        "all": LogQuestion(kinds=("DECISION",)),
        "queue": LogQuestion(kinds=("DECISION",), queue_ids=("queue-7",)),
        "reviewer": LogQuestion(kinds=("DECISION",), reviewer_ids=(world.moderator.user_id,)),
        "item": LogQuestion(kinds=("DECISION",), item=someone),
        "user": LogQuestion(kinds=("DECISION",), user=someone),
        "policy": LogQuestion(kinds=("DECISION",), policy_ids=("policy-none",)),
    }
    async with transaction(owner_engine, within=120) as connection:
        await connection.execute(text("SET LOCAL statement_timeout = '120s'"))
        await connection.execute(
            text(
                """
                INSERT INTO review.decisions (decision_id, org_id, job_id, queue_id, item_type_id,
                    item_id, reviewer_id, components, executions, request_hash, config_revision,
                    decided_at)
                SELECT gen_random_uuid()::text, :org, gen_random_uuid()::text, 'queue-' || n % 20,
                    'post', n::text, CASE n % 1000 WHEN 0 THEN :me ELSE :other END,
                    jsonb_build_array(jsonb_build_object('type', 'CUSTOM_ACTION', 'policyIds',
                        jsonb_build_array('policy-' || n % 50))), '[]', '', 1,
                    now() - n * interval '1 second'
                  FROM generate_series(1, 100000) n
                """
            ),
            {
                "org": world.org_id,
                "me": world.moderator.user_id,
                "other": world.admin.user_id,
            },
        )
        await connection.execute(text("ANALYZE review.decisions"))
        for name, asked in wanted.items():
            plan = await explained(connection, scope, asked)
            assert rows_read(plan) <= 2000, (name, plan)
        await connection.rollback()


class Explain(Executable, ClauseElement):
    """The plan of a statement, after it was run."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **more: Any) -> str:
    return f"EXPLAIN (ANALYZE, FORMAT JSON) {compiler.process(element.statement, **more)}"


async def explained(connection: Any, scope: ReaderScope, wanted: LogQuestion) -> dict[str, Any]:
    """The plan that `query.page` ran, with what it read."""
    found: list[dict[str, Any]] = []

    class Explaining:
        async def execute(self, statement: Any) -> Any:
            found.append((await connection.scalar(Explain(statement)))[0]["Plan"])
            return await connection.execute(statement)

    explaining: Any = Explaining()
    await query.page(explaining, scope, wanted, after=None, limit=50)
    return found[0]


def rows_read(plan: dict[str, Any]) -> int:
    """Rows that the scans of a plan went through."""
    own = 0
    if "Scan" in plan["Node Type"] and plan["Node Type"] != "Subquery Scan":
        each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = int(each * plan["Actual Loops"])
    return own + sum(rows_read(child) for child in plan.get("Plans", ()))
