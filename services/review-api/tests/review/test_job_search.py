"""Finding jobs: by what they are about, who reported, where they are; and opening them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.dialects import postgresql

from coop_contracts.event import ItemRef
from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Role
from coop_queues.slot import item_key, reporter_key
from coop_queues.table import jobs
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.schema import audit_log
from coop_review_api.review import search as job_search
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any) -> dict[str, Any]:
    return {
        "post": (await admin.make("/v1/item-types", kit.item_type()))["id"],
        "queue": org.default_queue_id,
        "other": (await admin.make("/v1/queues", {"name": "Other", "openToEveryone": True}))["id"],
        "moderator": await sign_in(Role.MODERATOR),
    }


async def found(person: Any, path: str, **filters: str) -> list[str]:
    """The ids of all pages of two."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await person.call("GET", path, params={**filters, **cursor, "limit": "2"})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [job["id"] for job in page["items"]]
        if page["nextCursor"] is None:
            return ids
        cursor = {"cursor": page["nextCursor"]}


async def test_jobs_are_found_by_what_they_are(world: Any, place: Any) -> None:
    """Queue, state, source, policy, item, its prefix, and times each narrow a search down."""
    moderator = world["moderator"]
    one = await place(world["queue"], world["post"], "alpha-1", policy_ids=("p1",))
    two = await place(world["other"], world["post"], "alpha-2")
    three = await place(world["queue"], "another-type", "beta_%")
    assert await found(moderator, "/v1/jobs") == [one, two, three]
    assert await found(moderator, "/v1/jobs", newestFirst="true") == [three, two, one]
    expected = {
        ("queueId", world["queue"]): [one, three],
        ("state", "PENDING"): [one, two, three],
        ("state", "CLOSED"): [],
        ("source", "REPORT"): [one, two, three],
        ("source", "APPEAL"): [],
        ("policyId", "p1"): [one],
        ("itemTypeId", "another-type"): [three],
        ("itemId", "alpha-2"): [two],
        ("itemIdPrefix", "alpha"): [one, two],
        ("itemIdPrefix", "beta_%"): [three],
        ("kind", "APPEAL"): [],
        ("enqueuedFrom", "2026-01-01T00:00:00Z"): [one, two, three],
        ("enqueuedTo", "2026-01-01T00:00:00Z"): [],
        ("createdTo", "2026-01-01T00:00:00Z"): [],
        ("createdFrom", "2026-01-01T00:00:00Z"): [one, two, three],
        ("overdue", "true"): [],
        ("overdue", "false"): [one, two, three],
    }
    for (name, value), ids in expected.items():
        assert await found(moderator, "/v1/jobs", **{name: value}) == ids, (name, value)
    wrong = await moderator.call("GET", "/v1/jobs?enqueuedFrom=2026-01-01T00:00:00")
    assert wrong.status_code == 422


async def test_jobs_are_found_by_reporter_wherever_they_moved(
    world: Any, place: Any, kit: Any
) -> None:
    """A reporter's jobs are those their reports went to, and those that continue them."""
    moderator = world["moderator"]
    first = await place(world["queue"], world["post"], "item-1", reporter="r1")
    both = await place(world["queue"], world["post"], "item-2", reporter="r1")
    assert await place(world["queue"], world["post"], "item-2", reporter="r2") == both
    await place(world["queue"], world["post"], "item-3", reporter="r3")
    by = {"reporterTypeId": "user", "reporterId": "r1"}
    assert await found(moderator, "/v1/jobs", **by) == [first, both]
    assert await found(moderator, "/v1/jobs", **{**by, "reporterId": "r2"}) == [both]
    claim = (await moderator.call("POST", f"/v1/queues/{world['queue']}/claims")).json()
    assert claim["job"]["id"] == first
    move = [{"type": "MOVE", "queueId": world["other"]}]
    sent = {"leaseToken": claim["lease"]["token"], "components": move}
    moved = (await moderator.make(f"/v1/jobs/{first}/decisions", sent))["movedTo"]
    assert await found(moderator, "/v1/jobs", **by, state="PENDING") == [both, moved]
    half = await moderator.call("GET", "/v1/jobs?reporterId=r1")
    assert kit.pointers(half) == ["#/query/reporterId"]


async def test_an_overdue_job_is_found(world: Any, place: Any, engine: Any) -> None:
    """`overdue` is pending past the deadline; `deadlineTo` is due before."""
    moderator = world["moderator"]
    late = await place(world["queue"], world["post"])
    await place(world["queue"], world["post"])
    past = datetime.now(UTC) - timedelta(hours=1)
    async with transaction(engine) as connection:
        await connection.execute(update(jobs).where(jobs.c.job_id == late).values(deadline=past))
    assert await found(moderator, "/v1/jobs", overdue="true") == [late]
    to = datetime.now(UTC).isoformat()
    assert await found(moderator, "/v1/jobs", deadlineTo=to) == [late]


async def test_the_jobs_of_whoever_holds_them_are_found(world: Any, place: Any) -> None:
    """By the person who holds it now; given back, it is no longer found."""
    moderator = world["moderator"]
    job = await place(world["queue"], world["post"])
    await place(world["queue"], world["post"])
    claim = (await moderator.call("POST", f"/v1/queues/{world['queue']}/claims")).json()
    by = {"leaseHolderId": moderator.user_id}
    assert await found(moderator, "/v1/jobs", **by) == [job]
    token = {"X-Lease-Token": claim["lease"]["token"]}
    await moderator.call("DELETE", f"/v1/jobs/{job}/lease", headers=token)
    assert await found(moderator, "/v1/jobs", **by) == []


async def test_an_item_and_a_user_have_their_jobs(
    world: Any, place: Any, clock: Any, sign_in: Any, kit: Any
) -> None:
    """Where an item is queued, past jobs too, whatever is in its id; the jobs about a user are
    those of what they made, within so many days; another organisation sees none of them."""
    moderator, odd = world["moderator"], "a/b?ü/jobs"
    one = await place(world["queue"], world["post"], odd)
    two = await place(world["other"], world["post"], odd)
    of_item = f"/v1/items/{world['post']}/{quote(odd, safe='')}/jobs"
    assert await found(moderator, of_item) == [two, one]
    assert await found(moderator, of_item, state="CLOSED") == []
    claim = (await moderator.call("POST", f"/v1/queues/{world['queue']}/claims")).json()
    sent = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    await moderator.make(f"/v1/jobs/{one}/decisions", sent)
    assert await found(moderator, of_item, state="PENDING") == [two]
    assert await found(moderator, of_item) == [two, one]
    of_user = "/v1/users/user/author-1/jobs"
    assert await found(moderator, of_user) == [two, one]
    assert await found(moderator, of_user, state="CLOSED") == [one]
    assert await found(moderator, "/v1/users/user/author-2/jobs") == []
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    for path in (of_item, of_user):
        assert await found(stranger, path) == []
    clock.forward(days=8)
    moderator = await sign_in(Role.MODERATOR)
    assert await found(moderator, of_user, days="30") == [two, one]
    assert await found(moderator, of_user) == []


async def test_what_one_may_not_see_is_not_found(
    world: Any, place: Any, admin: Any, sign_in: Any, engine: Any, org: Any
) -> None:
    """Jobs of closed queues and of child-abuse material are not in any list of those they are
    closed to; a list with such material leaves an audit row."""
    moderator, guard = world["moderator"], await sign_in(Role.CHILD_SAFETY_MODERATOR)
    body = {"name": "Closed", "reviewerIds": [guard.user_id]}
    closed = (await admin.make("/v1/queues", body))["id"]
    hidden = await place(closed, world["post"], "item-1")
    secret = await place(world["queue"], world["post"], "item-1", csam=True)
    paths = ("/v1/jobs", f"/v1/items/{world['post']}/item-1/jobs", "/v1/users/user/author-1/jobs")
    for path in paths:
        assert await found(moderator, path) == []
        assert sorted(await found(guard, path)) == sorted([hidden, secret])
    for job in (hidden, secret):
        assert (await moderator.call("GET", f"/v1/jobs/{job}")).status_code == 404
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(audit_log.c.actor, audit_log.c.detail).where(
                audit_log.c.org_id == org.org_id, audit_log.c.action == "child-safety.listed"
            )
        )
        seen = [(row.actor, sorted(row.detail["ids"])) for row in rows]
    # Another report of the item makes its job in the closed queue one of child safety too.
    assert seen == [(guard.user_id, sorted([hidden, secret]))] * len(paths)


async def test_a_jobs_link_works_before_and_after(world: Any, place: Any) -> None:
    """A pending job shows no decision, a closed one how it was decided, to who may see it, with or
    without the permission for the whole log."""
    moderator = world["moderator"]
    job = await place(world["queue"], world["post"])
    assert (await moderator.call("GET", f"/v1/jobs/{job}")).json()["decisions"] == []
    claim = (await moderator.call("POST", f"/v1/queues/{world['queue']}/claims")).json()
    sent = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    made = await moderator.make(f"/v1/jobs/{job}/decisions", sent)
    closed = (await moderator.call("GET", f"/v1/jobs/{job}")).json()
    assert closed["state"] == "CLOSED"
    (decision,) = closed["decisions"]
    assert (decision["id"], decision["actorId"]) == (made["id"], moderator.user_id)
    assert decision["components"] == [{"type": "IGNORE"}]


_PAGE = 51
# Of 200,000: each of a page, and what lies beside it in the few tables that are looked into for it.
_PAGES = 8
_FILL = text(
    """
    INSERT INTO queues.jobs (job_id, org_id, queue_id, kind, item_key, item_type_id, item_id,
                             generation, state, source, entry_count, report_count, rank, created_at,
                             enqueued_at, subject_key, closed_at)
    SELECT gen_random_uuid(), :org, 'queue-' || n % 20, 'DEFAULT', gen_random_uuid(), 'post',
           md5(n::text), 1, CASE n % 10 WHEN 0 THEN 'PENDING' ELSE 'CLOSED' END, 'REPORT', 1, 1, n,
           now(), now() - n * interval '1 second', gen_random_uuid(),
           CASE n % 10 WHEN 0 THEN NULL ELSE now() END
      FROM generate_series(1, 200000) n
    """
)
_FILL_ENTRIES = text(
    """
    INSERT INTO queues.entries (org_id, entry_id, job_id, reporter_key, body)
    SELECT :org, gen_random_uuid(), job_id, gen_random_uuid(), ''
      FROM queues.jobs WHERE org_id = :org LIMIT 50000
    """
)


async def test_common_searches_read_no_more_than_they_show(owner_engine: Any, org: Any) -> None:
    """Of 200,000 jobs, a search by item, reporter, user, id prefix, or queue and state reads a page
    and not the table."""
    principal = Principal(
        user_id="u",
        org_id=org.org_id,
        email="",
        name="",
        role=str(Role.ADMIN),
        permissions=DEFAULT_ROLE_PERMISSIONS[Role.ADMIN],
        session_id="s",
        idle_expires_at=datetime.now(UTC),
        expires_at=datetime.now(UTC),
        must_enrol=False,
    )
    someone = ItemRef(id="x", type_id="user")
    wanted = {
        "item": job_search.JobFilter(item_type_id="post", item_id="x"),
        "reporter": job_search.JobFilter(reporter=someone),
        "user": job_search.JobFilter(subject=someone),
        "prefix": job_search.JobFilter(item_id_prefix="abcdef"),
        "queue": job_search.JobFilter(queue_id="queue-7", state="PENDING"),
        "queue, newest": job_search.JobFilter(
            queue_id="queue-7", state="CLOSED", newest_first=True
        ),
        "any": job_search.JobFilter(newest_first=True),
        "held": job_search.JobFilter(lease_holder="u"),
    }
    async with transaction(owner_engine, within=120) as connection:
        await connection.execute(text("SET LOCAL statement_timeout = '120s'"))
        await connection.execute(_FILL, {"org": org.org_id})
        await connection.execute(_FILL_ENTRIES, {"org": org.org_id})
        await connection.execute(text("ANALYZE queues.jobs"))
        await connection.execute(text("ANALYZE queues.entries"))
        assert item_key("post", "x") != reporter_key("user", "x")
        for name, search in wanted.items():
            query = job_search.query_of(principal, search, now=datetime.now(UTC))
            order = (jobs.c.enqueued_at, jobs.c.job_id)
            query = query.order_by(
                *(c.desc() for c in order) if search.newest_first else order
            ).limit(_PAGE)
            compiled = query.compile(
                dialect=postgresql.dialect(),  # type: ignore[no-untyped-call] # so in SQLAlchemy
                compile_kwargs={"literal_binds": True},
            )
            plan = await connection.scalar(
                text(f"EXPLAIN (ANALYZE, FORMAT JSON) {str(compiled).replace(':', chr(92) + ':')}")
            )
            read = rows_read(plan[0]["Plan"])
            assert read <= _PAGES * _PAGE, (name, read, scans_of(plan[0]["Plan"]))
        await connection.rollback()


def scans_of(plan: dict[str, Any]) -> list[str]:
    """Each scan of a plan, with what it went through."""
    own = []
    if "Scan" in plan["Node Type"]:
        where = plan.get("Index Name") or plan.get("Relation Name")
        removed = plan.get("Rows Removed by Filter", 0)
        rows, loops = plan["Actual Rows"], plan["Actual Loops"]
        own.append(f"{plan['Node Type']} {where}: ({rows} + {removed}) * {loops}")
    return own + [one for child in plan.get("Plans", ()) for one in scans_of(child)]


def rows_read(plan: dict[str, Any]) -> int:
    """Rows that the scans of a plan went through."""
    own = 0
    if "Scan" in plan["Node Type"]:
        each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = int(each * plan["Actual Loops"])
    return own + sum(rows_read(child) for child in plan.get("Plans", ()))
