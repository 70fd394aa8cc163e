"""Another organisation's ids where a path has none: in bodies, nested ones too, and in queries.

Each body is taken with one's own ids first, so that a refusal is of the one id that was exchanged.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest
from fastapi.routing import APIRoute

from coop_contracts.event import SubmittedItem
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

from ..world.route import query_names

pytestmark = pytest.mark.engines

SECRET = "of-another-organisation-7c2e"
VERSION = "2026-01-01T00:00:00.000000Z"
SPAN = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}


class Party:
    """An organisation's administrator with one of everything; `ids` by what it is."""

    def __init__(self, person: Any, org: Any, kit: Any, context: Any, mark: str) -> None:
        self.person, self.org, self.kit, self.context = person, org, kit, context
        self.mark = mark
        self.ids: dict[str, str] = {"user": person.user_id}

    async def make(self, what: str, path: str, body: dict[str, Any]) -> str:
        answer = await self.person.call("POST", f"/v1/{path}", body)
        assert answer.status_code in (201, 202), (path, answer.text)
        self.ids[what] = str(answer.json()["id"])
        return self.ids[what]

    def named(self, what: str) -> str:
        return f"{what} {self.mark} {uuid.uuid4().hex[:8]}"

    async def place(self) -> str:
        """A job of an item whose id has the mark."""
        item = SubmittedItem(
            id=f"item-{self.mark}-{uuid.uuid4()}",
            type_id=self.ids["item type"],
            type_version=VERSION,
            data=msgspec.Raw(b'{"text": "t"}'),
        )
        entry = JobEntry(
            entry_id=str(uuid.uuid4()),
            source="REPORT",
            at=self.context.clock(),
            routing=Routing(how="DEFAULT", config_revision=1),
        )
        placement = Placement(
            org_id=self.org.org_id,
            queue_id=self.ids["queue"],
            kind=JobKind.DEFAULT,
            item=item,
            entry=entry,
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        self.ids["job"], self.ids["item"] = placed.job_id, item.id
        return placed.job_id

    async def claim(self) -> tuple[str, str]:
        """A new job under a lease: its id and the token."""
        await self.place()
        path = f"/v1/queues/{self.ids['queue']}/claims"
        claimed = (await self.person.call("POST", path)).json()
        return claimed["job"]["id"], claimed["lease"]["token"]

    async def furnish(self) -> Party:
        kit, ids = self.kit, self.ids
        post = await self.make("item type", "item-types", kit.item_type(self.named("Post")))
        await self.make("action", "actions", kit.action(post, name=self.named("Act")))
        await self.make("policy", "policies", {"name": self.named("Policy")})
        bank = {"name": self.named("Bank"), "type": "STRING", "strings": ["a"]}
        await self.make("bank", "text-banks", bank)
        rule = kit.rule(post, name=self.named("Rule"), actionIds=[ids["action"]])
        await self.make("rule", "rules", rule)
        await self.make("queue", "queues", {"name": self.named("Q"), "secondReviewShare": 1.0})
        await self.make("routing rule", "routing-rules", self.routing())
        await self.make("role", "roles", {"name": self.named("Role"), "permissions": []})
        job_id, token = await self.claim()
        act = {"type": "CUSTOM_ACTION", "actionIds": [ids["action"]]}
        decided = {"leaseToken": token, "components": [act]}
        await self.make("decision", f"jobs/{job_id}/decisions", decided)
        bulk = {"itemTypeId": post, "actionIds": [ids["action"]], "itemIds": [self.mark]}
        await self.make("bulk", "bulk-actions", bulk)
        await self.make("backtest", "backtests", {"ruleId": ids["rule"], **SPAN})
        await self.place()
        return self

    def routing(self) -> dict[str, Any]:
        return {
            "name": self.named("Routing"),
            "itemTypeIds": [self.ids["item type"]],
            "conditionSet": self.kit.contains(strings=["x"]),
            "destinationQueueId": self.ids["queue"],
        }


@pytest.fixture
async def mine(admin: Any, org: Any, kit: Any, context: Any) -> Party:
    return await Party(admin, org, kit, context, "own").furnish()


@pytest.fixture
async def theirs(sign_in: Any, kit: Any, context: Any) -> Party:
    org = await kit.make_org()
    stranger = await sign_in(Role.ADMIN, org.org_id)
    return await Party(stranger, org, kit, context, SECRET).furnish()


class Reference(NamedTuple):
    """A request whose body names things: `body` makes it of ids, `names` are those to exchange."""

    request: str
    body: Callable[[Party, dict[str, str]], Any]
    names: tuple[str, ...]


def _rule(party: Party, ids: dict[str, str]) -> dict[str, Any]:
    rule: dict[str, Any] = party.kit.rule(
        ids["item type"],
        name=party.named("Rule"),
        actionIds=[ids["action"]],
        policyIds=[ids["policy"]],
        conditionSet=party.kit.contains(textBankIds=[ids["bank"]]),
    )
    return rule


def _item(ids: dict[str, str]) -> dict[str, Any]:
    return {"id": "i", "typeId": ids["item type"], "data": {"text": "t"}}


REFERENCES = (
    Reference(
        "POST /v1/policies",
        lambda p, ids: {"name": p.named("P"), "parentId": ids["policy"]},
        ("policy",),
    ),
    Reference(
        "POST /v1/actions",
        lambda p, ids: p.kit.action(
            ids["item type"], name=p.named("A"), reverseActionId=ids["action"]
        ),
        ("item type", "action"),
    ),
    Reference("POST /v1/rules", _rule, ("item type", "action", "policy", "bank")),
    Reference(
        "POST /v1/routing-rules",
        lambda p, ids: {
            **p.routing(),
            "itemTypeIds": [ids["item type"]],
            "destinationQueueId": ids["queue"],
        },
        ("item type", "queue"),
    ),
    Reference(
        "POST /v1/queues",
        lambda p, ids: {
            "name": p.named("Q"),
            "reviewerIds": [ids["user"]],
            "hiddenActionIds": [ids["action"]],
        },
        ("user", "action"),
    ),
    Reference(
        "PUT /v1/settings",
        lambda _, ids: {
            "name": "Acme",
            "undoWindow": 0,
            "ncmecQueueId": ids["queue"],
        },
        ("queue",),
    ),
    Reference(
        "PUT /v1/ncmec-settings",
        lambda _, ids: {"productionQueueIds": [ids["queue"]]},
        ("queue",),
    ),
    Reference(
        "POST /v1/users",
        lambda _, ids: {
            "email": f"{uuid.uuid4().hex}@acme.example",
            "name": "N",
            "role": ids["role"],
            "password": "seven quiet lamps 19",
        },
        ("role",),
    ),
    Reference(
        "POST /v1/invitations",
        lambda _, ids: {"email": f"{uuid.uuid4().hex}@acme.example", "role": ids["role"]},
        ("role",),
    ),
    Reference(
        "POST /v1/bulk-actions",
        lambda _, ids: {
            "itemTypeId": ids["item type"],
            "actionIds": [ids["action"]],
            "policyIds": [ids["policy"]],
            "itemIds": ["a"],
        },
        ("item type", "action", "policy"),
    ),
    Reference("POST /v1/reversals", lambda _, ids: {"decisionId": ids["decision"]}, ("decision",)),
    Reference("POST /v1/backtests", lambda _, ids: {"ruleId": ids["rule"], **SPAN}, ("rule",)),
    Reference(
        "POST /v1/rule-proposals/preview",
        lambda p, ids: {"ruleId": ids["rule"], "rule": p.kit.rule(p.ids["item type"])},
        ("rule",),
    ),
    Reference("POST /v1/retroactions", lambda _, ids: {"ruleId": ids["rule"], **SPAN}, ("rule",)),
    Reference(
        "POST /v1/rules/spot-test",
        lambda _, ids: {"ruleId": ids["rule"], "item": _item(ids)},
        ("rule", "item type"),
    ),
    Reference("POST /v1/routing-rules/test", lambda _, ids: {"item": _item(ids)}, ("item type",)),
    Reference(
        "POST /v1/quality/golden-items",
        lambda _, ids: {"decisionId": ids["decision"]},
        ("decision",),
    ),
    Reference(
        "POST /v1/report-invalidations",
        lambda _, ids: {"reporter": {"id": "r", "typeId": "user"}, "jobId": ids["job"]},
        ("job",),
    ),
    Reference(
        "POST /v1/second-reviews/claims", lambda _, ids: {"queueId": ids["queue"]}, ("queue",)
    ),
)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda one: one.request)
async def test_a_body_cannot_name_what_is_anothers(
    mine: Party, theirs: Party, reference: Reference
) -> None:
    """With one of the ids another organisation's the request is refused, as one for something that
    is not there; with one's own it is not."""
    method, path = reference.request.split(" ")
    own = await mine.person.call(method, path, reference.body(mine, mine.ids))
    assert own.is_success, own.text
    for name in reference.names:
        ids = {**mine.ids, name: theirs.ids[name]}
        answer = await mine.person.call(method, path, reference.body(mine, ids))
        assert answer.status_code in (404, 422), (name, answer.status_code, answer.text)
        assert SECRET not in answer.text, (name, answer.text)


async def test_a_decision_cannot_name_what_is_anothers(mine: Party, theirs: Party) -> None:
    """Neither action, policy, queue nor item type; the job stays the reviewer's."""
    job_id, token = await mine.claim()
    own, foreign = mine.ids, theirs.ids
    act = {"type": "CUSTOM_ACTION", "actionIds": [own["action"]], "policyIds": [own["policy"]]}
    related = {**act, "type": "RELATED_ACTION"}
    path = f"/v1/jobs/{job_id}/decisions"
    for component in (
        {**act, "actionIds": [foreign["action"]]},
        {**act, "policyIds": [foreign["policy"]]},
        {**related, "items": [{"id": "i", "typeId": foreign["item type"]}]},
        {"type": "MOVE", "queueId": foreign["queue"]},
    ):
        body = {"leaseToken": token, "components": [component]}
        answer = await mine.person.call("POST", path, body)
        assert answer.status_code in (404, 422), (component, answer.status_code, answer.text)
    body = {"leaseToken": token, "components": [act]}
    answer = await mine.person.call("POST", path, body)
    assert answer.status_code == 201, answer.text


async def test_a_page_names_only_its_own(mine: Party, theirs: Party) -> None:
    """People are not given another's queues or role, mentioned over there, nor jobs moved there;
    another's rules are not put into order."""
    person, foreign = mine.person, theirs.ids
    user = f"/v1/users/{mine.ids['user']}"
    job_id, _ = await mine.claim()
    other = (
        await mine.person.make("/v1/queues", {"name": mine.named("Gone"), "openToEveryone": True})
    )["id"]
    order = {"ruleIds": [mine.ids["routing rule"], foreign["routing rule"]], "forAppeals": False}
    mention = {"body": "Look", "mentions": [foreign["user"]]}
    for method, path, body in (
        ("PUT", f"{user}/queues", {"queueIds": [foreign["queue"]]}),
        ("PATCH", user, {"role": foreign["role"]}),
        ("PUT", "/v1/routing-rules/order", order),
        ("DELETE", f"/v1/queues/{other}?moveTo={foreign['queue']}", None),
        ("POST", f"/v1/jobs/{job_id}/comments", mention),
    ):
        answer = await person.call(method, path, body)
        assert answer.status_code in (404, 409, 422), (path, answer.status_code, answer.text)
        assert SECRET not in answer.text, (path, answer.text)


FILTERS = {
    "ids": "user",
    "actionId": "action",
    "decisionId": "decision",
    "endpointId": "job",
    "executionId": "job",
    "itemId": "item",
    "itemIdPrefix": "item",
    "itemTypeId": "item type",
    "jobId": "job",
    "keptForId": "user",
    "leaseHolderId": "user",
    "policyId": "policy",
    "queueId": "queue",
    "reporterId": "user",
    "reporterTypeId": "item type",
    "reviewerId": "user",
    "role": "role",
    "ruleId": "rule",
    "search": "item",
    "targetId": "policy",
    "userId": "user",
    "userTypeId": "item type",
}
"""What the filters of lists are ids of."""


async def test_no_query_finds_what_is_anothers(app: Any, mine: Party, theirs: Party) -> None:
    """Whatever list is filtered by what is another organisation's, nothing of it comes back; it
    does for that organisation's own people. A filter by an id that is not known here fails."""
    found = set()
    for route in app.routes:
        assert isinstance(route, APIRoute)
        if "GET" not in (route.methods or ()) or route.path in {"/v1/events"}:
            continue
        asked = query_names(route)
        path = re.sub(r"\{\w+(:path)?\}", lambda _: theirs.ids["item"], route.path)
        for name in asked:
            if name not in FILTERS:
                assert not name.endswith("Id"), f"{route.path}: say what {name} is"
                continue
            query = {name: theirs.ids[FILTERS[name]]}
            if name in {"itemId", "itemIdPrefix"}:
                query["itemTypeId"] = theirs.ids["item type"]
            answer = await mine.person.call("GET", path, params=query)
            if answer.is_success:
                assert SECRET not in answer.text.replace(path, ""), (path, query, answer.text)
            own = await theirs.person.call("GET", path, params=query)
            if own.is_success and SECRET in own.text:
                found.add((route.path, name))
    assert {("/v1/jobs", "queueId"), ("/v1/decision-log", "queueId")} <= found
    assert {("/v1/jobs", "itemId"), ("/v1/backtests", "ruleId")} <= found
