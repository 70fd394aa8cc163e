"""Second reviews and golden items: blind, once, without effect; what they say of reviewing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text

from coop_contracts.event import ItemRef
from coop_contracts.permission import Role
from coop_queues.job import AppealEntry, JobKind
from coop_review_api.enforcement import bulk_store
from coop_review_api.kernel.schema import audit_log, outbox
from coop_review_api.quality.table import second_reviews
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]


class Floor:
    """A queue whose every decision is reviewed again, with what decisions need."""

    def __init__(self, admin: Any, kit: Any, place: Any) -> None:
        self.admin, self.kit, self.place = admin, kit, place

    async def open(self, **queue: Any) -> Floor:
        self.post = (await self.admin.make("/v1/item-types", self.kit.item_type()))["id"]
        self.action = (await self.admin.make("/v1/actions", self.kit.action(self.post)))["id"]
        self.policy = (await self.admin.make("/v1/policies", {"name": "Spam"}))["id"]
        body = {"name": "Sampled", "openToEveryone": True, "secondReviewShare": 1.0, **queue}
        self.queue = (await self.admin.make("/v1/queues", body))["id"]
        return self

    @property
    def act(self) -> list[dict[str, Any]]:
        return [{"type": "CUSTOM_ACTION", "actionIds": [self.action], "policyIds": [self.policy]}]

    async def decide(self, person: Any, components: Any = None, **entry: Any) -> dict[str, Any]:
        """A new job, decided by this person; the decision."""
        await self.place(self.queue, self.post, **entry)
        claimed = (await person.call("POST", f"/v1/queues/{self.queue}/claims")).json()
        body = {"leaseToken": claimed["lease"]["token"], "components": components or IGNORE}
        answer = await person.call("POST", f"/v1/jobs/{claimed['job']['id']}/decisions", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def claim(self, person: Any) -> dict[str, Any] | None:
        answer = await person.call("POST", "/v1/second-reviews/claims", {"queueId": self.queue})
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.status_code == 200 else None

    async def answer(self, person: Any, claimed: Any, components: Any = None) -> Any:
        body = {"leaseToken": claimed["lease"]["token"], "components": components or IGNORE}
        review_id = claimed["secondReview"]["id"]
        return await person.call("POST", f"/v1/second-reviews/{review_id}/decisions", body)

    async def review(self, person: Any, components: Any = None) -> dict[str, Any]:
        claimed = await self.claim(person)
        assert claimed is not None
        answer = await self.answer(person, claimed, components)
        assert answer.status_code == 201, answer.text
        return claimed


@pytest.fixture
async def floor(admin: Any, kit: Any, place: Any) -> Floor:
    return await Floor(admin, kit, place).open()


async def count(engine: Any, org_id: str, state: str) -> int:
    async with transaction(engine) as connection:
        return int(
            await connection.scalar(
                select(func.count())
                .select_from(second_reviews)
                .where(second_reviews.c.org_id == org_id, second_reviews.c.state == state)
            )
            or 0
        )


async def test_another_person_decides_again_blind_and_without_effect(
    floor: Floor, sign_in: Any, engine: Any
) -> None:
    """The first reviewer gets nothing; another gets the job without decision or job id; the answer
    is recorded, and nothing is published."""
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    made = await floor.decide(first, floor.act)
    assert await floor.claim(first) is None
    counts = (await second.call("GET", "/v1/second-reviews/counts")).json()["items"]
    assert {one["queueId"]: one["waiting"] for one in counts}[floor.queue] == 1
    claimed = await floor.claim(second)
    assert claimed is not None
    shown = claimed["secondReview"]
    assert shown["isSecondReview"] is True
    assert shown["payload"]["item"]["id"] == shown["itemId"]
    assert shown["payload"]["entries"][0]["report"]["reason"] == "spam"
    for secret in (made["id"], made["jobId"], first.user_id, floor.action, "DECIDED", "closed"):
        assert secret not in str(claimed)
    async with transaction(engine) as connection:
        before = await connection.scalar(select(func.count()).select_from(outbox))
    answer = await floor.answer(second, claimed)
    assert answer.status_code == 201
    again = await floor.answer(second, claimed)
    assert again.json() == answer.json()
    other = await floor.answer(second, claimed, floor.act)
    assert other.status_code == 409
    async with transaction(engine) as connection:
        assert before == await connection.scalar(select(func.count()).select_from(outbox))
        row = (
            await connection.execute(
                select(second_reviews).where(second_reviews.c.second_review_id == shown["id"])
            )
        ).one()
    assert row.expected["outcome"] == "ACTED"
    assert row.answer == {"outcome": "IGNORED", "actions": "IGNORE", "policies": "IGNORED"}
    assert row.answered_by == second.user_id
    assert await floor.claim(second) is None


async def test_an_answer_obeys_the_rules_of_decisions(floor: Floor, sign_in: Any) -> None:
    """What would be refused as a decision is refused as an answer, and a move always."""
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    await floor.decide(first)
    claimed = await floor.claim(second)
    wrong = [{"type": "CUSTOM_ACTION", "actionIds": ["none"]}]
    refused = await floor.answer(second, claimed, wrong)
    assert floor.kit.pointers(refused) == ["/components/0/actionIds/0"]
    moved = await floor.answer(second, claimed, [{"type": "MOVE", "queueId": floor.queue}])
    assert floor.kit.pointers(moved) == ["/components"]
    assert (await floor.answer(second, claimed)).status_code == 201


async def test_a_second_review_is_leased_like_a_job(
    floor: Floor, sign_in: Any, engine: Any
) -> None:
    """One holder at a time; nothing without the token; released it comes back, skipped it does not
    come to the same person, run out it is free again."""
    first, second, third = [await sign_in(Role.MODERATOR) for _ in range(3)]
    await floor.decide(first)
    claimed = await floor.claim(second)
    assert claimed is not None
    path = f"/v1/second-reviews/{claimed['secondReview']['id']}"
    token = {"leaseToken": claimed["lease"]["token"]}
    assert await floor.claim(third) is None
    assert (await third.call("POST", f"{path}/lease/extend", token)).status_code == 409
    wrong = await second.call("POST", f"{path}/lease/extend", {"leaseToken": "0" * 32})
    assert wrong.status_code == 409
    extended = await second.call("POST", f"{path}/lease/extend", token)
    assert extended.json()["expiresAt"] > claimed["lease"]["expiresAt"]
    released = await second.call(
        "DELETE", f"{path}/lease", headers={"X-Lease-Token": token["leaseToken"]}
    )
    assert released.status_code == 204
    assert (await floor.answer(second, claimed)).status_code == 409
    claimed = await floor.claim(second)
    assert claimed is not None
    token = {"leaseToken": claimed["lease"]["token"]}
    assert (await second.call("POST", f"{path}/skip", token)).status_code == 204
    assert await floor.claim(second) is None
    late = await floor.claim(third)
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "UPDATE review.second_reviews SET lease_expires_at = clock_timestamp()"
                " WHERE second_review_id = :id"
            ),
            {"id": claimed["secondReview"]["id"]},
        )
    assert (await floor.answer(third, late)).status_code == 409
    assert await floor.claim(third) is not None


async def test_many_at_once_get_different_reviews(floor: Floor, sign_in: Any) -> None:
    """Six people who claim four second reviews at the same moment never hold the same one."""
    first = await sign_in(Role.MODERATOR)
    for _ in range(4):
        await floor.decide(first)
    people = [await sign_in(Role.MODERATOR) for _ in range(6)]
    claims = await asyncio.gather(*(floor.claim(person) for person in people))
    held = [claimed["secondReview"]["id"] for claimed in claims if claimed]
    assert len(held) == len(set(held)) == 4


async def test_moves_and_undone_decisions_are_not_reviewed(
    floor: Floor, sign_in: Any, engine: Any, org: Any, kit: Any, clock: Any
) -> None:
    """A move is never sampled; an undone decision takes its second review with it, held or not."""
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    other = (await floor.admin.make("/v1/queues", {"name": "Elsewhere", "openToEveryone": True}))[
        "id"
    ]
    await floor.decide(first, [{"type": "MOVE", "queueId": other}])
    assert await count(engine, org.org_id, "PENDING") == 0
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "UPDATE review.config_current SET document = document || '{\"undoWindow\": 60}'"
                " WHERE org_id = :org AND kind = 'settings'"
            ),
            {"org": org.org_id},
        )
    made = await floor.decide(first)
    assert made["leavesAt"] is not None
    assert await count(engine, org.org_id, "PENDING") == 1
    assert await floor.claim(second) is None, "it can still be undone"
    clock.forward(seconds=50)
    extended = await first.call("POST", f"/v1/decisions/{made['id']}/undo-window/extend")
    assert extended.status_code == 200, extended.text
    clock.forward(seconds=20)
    assert await floor.claim(second) is None, "it can be undone for longer"
    answer = await first.call("POST", f"/v1/decisions/{made['id']}/undo")
    assert answer.status_code == 200, answer.text
    assert await count(engine, org.org_id, "PENDING") == 0
    assert await count(engine, org.org_id, "WITHDRAWN") == 1


async def test_child_safety_needs_its_permission(
    floor: Floor, sign_in: Any, engine: Any, org: Any
) -> None:
    """Without VIEW_CHILD_SAFETY_DATA such a review does not exist; with it each look is audited."""
    first = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    plain, trusted = await sign_in(Role.MODERATOR), await sign_in(Role.CHILD_SAFETY_MODERATOR)
    await floor.decide(first, csam=True)
    assert await floor.claim(plain) is None
    counts = (await plain.call("GET", "/v1/second-reviews/counts")).json()["items"]
    assert {one["waiting"] for one in counts} == {0}
    claimed = await floor.claim(trusted)
    assert claimed is not None
    async with transaction(engine) as connection:
        viewed = await connection.scalar(
            select(func.count())
            .select_from(audit_log)
            .where(
                audit_log.c.org_id == org.org_id,
                audit_log.c.action == "child-safety.viewed",
                audit_log.c.target_id == claimed["secondReview"]["id"],
                audit_log.c.actor == trusted.user_id,
            )
        )
    assert viewed == 1
    await floor.answer(trusted, claimed)
    lead = await sign_in(Role.MODERATOR_MANAGER)
    seen = (await lead.call("GET", "/v1/quality/agreement")).json()["items"]
    hidden = (await plain.call("GET", "/v1/quality/agreement")).json()["items"]
    assert [one["reviews"] for one in seen] == [1]
    assert hidden == []


async def test_golden_items_come_blind_once_and_are_marked_right_or_wrong(
    admin: Any, kit: Any, place: Any, sign_in: Any
) -> None:
    """In the place of one that waits comes a golden item, once a person, with nothing that tells it
    from others; leads see who was right."""
    floor = await Floor(admin, kit, place).open(goldenShare=1.0)
    lead = await sign_in(Role.MODERATOR_MANAGER)
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    made = await floor.decide(first, floor.act)
    body = {"decisionId": made["id"], "note": "typical"}
    golden = await lead.make("/v1/quality/golden-items", body)
    assert golden["components"][0]["actionIds"] == [floor.action]
    assert (await lead.call("POST", "/v1/quality/golden-items", body)).status_code == 409
    assert (await second.call("POST", "/v1/quality/golden-items", body)).status_code == 403
    sampled = await floor.decide(first)
    seen = [await floor.claim(second), await floor.claim(second), await floor.claim(second)]
    items = [one["secondReview"]["itemId"] for one in seen if one]
    assert len(items) == 3
    assert len(set(items)) == 2, "the golden job is among the sampled ones too"
    views = [set(one["secondReview"]) for one in seen if one]
    assert views[0] == views[1] == views[2]
    assert not any(golden["id"] in str(one) or "golden" in str(one).lower() for one in seen)
    assert sampled["jobId"] not in str(seen)
    assert (await floor.answer(second, seen[0], floor.act)).status_code == 201
    results = (await lead.call("GET", "/v1/quality/golden-results")).json()["items"]
    assert results == [
        {
            "reviewerId": second.user_id,
            "reviewer": second.view("MODERATOR"),
            "queueId": floor.queue,
            "answered": 1,
            "correct": 1,
            "outcomeCorrect": 1,
            "actionsCorrect": 1,
            "policiesCorrect": 1,
        }
    ]
    assert (await first.call("GET", "/v1/quality/golden-results")).status_code == 403
    third = await sign_in(Role.MODERATOR)
    held = await floor.decide(first)
    assert held["id"]
    claimed = await floor.claim(third)
    path = f"/v1/quality/golden-items/{golden['id']}"
    assert (await lead.call("DELETE", path)).status_code == 204
    assert (await lead.call("DELETE", path)).status_code == 204
    assert (await lead.call("GET", path)).json()["retiredAt"] is not None
    assert (await floor.answer(third, claimed)).status_code == 409
    listed = (await lead.call("GET", "/v1/quality/golden-items?limit=1")).json()
    assert [one["id"] for one in listed["items"]] == [golden["id"]]


async def test_a_golden_item_never_comes_when_nothing_waits(
    admin: Any, kit: Any, place: Any, sign_in: Any
) -> None:
    """Without a second review that waits, a claim gives nothing: it would give itself away."""
    floor = await Floor(admin, kit, place).open(goldenShare=1.0, secondReviewShare=0.0)
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    made = await floor.decide(first)
    await floor.admin.make("/v1/quality/golden-items", {"decisionId": made["id"]})
    assert await floor.claim(second) is None


async def test_agreement_and_overturns_are_counted(floor: Floor, sign_in: Any) -> None:
    """Kappa and alpha by queue, kappa by pair for leads, what was decided otherwise by group."""
    lead = await sign_in(Role.MODERATOR_MANAGER)
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    pairs = [(IGNORE, IGNORE), (floor.act, floor.act), (floor.act, IGNORE), (floor.act, floor.act)]
    for mine, theirs in pairs:
        await floor.decide(first, mine)
        await floor.review(second, theirs)
    (queue,) = (await second.call("GET", "/v1/quality/agreement")).json()["items"]
    assert (queue["queueId"], queue["reviews"], queue["equal"]) == (floor.queue, 4, 3)
    assert queue["kappa"] == pytest.approx(0.5)
    # 8 ratings, 5 ACTED and 3 IGNORED, one of four units unlike: 1 - 7 * 2 / (2 * 15).
    assert queue["alpha"]["value"] == pytest.approx(1 - 14 / 30)
    assert queue["alpha"]["low"] <= queue["alpha"]["value"] <= queue["alpha"]["high"]
    (pair,) = (await lead.call("GET", "/v1/quality/agreement/pairs?by=ACTIONS")).json()["items"]
    assert sorted(pair["reviewerIds"]) == sorted([first.user_id, second.user_id])
    assert pair["kappa"] == pytest.approx(0.5)
    assert (await second.call("GET", "/v1/quality/agreement/pairs")).status_code == 403
    of_policy = f"/v1/quality/agreement?policyId={floor.policy}&by=POLICIES"
    (queue,) = (await second.call("GET", of_policy)).json()["items"]
    assert queue["reviews"] == 3
    wanted = {"decisions": 4, "secondReviews": 4, "secondReviewsDiffering": 1, "undone": 0}
    for group, key, expected in (
        ("QUEUE", floor.queue, wanted),
        ("REVIEWER", first.user_id, wanted),
        ("ACTION", floor.action, {**wanted, "decisions": 3, "secondReviews": 3}),
        ("POLICY", floor.policy, {**wanted, "decisions": 3, "secondReviews": 3}),
    ):
        answer = await lead.call("GET", f"/v1/quality/overturns?groupBy={group}")
        (row,) = [one for one in answer.json()["items"] if one["key"] == key]
        assert {name: row[name] for name in expected} == expected, group
    own = await second.call("GET", "/v1/quality/overturns")
    assert [one["key"] for one in own.json()["items"]] == [floor.queue]
    assert (await second.call("GET", "/v1/quality/overturns?groupBy=REVIEWER")).status_code == 403
    long = "/v1/quality/agreement?since=2020-01-01T00:00:00Z&until=2024-01-01T00:00:00Z"
    assert floor.kit.pointers(await lead.call("GET", long)) == ["#/query/since"]


async def test_what_was_reversed_later_is_counted(floor: Floor, sign_in: Any) -> None:
    """A decision whose execution was taken back counts as reversed, once."""
    first = await sign_in(Role.MODERATOR)
    made = await floor.decide(first, floor.act)
    await floor.decide(first, floor.act)
    preview = await floor.admin.call("POST", "/v1/reversals", {"decisionId": made["id"]})
    assert preview.status_code in (201, 202), preview.text
    path = f"/v1/bulk-actions/{preview.json()['id']}/confirm"
    total = preview.json()["total"]
    confirmed = await floor.admin.call("POST", path, {"total": total})
    assert confirmed.status_code == 200, confirmed.text
    desk = floor.kit._context.part(Desk)
    async with transaction(desk.engine) as connection:
        # Whatever an earlier test left running goes first.
        while await bulk_store.advance(connection, batch=100, clock=desk.clock):
            pass
    answer = (await floor.admin.call("GET", "/v1/quality/overturns")).json()["items"]
    (row,) = [one for one in answer if one["key"] == floor.queue]
    assert (row["decisions"], row["reversed"]) == (2, 1)


async def test_accepted_appeals_are_counted(floor: Floor, sign_in: Any, kit: Any) -> None:
    """An appeal that was accepted counts against the decision it was against, and the appeal's own
    second review is answered by somebody who decided neither."""
    people = [await sign_in(Role.MODERATOR) for _ in range(3)]
    made = await floor.decide(people[0], floor.act)
    again = await floor.decide(people[0], floor.act)
    body = {"name": "Heard", "isAppealsQueue": True, "openToEveryone": True}
    body |= {"secondReviewShare": 1.0}
    appeals = (await floor.admin.make("/v1/queues", body))["id"]
    for number, (against, verdict) in enumerate(
        ((made, "ACCEPT_APPEAL"), (again, "REJECT_APPEAL"))
    ):
        job = (await floor.admin.call("GET", f"/v1/jobs/{against['jobId']}")).json()
        appeal = AppealEntry(
            appeal_id=f"appeal-{number}",
            appealed_by=ItemRef(id="author-1", type_id="user"),
            appealed_at=kit._context.clock(),
        )
        await floor.place(appeals, floor.post, job["itemId"], kind=JobKind.APPEAL, appeal=appeal)
        claimed = (await people[1].call("POST", f"/v1/queues/{appeals}/claims")).json()
        sent = {"leaseToken": claimed["lease"]["token"], "components": [{"type": verdict}]}
        path = f"/v1/jobs/{claimed['job']['id']}/decisions"
        answer = await people[1].call("POST", path, sent)
        assert answer.status_code == 201, answer.text
        assert answer.json()["appealOf"] == against["id"]
    answer = (await floor.admin.call("GET", "/v1/quality/overturns?groupBy=REVIEWER")).json()
    (row,) = [one for one in answer["items"] if one["key"] == people[0].user_id]
    assert (row["decisions"], row["appeals"], row["appealsAccepted"]) == (2, 2, 1)
    claim = {"queueId": appeals}
    mine = (await people[0].call("POST", "/v1/second-reviews/claims", claim)).json()
    refused = await floor.answer(people[0], mine, [{"type": "ACCEPT_APPEAL"}])
    assert refused.status_code == 403
    theirs = (await people[2].call("POST", "/v1/second-reviews/claims", claim)).json()
    answer = await floor.answer(people[2], theirs, [{"type": "ACCEPT_APPEAL"}])
    assert answer.status_code == 201, answer.text


async def test_another_organisations_review_does_not_exist(
    floor: Floor, sign_in: Any, kit: Any
) -> None:
    """With id and token of another organisation's review every step answers 404, none counts it."""
    first, second = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    await floor.decide(first)
    assert (
        await stranger.call("POST", "/v1/second-reviews/claims", {"queueId": floor.queue})
    ).status_code == 404
    assert (await stranger.call("POST", "/v1/second-reviews/claims", {})).status_code == 204
    claimed = await floor.claim(second)
    assert claimed is not None
    token = claimed["lease"]["token"]
    path = f"/v1/second-reviews/{claimed['secondReview']['id']}"
    for method, step, body in (
        ("POST", "/lease/extend", {"leaseToken": token}),
        ("POST", "/skip", {"leaseToken": token}),
        ("POST", "/decisions", {"leaseToken": token, "components": IGNORE}),
        ("DELETE", "/lease", None),
    ):
        answer = await stranger.call(method, path + step, body, headers={"X-Lease-Token": token})
        assert answer.status_code == 404, step
    assert (await floor.answer(second, claimed)).status_code == 201


async def test_closed_queues_say_nothing(floor: Floor, sign_in: Any) -> None:
    """Reviews and figures of a queue that names its reviewers are for those and for leads."""
    first, second, stranger = [await sign_in(Role.MODERATOR) for _ in range(3)]
    await floor.decide(first)
    await floor.review(second, floor.act)
    await floor.decide(first)
    queue = (await floor.admin.call("GET", f"/v1/queues/{floor.queue}")).json()
    body = {"name": queue["name"], "reviewerIds": [first.user_id], "secondReviewShare": 1.0}
    answer = await floor.admin.call("PUT", f"/v1/queues/{floor.queue}", body)
    assert answer.status_code == 200, answer.text
    claim = await stranger.call("POST", "/v1/second-reviews/claims", {"queueId": floor.queue})
    assert claim.status_code == 404
    assert (await stranger.call("GET", "/v1/quality/agreement")).json()["items"] == []
    named = f"/v1/quality/overturns?queueId={floor.queue}"
    assert (await stranger.call("GET", named)).json()["items"] == []
    assert len((await first.call("GET", named)).json()["items"]) == 1


async def test_stepping_away_gives_them_back(floor: Floor, sign_in: Any) -> None:
    """Whoever steps away holds no second review any more: it waits again, its token is worth
    nothing, and a decision elsewhere is not touched."""
    first, second, third = [await sign_in(Role.MODERATOR) for _ in range(3)]
    await floor.decide(first)
    claimed = await floor.claim(second)
    assert claimed is not None
    assert await floor.claim(third) is None
    released = await second.call("DELETE", "/v1/claims")
    assert (released.status_code, released.json()) == (200, {"released": 1})
    assert (await second.call("DELETE", "/v1/claims")).json() == {"released": 0}
    assert (await floor.answer(second, claimed)).status_code == 409
    again = await floor.claim(third)
    assert again is not None
    assert again["secondReview"]["id"] == claimed["secondReview"]["id"]
