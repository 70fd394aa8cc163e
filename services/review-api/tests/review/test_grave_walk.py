"""Grave material on every route: hidden without VIEW_CHILD_SAFETY_DATA, shown and audited with it.

Each route of the API is in exactly one of the sets below; one that is new fails until somebody says
which. Whoever walks without the permission has all the others.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, or_, select

from coop_contracts.permission import Permission, Role
from coop_review_api.kernel.schema import audit_log
from coop_review_api.live.hub import Here, Listener
from coop_review_api.live.snapshot import Watched, take_snapshot
from coop_review_api.process.application import build
from coop_runtime.database.engine import transaction

from ..media.media_world import hosting, picture
from ..world.route import query_names
from .grave_world import WAYS, GraveWorld, has_words, permissions_but

SHOWN = {
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{job_id}"),
    ("GET", "/v1/jobs/{job_id}/comments"),
    ("GET", "/v1/jobs/{job_id}/context"),
    ("GET", "/v1/jobs/{job_id}/draft"),
    ("GET", "/v1/jobs/{job_id}/history"),
    ("GET", "/v1/items/{type_id}/{item_id:path}"),
    ("GET", "/v1/items/{type_id}/{item_id:path}/jobs"),
    ("GET", "/v1/items/{type_id}/{item_id:path}/versions"),
    ("GET", "/v1/users/{type_id}/{user_id:path}/items"),
    ("GET", "/v1/users/{type_id}/{user_id:path}/jobs"),
    ("GET", "/v1/users/{type_id}/{user_id:path}/strikes"),
    ("GET", "/v1/users/{type_id}/{user_id:path}/strike-changes"),
    ("GET", "/v1/users/{type_id}/{user_id:path}/timeline"),
    ("GET", "/v1/items/{type_id}/{item_id:path}/timeline"),
    ("GET", "/v1/jobs/{job_id}/timeline"),
    ("GET", "/v1/strikes/threshold-actions"),
    ("GET", "/v1/claims"),
    ("GET", "/v1/decisions/{decision_id}"),
    ("GET", "/v1/decision-log"),
    ("GET", "/v1/decision-log/exports/{export_id}/download"),
    ("GET", "/v1/evaluations"),
    ("GET", "/v1/submissions/{submission_id}/explanation"),
    ("GET", "/v1/backtests/{backtest_id}/labels"),
    ("GET", "/v1/backtests/{backtest_id}/samples"),
    ("GET", "/v1/retroactions/{retroaction_id}/samples"),
    ("GET", "/v1/bulk-actions/{bulk_id}/items"),
    ("GET", "/v1/deliveries"),
    ("GET", "/v1/deliveries/{execution_id}"),
    ("GET", "/v1/cybertips"),
    ("GET", "/v1/cybertips/{cybertip_id}"),
    ("GET", "/v1/cybertips/{cybertip_id}/documents/{what}"),
    ("POST", "/v1/cybertips/{cybertip_id}/retry"),
    ("PUT", "/v1/cybertips/{cybertip_id}/hold"),
    ("DELETE", "/v1/cybertips/{cybertip_id}/hold"),
    ("POST", "/v1/cybertips/{cybertip_id}/destruction"),
    ("POST", "/v1/cybertips/{cybertip_id}/destruction/confirm"),
    ("POST", "/v1/cybertips/{cybertip_id}/destruction/refuse"),
}
"""What shows words or items of it."""

HIDDEN = {
    ("GET", "/v1/executions/{execution_id}"),
    ("GET", "/v1/quality/golden-items/{golden_id}"),
    ("GET", "/v1/items/{type_id}/{item_id}/partial"),
    ("POST", "/v1/submissions/{submission_id}/evaluations"),
    ("GET", "/v1/jobs/{job_id}/keepings"),
    ("GET", "/v1/jobs/{job_id}/report-terms"),
    ("POST", "/v1/rules/spot-test"),
    ("POST", "/v1/routing-rules/test"),
    ("POST", "/v1/reversals"),
    ("POST", "/v1/hash-banks/{bank_id}/media"),
}
"""What says nothing of its words, and is not there either: 404, and something else with the
permission."""

COUNTED = {
    ("GET", "/v1/queue-counts"),
    ("GET", "/v1/queues/{queue_id}/counts"),
    ("GET", "/v1/queues/{queue_id}/contents"),
    ("GET", "/v1/second-reviews/counts"),
    ("GET", "/v1/quality/golden-items"),
    ("GET", "/v1/quality/overturns"),
    ("GET", "/v1/analytics/decisions"),
    ("GET", "/v1/analytics/decision-table"),
    ("GET", "/v1/analytics/jobs"),
    ("GET", "/v1/analytics/actions"),
    ("GET", "/v1/analytics/times"),
}
"""What counts it, or lists what has no words."""

OTHERWISE = {
    (
        "GET",
        "/v1/items/{type_id}/{item_id:path}/thread",
    ): "test_grave_words_in_a_thread_are_left_out",
    (
        "GET",
        "/v1/jobs/{job_id}/user-media",
    ): "test_user_media: who may not see the job is told that it is not there",
    (
        "GET",
        "/v1/cybertips/{cybertip_id}/looks",
    ): "test_report_terms: nobody is told who looked without it",
    ("GET", "/v1/jobs/{job_id}/thread"): "test_job_context: what is grave in it is left out",
    ("GET", "/v1/items"): "test_lookup: what is grave is in no list",
    (
        "GET",
        "/v1/items/{type_id}/{item_id:path}/children",
    ): "test_lookup: what is grave is in no list",
    (
        "GET",
        "/v1/items/{type_id}/{item_id:path}/conversation",
    ): "test_lookup: what is grave is in no list",
    (
        "GET",
        "/v1/items/{type_id}/{item_id:path}/investigation",
    ): "test_investigation_answer: what is grave",
    ("GET", "/v1/search"): "test_search: nobody finds what they may not see",
    ("PUT", "/v1/jobs/{job_id}/presence"): "says who is there; who may not see the job gets 404",
    ("DELETE", "/v1/jobs/{job_id}/presence"): "says nothing",
    ("POST", "/v1/hash-banks/{bank_id}/copies"): "test_seen_copy: what is grave is counted",
    ("POST", "/v1/translations"): "test_translation: child safety does not leave",
    ("GET", "/v1/users/{type_id}/{user_id:path}/notes"): "test_note: nothing of a grave user",
    ("POST", "/v1/users/{type_id}/{user_id:path}/notes"): "test_note",
    ("PATCH", "/v1/users/{type_id}/{user_id:path}/notes/{note_id}"): "test_note",
    ("DELETE", "/v1/users/{type_id}/{user_id:path}/notes/{note_id}"): "test_note",
    ("GET", "/v1/events"): "test_live_counts_leave_it_out",
    ("GET", "/v1/audit-log"): "test_the_audit_log_says_that_somebody_looked_not_at_what",
    ("POST", "/v1/queues/{queue_id}/claims"): "test_it_is_not_handed_out",
    ("POST", "/v1/claims"): "test_it_is_not_handed_out",
    ("POST", "/v1/jobs/{job_id}/claims"): "test_it_is_not_handed_out",
    ("POST", "/v1/second-reviews/claims"): "test_it_is_not_handed_out",
    ("GET", "/v1/media/{ref}"): "test_media: test_child_safety_is_seen_by_few_and_audited",
    ("GET", "/v1/media/{ref}/facts"): "test_media, the same: one look-up for all three",
    ("POST", "/v1/media/{ref}/reveal"): "test_media, the same",
    ("GET", "/v1/analytics/exposure"): "sums of what people saw, of nothing in particular",
    ("POST", "/v1/analytics/query"): "numbers; as what they count: test_query, became_grave",
    ("GET", "/v1/analytics/skips"): "counts as the other figures do: the relation is one",
    ("GET", "/v1/analytics/mine"): "counts as the other figures do, of oneself",
    ("GET", "/v1/quality/golden-results"): "as golden items: the condition is one (quality.sight)",
    ("GET", "/v1/quality/agreement"): "as golden items",
    ("GET", "/v1/quality/agreement/pairs"): "as golden items",
    ("GET", "/v1/job-groups"): "test_batch: what is about child safety is in no group",
    ("GET", "/v1/removed-queues"): "counts as a queue's contents do",
}

NOTHING_OF_ITEMS = {
    "actions",
    "api-keys",
    "bootstrap",
    "csp-reports",
    "endpoints",
    "favourites",
    "identity-provider-metadata",
    "identity-providers",
    "integrations",
    "invitations",
    "item-types",
    "location-banks",
    "me",
    "ncmec-settings",
    "openapi.json",
    "password-resets",
    "people",
    "permission-matrix",
    "permissions",
    "policies",
    "roles",
    "rule-proposals",
    "session",
    "settings",
    "signals",
    "sso",
    "text-banks",
    "views",
    "webhook-keys",
}
"""Configuration, accounts, and what else knows no items: the first part of the address."""

ALSO_NOTHING = {
    "GET /",  # what there is to ask
    "GET /v1",
    "GET /v1/automations",  # numbers of jobs that no child-safety job can be among
    "GET /v1/automations/{automation_id}",
    "GET /v1/backtests",  # rules, and numbers of what was tried
    "GET /v1/backtests/{backtest_id}",
    "GET /v1/batch-decisions/{batch_id}",  # what became of jobs, by their ids
    "GET /v1/bulk-actions",  # what was ordered, not what it is about
    "GET /v1/bulk-actions/{bulk_id}",
    "GET /v1/dead-letters",  # numbers by topic
    "GET /v1/decision-log/exports",  # what was asked for, and how far it is
    "GET /v1/decision-log/exports/{export_id}",
    "GET /v1/erasures",  # how far it is: numbers, of child safety only with the permission
    "GET /v1/erasures/{erasure_id}",
    "GET /v1/erasures/{erasure_id}/users",
    "GET /v1/hash-bank-sizes",  # numbers of hashes
    "GET /v1/hash-banks",
    "GET /v1/hash-banks/{bank_id}/hashes",  # hashes and notes, of nothing that is named
    "GET /v1/hash-banks/{document_id}",
    "GET /v1/hash-banks/{document_id}/revisions",
    "GET /v1/hash-banks/{document_id}/revisions/{revision}",
    "GET /v1/hash-banks/{document_id}/revisions/{revision}/changes",
    "GET /v1/hasher-matcher-actioner",  # whether it answers, and names of banks
    "GET /v1/hash-exchanges",  # what fills banks, and numbers of hashes
    "GET /v1/ncmec-schema",  # a version, and when it was served
    "GET /v1/notifications",  # ids of jobs, which are not there when one looks
    "GET /v1/queues",
    "GET /v1/queues/{document_id}",
    "GET /v1/queues/{document_id}/revisions",
    "GET /v1/queues/{document_id}/revisions/{revision}",
    "GET /v1/queues/{document_id}/revisions/{revision}/changes",
    "GET /v1/retention",  # names of tables
    "GET /v1/retroactions",
    "GET /v1/retroactions/{retroaction_id}",
    "GET /v1/routing-rules",
    "GET /v1/routing-rules/{document_id}",
    "GET /v1/routing-rules/{document_id}/revisions",
    "GET /v1/routing-rules/{document_id}/revisions/{revision}",
    "GET /v1/routing-rules/{document_id}/revisions/{revision}/changes",
    "GET /v1/rules",
    "GET /v1/rules/{document_id}",
    "GET /v1/rules/{document_id}/revisions",
    "GET /v1/rules/{document_id}/revisions/{revision}",
    "GET /v1/rules/{document_id}/revisions/{revision}/changes",
    "GET /v1/strikes/distribution",  # numbers of users
    "GET /v1/users",  # colleagues
    "GET /v1/users/{user_id}",
    "GET /v1/users/{user_id}/queues",
    "GET /v1/users/{user_id}/sessions",
}

CHANGES = {
    "automations/{automation_id}/cancel",
    "backtests",
    "backtests/{backtest_id}/cancel",
    "batch-decisions",
    "batch-decisions/{batch_id}/undo",
    "bulk-actions",
    "bulk-actions/{bulk_id}/confirm",
    "bulk-actions/{bulk_id}/items",
    "bulk-actions/{bulk_id}/{command}",
    "claims",
    "decision-log/exports",
    "decision-log/exports/{export_id}",
    "decisions/{decision_id}/undo",
    "decisions/{decision_id}/undo-window/extend",
    "deliveries/redeliver",
    "deliveries/{execution_id}/redeliver",
    "hash-banks",
    "hash-banks/{bank_id}/copies/jobs",
    "hash-banks/{bank_id}/exchanges",
    "hash-banks/{bank_id}/exchanges/{exchange_id}",
    "hash-banks/{bank_id}/exchanges/{exchange_id}/credentials",
    "hash-banks/{bank_id}/exchanges/{exchange_id}/pause",
    "hash-banks/{bank_id}/exchanges/{exchange_id}/resume",
    "hash-banks/{bank_id}/files",
    "hash-banks/{bank_id}/hashes",
    "hash-banks/{bank_id}/hashes/changes",
    "hash-banks/{bank_id}/hashes/import",
    "hash-banks/{document_id}",
    "hash-banks/{document_id}/revisions/{revision}/restore",
    "hash-matches",
    "hash-matches/file",
    "jobs/{job_id}/assignment",
    "erasures",
    "jobs/{job_id}/comments",
    "jobs/{job_id}/comments/{comment_id}",
    "jobs/{job_id}/decisions",
    "jobs/{job_id}/draft",
    "jobs/{job_id}/hold",
    "jobs/{job_id}/lease",
    "jobs/{job_id}/lease/extend",
    "jobs/{job_id}/lease/open",
    "jobs/{job_id}/skip",
    "notifications/read",
    "notifications/{notification_id}/read",
    "quality/golden-items",
    "quality/golden-items/{golden_id}",
    "queues",
    "queues/{document_id}",
    "queues/{document_id}/revisions/{revision}/restore",
    "queues/{queue_id}/empty",
    "queues/{queue_id}/favourite",
    "report-invalidations",
    "retroactions",
    "retroactions/{retroaction_id}/cancel",
    "retroactions/{retroaction_id}/confirm",
    "routing-rules",
    "routing-rules/order",
    "routing-rules/{document_id}",
    "routing-rules/{document_id}/revisions/{revision}/restore",
    "rules",
    "rules/{document_id}",
    "rules/{document_id}/revisions/{revision}/restore",
    "second-reviews/{second_review_id}/decisions",
    "second-reviews/{second_review_id}/lease",
    "second-reviews/{second_review_id}/lease/extend",
    "second-reviews/{second_review_id}/skip",
    "users",
    "users/{user_id}",
    "users/{user_id}/approve",
    "users/{user_id}/disable",
    "users/{user_id}/enable",
    "users/{user_id}/queues",
    "users/{user_id}/reject",
    "users/{user_id}/reset-link",
    "users/{user_id}/second-factor",
    "users/{user_id}/sessions",
}
"""What changes something, and shows no more than what the caller sent or could have read."""

FIGURES = {
    "count",
    "pending",
    "leased",
    "overdue",
    "waiting",
    "decisions",
    "reviews",
    "closable",
}


def key_of(route: Any) -> tuple[str, str]:
    (method,) = route.methods or set()
    return method, route.path


def unclassified(app: Any) -> set[tuple[str, str]]:
    """The routes that nobody has said of what they show."""
    left = set()
    for route in app.routes:
        method, path = key_of(route)
        first = "/".join(path.split("/")[2:3])
        is_known = (
            (method, path) in SHOWN | HIDDEN | COUNTED | set(OTHERWISE)
            or first in NOTHING_OF_ITEMS
            or f"{method} {path}" in ALSO_NOTHING
            or (method != "GET" and path.removeprefix("/v1/") in CHANGES)
        )
        if not is_known:
            left.add((method, path))
    return left


def test_every_route_is_classified() -> None:
    """A new route fails here until somebody has said what of grave material it shows."""
    app = build(None)  # type: ignore[arg-type]
    assert unclassified(app) == set()
    known = {key_of(route) for route in app.routes}
    assert SHOWN | HIDDEN | COUNTED | set(OTHERWISE) <= known


def test_a_new_route_is_not_classified() -> None:
    """The walk above notices one."""
    app = build(None)  # type: ignore[arg-type]

    async def forgotten() -> None:
        """Nobody knows what it shows."""

    app.add_api_route("/v1/jobs/{job_id}/pictures", forgotten, methods=["GET"])
    assert unclassified(app) == {("GET", "/v1/jobs/{job_id}/pictures")}


@pytest.fixture(params=WAYS)
async def material(
    request: Any, sign_in: Any, admin: Any, kit: Any, context: Any, org: Any, dispatcher: Any
) -> AsyncIterator[GraveWorld]:
    """Material that came in one of the six ways, with all that is kept of it."""
    async with hosting() as host:
        host.files["/grave.jpg"] = picture()
        permissions = permissions_but(Permission.VIEW_CHILD_SAFETY_DATA)
        role = await admin.make("/v1/roles", {"name": "All but one", "permissions": permissions})
        world = GraveWorld(
            clerk=admin,
            viewer=await sign_in(Role.ADMIN),
            other=await sign_in(role["id"]),
            kit=kit,
            context=context,
            org_id=org.org_id,
            dispatcher=dispatcher,
            picture=host.url("/grave.jpg"),
        )
        await world.begin()
        for item_id in {
            "REVIEWER": ("grave-item", "grave-media"),
            "REPORT": ("grave-item", "grave-media", "grave-thread", "grave-user"),
            "REPORT_OF_ITEM": ("grave-item", "grave-media", "grave-thread"),
            "RULE": ("grave-item", "grave-user"),
            "POST_ACTIONS": ("grave-item", "grave-user"),
            "STRIKE_THRESHOLD": ("grave-user",),
        }[request.param]:
            await world.keep(item_id)
        await world.export()
        await world.strike()
        assert has_words((await world.other.call("GET", "/v1/decision-log")).text), "plain before"
        await world.come(request.param)
        await world.hold()
        yield world


def addresses(app: Any, world: GraveWorld, wanted: set[tuple[str, str]]) -> Iterator[Any]:
    """(method, route's path, address, body) with all ids of the material, each once."""
    seen = set()
    for route in app.routes:
        method, path = key_of(route)
        if (method, path) not in wanted:
            continue
        for one in world.kept:
            for job in (one.decided, one.pending, *world.jobs):
                for export in world.exports.values():
                    ids = {
                        "job_id": job,
                        "type_id": one.item.type_id,
                        "item_id": one.item.id,
                        "item_id:path": one.item.id,
                        "user_id:path": world.author.id,
                        "decision_id": one.decision,
                        "submission_id": one.submission,
                        "execution_id": one.execution,
                        "backtest_id": one.backtest,
                        "retroaction_id": one.retroaction,
                        "bulk_id": one.reversal,
                        "golden_id": one.golden,
                        "export_id": export,
                        "queue_id": world.ids["plain"],
                        "bank_id": world.ids["bank"],
                        "cybertip_id": world.cybertip,
                        "what": "document",
                    }
                    if "{user_id:path}" in path:
                        ids["type_id"] = world.author.type_id
                    address = re.sub(r"\{([\w:]+)\}", lambda match: ids[match[1]], path)  # noqa: B023
                    for query in queries(route, one, job, world):
                        asked = (method, address + query, one if method == "POST" else None)
                        if asked not in seen:
                            seen.add(asked)
                            yield method, path, address + query, body_of(path, one)


def queries(route: APIRoute, one: Any, job: str, world: GraveWorld) -> Iterator[str]:
    """The filters of a list that lead to the material, each by itself."""
    yield ""
    asked = set(query_names(route))
    for names in (
        {"itemTypeId": one.item.type_id, "itemId": one.item.id},
        {"userTypeId": world.author.type_id, "userId": world.author.id},
        {"jobId": job},
        {"decisionId": one.decision},
        {"executionId": one.execution},
        {"queueId": world.ids["plain"]},
        {"queueId": world.ids["ncmec"]},
        {"of": "USER"},
        {"groupBy": "QUEUE"},
    ):
        if set(names) <= asked:
            yield "?" + "&".join(f"{name}={value}" for name, value in names.items())


def body_of(path: str, one: Any) -> Any:
    match path.removeprefix("/v1/"):
        case "rules/spot-test":
            leaf = {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                "signal": {
                    "id": '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}',
                    "type": "TEXT_MATCHING_CONTAINS_TEXT",
                },
                "matchingValues": {"strings": ["cave"]},
                "comparator": "EQUALS",
                "threshold": "true",
            }
            rule = {
                "name": "T",
                "status": "DRAFT",
                "itemTypeIds": [one.item.type_id],
                "conditionSet": {"conjunction": "OR", "conditions": [leaf]},
            }
            return {"submissionId": one.submission, "rule": rule}
        case "routing-rules/test":
            return {"submissionId": one.submission}
        case "reversals":
            return {"executionId": one.execution}
        case "hash-banks/{bank_id}/media":
            return {"ref": one.medium}
        case "cybertips/{cybertip_id}/retry":
            return {}
        case "cybertips/{cybertip_id}/hold":
            return {"reason": "r"}
        case "cybertips/{cybertip_id}/destruction":
            return {"ground": "LAW_ENFORCEMENT", "reason": "r"}
    return None


async def looks(engine: Any, person: Any) -> int:
    """How often this person's looks were recorded, and their going on with reports."""
    is_look = or_(audit_log.c.action.like("child-safety.%"), audit_log.c.action.like("cybertip.%"))
    query = select(func.count()).where(audit_log.c.actor == person.user_id, is_look)
    async with transaction(engine) as connection:
        return int(await connection.scalar(query) or 0)


def said(answer: httpx.Response, address: str) -> str:
    """What an answer says: a problem may repeat what was asked for."""
    return answer.text.replace(address, "") if answer.is_success else ""


@pytest.mark.engines
async def test_nothing_of_it_is_shown(app: Any, material: GraveWorld, engine: Any) -> None:
    """Whatever is asked for, with whatever ids, neither an item nor a word comes back without the
    permission; with it they do, each time with a row that says who looked."""
    shown = set()
    for method, path, address, body in addresses(app, material, SHOWN):
        answer = await material.other.call(method, address, body)
        assert answer.status_code < 500, (address, answer.text)
        assert not has_words(said(answer, address)), (address, answer.text)
        before = await looks(engine, material.viewer)
        answer = await material.viewer.call(method, address, body)
        if has_words(said(answer, address)):
            shown.add((method, path))
            own = path in {"/v1/claims", "/v1/jobs/{job_id}/draft"}  # looked at when it was claimed
            assert own or await looks(engine, material.viewer) > before, address
    assert shown == SHOWN
    assert await looks(engine, material.other) == 0


@pytest.mark.engines
async def test_what_has_no_words_is_not_there(app: Any, material: GraveWorld) -> None:
    """404 without the permission, and with it whatever there is."""
    found = set()
    for method, path, address, body in addresses(app, material, HIDDEN):
        hidden = await material.other.call(method, address, body)
        assert hidden.status_code == 404, (address, hidden.text)
        if (await material.viewer.call(method, address, body)).status_code != 404:
            found.add((method, path))
    assert found == HIDDEN


def total(value: Any) -> int:
    """All figures in an answer, entries of a list among them."""
    if isinstance(value, list):
        return sum(map(total, value))
    if not isinstance(value, dict):
        return 0
    here = sum(value[name] or 0 for name in FIGURES & set(value) if isinstance(value[name], int))
    here += bool(value.get("oldestCreatedAt")) + bool(value.get("decisionId"))
    return here + sum(total(part) for part in value.values())


@pytest.mark.engines
async def test_it_is_not_counted(app: Any, material: GraveWorld) -> None:
    """No figure, no oldest time and no entry is made of it without the permission."""
    counted = set()
    for method, path, address, body in addresses(app, material, COUNTED):
        answer = await material.other.call(method, address, body)
        if answer.status_code == 422:  # it does not group so
            continue
        assert answer.is_success, (address, answer.text)
        assert total(answer.json()) == 0, (address, answer.text)
        answer = await material.viewer.call(method, address, body)
        if total(answer.json()):
            counted.add((method, path))
    assert counted == COUNTED


@pytest.mark.engines
async def test_live_counts_leave_it_out(material: GraveWorld, context: Any, engine: Any) -> None:
    """Without the permission a page that listens is told of no count, and of no job held."""
    principals = {}
    for person in (material.other, material.viewer):
        token = person.http.cookies["coop_session"]
        async with transaction(engine) as connection:
            principals[person.user_id] = await context.find_session(
                connection, token, now=context.clock(), limits=context.session_limits
            )
    watched = Watched(
        org_ids={material.org_id},
        user_ids=set(principals),
        session_ids={one.session_id for one in principals.values()},
    )
    async with transaction(engine) as connection:
        snapshot = await take_snapshot(
            connection, watched, {}, limits=context.session_limits, now=context.clock()
        )
    seen = {}
    for user_id, principal in principals.items():
        listener = Listener(principal, 3600.0)
        listener.show(snapshot, Here(jobs={}, people={}), build="build-1")
        seen[user_id] = b"".join(data for _, data in listener.news()).decode()
    other, viewer = seen[material.other.user_id], seen[material.viewer.user_id]
    assert '"pending":0' in other
    assert not re.search('"pending":[1-9]|"jobId"', other), other
    assert re.search('"pending":[1-9]', viewer)
    assert '"jobId"' in viewer


@pytest.mark.engines
async def test_it_is_not_handed_out(material: GraveWorld) -> None:
    """Nobody without the permission is given a job, or a second review, of it."""
    for queue in ("plain", "ncmec"):
        path = f"/v1/queues/{material.ids[queue]}/claims"
        assert (await material.other.call("POST", path)).status_code == 204
    assert (await material.other.call("POST", "/v1/claims", {})).status_code == 204
    listed = (await material.viewer.call("GET", "/v1/jobs?state=PENDING")).json()["items"]
    grave = [job["id"] for job in listed if job["csam"]]
    assert grave
    for job_id in grave:
        assert (await material.other.call("POST", f"/v1/jobs/{job_id}/claims")).status_code == 404
    again = {"queueId": material.ids["plain"]}
    path = "/v1/second-reviews/claims"
    assert (await material.other.call("POST", path, again)).status_code == 204
    answer = await material.viewer.call("POST", path, again)
    assert answer.status_code == 200, answer.text
    assert has_words(answer.text)


@pytest.mark.engines
async def test_the_audit_log_says_that_somebody_looked_not_at_what(material: GraveWorld) -> None:
    """Who answers for the organisation sees each look, each report that somebody went on with, and
    each medium that came into a bank; of what, they see with the permission alone."""
    kept = material.kept[0]
    path = f"/v1/items/{kept.item.type_id}/{kept.item.id}/partial"
    await material.viewer.call("GET", path)
    bank = f"/v1/hash-banks/{material.ids['bank']}/media"
    added = await material.viewer.call("POST", bank, {"ref": kept.medium})
    assert added.status_code == 200, added.text
    retry = f"/v1/cybertips/{material.cybertip}/retry"
    assert (await material.viewer.call("POST", retry, {})).status_code == 200
    for person, seen in ((material.other, False), (material.viewer, True)):
        for action in ("child-safety.viewed", "cybertip.retried"):
            rows = (await person.call("GET", f"/v1/audit-log?action={action}")).json()
            assert rows["items"]
            assert any(row["targetId"] for row in rows["items"]) == seen
        rows = (await person.call("GET", "/v1/audit-log?action=hash-bank.extended")).json()
        assert [has_words(str(row["detail"])) for row in rows["items"]] == [seen]
        for action in ("child-safety.viewed", "cybertip.retried"):
            known = (await material.viewer.call("GET", f"/v1/audit-log?action={action}")).json()
            about = {"targetId": known["items"][0]["targetId"]}
            # Whose id somebody guesses is not told by how many rows there are of it.
            rows = (await person.call("GET", "/v1/audit-log", params=about)).json()
            assert bool(rows["items"]) == seen
        whole = await person.call("GET", "/v1/audit-log?limit=200")
        assert seen or not has_words(whole.text), whole.text
        assert seen or material.cybertip not in whole.text
