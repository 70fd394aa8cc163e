"""What people wrote of decisions, and what is kept of items because of them, ends when its
organisation wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select, text

from coop_review_api.comment.table import comments
from coop_review_api.configuration.fading import FadingKeeper
from coop_review_api.history.port import Mark
from coop_review_api.history.store import ItemStore
from coop_review_api.history.table import item_marks, kept_items
from coop_review_api.process.fadings import FADING
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.database.partition import Partitions

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]


@dataclass
class World:
    """An organisation that decides and comments, and what ends its words."""

    admin: Any
    context: Any
    org_id: str
    post: str
    queue: str
    place: Any

    async def decide(self, item: str, *, type_id: str = "", **entry: Any) -> str:
        """A job about the item with a comment, decided with a reason; the decision."""
        job = await self.place(self.queue, type_id or self.post, item, **entry)
        await self.admin.make(f"/v1/jobs/{job}/comments", {"body": f"words about {item}"})
        claimed = (await self.admin.call("POST", f"/v1/queues/{self.queue}/claims")).json()
        body = {
            "leaseToken": claimed["lease"]["token"],
            "components": IGNORE,
            "reason": f"reason of {item}",
            "note": "a note",
        }
        made = await self.admin.make(f"/v1/jobs/{job}/decisions", body)
        return str(made["id"])

    async def wish(self, days: int | None) -> None:
        body = {"name": "Acme", "undoWindow": 0, "recordDays": days}
        assert (await self.admin.call("PUT", "/v1/settings", body)).status_code == 200

    def keeper(self, batch: int = 2) -> FadingKeeper:
        clock = self.context.clock
        return FadingKeeper(
            self.context.engine, FADING, setting="recordDays", clock=clock, batch=batch
        )

    async def said(self) -> dict[str, str | None]:
        """Reasons by decision."""
        async with transaction(self.context.engine) as connection:
            rows = await connection.execute(
                select(decisions.c.decision_id, decisions.c.reason, decisions.c.note).where(
                    decisions.c.org_id == self.org_id
                )
            )
            return {row.decision_id: row.reason and f"{row.reason} {row.note}" for row in rows}

    async def write(self, query: str, **values: Any) -> None:
        async with transaction(self.context.engine) as connection:
            await connection.execute(text(query), {"org": self.org_id, **values})

    async def judged_again(self, decision: str, *, waits: bool = False) -> None:
        """A second review of the decision, answered with words unless it waits."""
        await self.write(
            "INSERT INTO review.second_reviews (second_review_id, org_id, queue_id, job_id,"
            " decision_id, not_for, csam, expected, state, available_at, answered_by, answered_at,"
            " reason, note, answer)"
            " SELECT decision_id, org_id, queue_id, job_id, decision_id, '{}',"
            " false, '{}', CASE WHEN :waits THEN 'PENDING' ELSE 'ANSWERED' END, decided_at,"
            " 'x', decided_at, 'so', 'a word', CASE WHEN :waits THEN NULL ELSE '{}'::jsonb END"
            " FROM review.decisions WHERE org_id = :org AND decision_id = :id",
            id=decision,
            waits=waits,
        )

    async def golden(self, decision: str, *, retired: bool) -> None:
        """The decision's job as a golden item with a note."""
        await self.write(
            "INSERT INTO review.golden_items (golden_id, org_id, decision_id, job_id, queue_id,"
            " csam, components, expected, note, not_for, created_by, created_at, retired_at)"
            " SELECT decision_id, org_id, decision_id, job_id, queue_id, false, '[]', '{}',"
            " 'why it is right', '{}', 'x', decided_at, CASE WHEN :retired THEN decided_at END"
            " FROM review.decisions WHERE org_id = :org AND decision_id = :id",
            id=decision,
            retired=retired,
        )

    async def noted(self, table: str, key: str) -> dict[str, str | None]:
        """Notes by key."""
        async with transaction(self.context.engine) as connection:
            query = f"SELECT {key} AS key, note FROM review.{table} WHERE org_id = :org"
            rows = await connection.execute(text(query), {"org": self.org_id})
            return {row.key: row.note for row in rows}

    async def age(self, table: str, column: str) -> None:
        """What there is of it lies sixty days back."""
        older = f"UPDATE review.{table} SET {column} = {column} - interval '60 days'"
        async with transaction(self.context.engine) as connection:
            await connection.execute(text(f"{older} WHERE org_id = :org"), {"org": self.org_id})

    async def count(self, table: Any) -> int:
        async with transaction(self.context.engine) as connection:
            query = select(func.count()).where(table.c.org_id == self.org_id)
            return int(await connection.scalar(query) or 0)


@pytest.fixture
async def world(admin: Any, context: Any, org: Any, kit: Any, place: Any) -> World:
    return World(
        admin=admin,
        context=context,
        org_id=org.org_id,
        post=(await admin.make("/v1/item-types", kit.item_type()))["id"],
        queue=org.default_queue_id,
        place=place,
    )


@pytest.fixture
async def history(review_url: str) -> AsyncIterator[ItemStore]:
    """The history's own, over its own connections."""
    made = engine_of(review_url, pool_size=1, application_name="test-history")
    yield ItemStore(made, Partitions(made))
    await made.dispose()


async def test_what_people_wrote_goes_and_decisions_stay(world: World) -> None:
    """After the organisation's days reasons, notes and comments are gone, whoever keeps at once;
    that it was decided stays, young words stay, those about child safety stay; who names no days
    keeps everything."""
    await world.wish(None)
    old = [await world.decide(f"item-{number}") for number in range(5)]
    grave = await world.decide("grave", csam=True)
    await world.age("decisions", "decided_at")
    await world.age("comments", "created_at")
    young = await world.decide("young")
    assert await world.keeper().keep() == 0
    assert await world.count(comments) == 7
    await world.wish(50)
    counts = await asyncio.gather(*(world.keeper().keep() for _ in range(3)))
    assert sum(counts) >= 10  # five reasons, five comments; others may have been skipped meanwhile
    assert await world.keeper().keep() == 0
    said = await world.said()
    assert [said[one] for one in old] == [None] * 5
    assert (said[grave], said[young]) == ("reason of grave a note", "reason of young a note")
    assert await world.count(comments) == 2
    entry = (await world.admin.call("GET", f"/v1/decisions/{old[0]}")).json()
    assert (entry["components"][0]["type"], entry["reason"]) == ("IGNORE", None)
    found = await world.admin.call("GET", "/v1/decision-log?q=reason")
    assert {one["id"] for one in found.json()["items"]} == {grave, young}


async def test_items_go_when_nothing_was_done_for_so_long(
    world: World, clock: Any, history: ItemStore
) -> None:
    """The marks of items to which nothing was done for the organisation's days go, and the versions
    kept because of them; not where something was done again, not of child safety, not profiles."""
    names = ("old", "again", "grave", "ann")
    await world.decide("grave", csam=True)
    marks = [Mark(world.org_id, name, world.post, "REPORTED") for name in names]
    await history.add([], [*marks, marks[0]])
    async with transaction(world.context.engine) as connection:
        for name in names:
            await connection.execute(
                text(
                    "INSERT INTO review.kept_items (org_id, item_id, type_id, time, submission_id,"
                    " source, is_user, has_media, author_key, said_at, item) VALUES (:org, :item,"
                    " :type, now() - interval '90 days', 's', 'ITEM', :is_user, false,"
                    " gen_random_uuid(), now(), '{}')"
                ),
                {
                    "org": world.org_id,
                    "item": name,
                    "type": world.post,
                    "is_user": name == "ann",
                },
            )
    await world.age("item_marks", "marked_at")
    await history.add([], [Mark(world.org_id, "again", world.post, "DECIDED")])
    await world.wish(None)
    assert await world.keeper().keep() == 0
    await world.wish(50)
    await world.keeper().keep()

    async def left(table: Any) -> set[str]:
        async with transaction(world.context.engine) as connection:
            query = select(table.c.item_id).where(table.c.org_id == world.org_id)
            return set(await connection.scalars(query))

    assert await left(item_marks) == {"again", "grave"}
    assert await left(kept_items) == {"again", "grave", "ann"}
    clock.forward(days=51)
    await world.keeper().keep()
    assert await left(item_marks) == {"grave"}


async def test_words_of_second_reviews_and_golden_items_go(world: World) -> None:
    """What somebody wrote into a second answer goes, and into a golden item that is retired; not
    of one that is handed out, not about child safety, and that it was answered stays."""
    plain, grave, live, retired = [
        await world.decide(name, csam=name == "grave")
        for name in ("plain", "grave", "live", "retired")
    ]
    await world.age("decisions", "decided_at")
    for decision in (plain, grave):
        await world.judged_again(decision)
    await world.golden(live, retired=False)
    await world.golden(retired, retired=True)
    await world.wish(None)
    assert await world.keeper().keep() == 0
    await world.wish(50)
    await world.keeper(batch=1).keep()
    answers = await world.noted("second_reviews", "second_review_id")
    assert answers == {plain: None, grave: "a word"}
    notes = await world.noted("golden_items", "golden_id")
    assert notes == {live: "why it is right", retired: None}
    async with transaction(world.context.engine) as connection:
        query = text("SELECT reason FROM review.second_reviews WHERE second_review_id = :id")
        assert await connection.scalar(query, {"id": plain}) is None
    assert await world.keeper().keep() == 0


async def test_what_somebody_still_decides_does_not_fade(world: World, history: ItemStore) -> None:
    """Of an item about which a job is open, of the user of one, of what waits for a second review
    and of golden items nothing fades, until that is over."""
    named = ("done", "open", "waits", "golden")
    made = {name: await world.decide(name) for name in named}
    made["author-1"] = await world.decide("author-1", type_id="user")
    for name in named:
        await history.add([], [Mark(world.org_id, name, world.post, "DECIDED")])
    await world.age("decisions", "decided_at")
    await world.age("comments", "created_at")
    await world.age("item_marks", "marked_at")
    await world.place(world.queue, world.post, "open")
    await world.judged_again(made["waits"], waits=True)
    await world.golden(made["golden"], retired=False)
    await world.wish(50)
    await world.keeper().keep()

    async def left() -> tuple[set[str], int, set[str]]:
        said = await world.said()
        async with transaction(world.context.engine) as connection:
            query = select(item_marks.c.item_id).where(item_marks.c.org_id == world.org_id)
            marks = set(await connection.scalars(query))
        return {name for name in made if said[made[name]]}, await world.count(comments), marks

    assert await left() == (
        {"open", "waits", "golden", "author-1"},
        4,
        {"open", "waits", "golden"},
    )
    await world.admin.decide(world.queue, IGNORE)
    for table, values in (
        ("second_reviews", "state = 'WITHDRAWN'"),
        ("golden_items", "retired_at = now()"),
    ):
        await world.write(f"UPDATE review.{table} SET {values} WHERE org_id = :org")
    await world.keeper().keep()
    assert await left() == (set(), 0, set())
