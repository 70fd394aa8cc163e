"""What leaves an audit row: every route that changes something, or says why it need not; and
exports, which change nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pyotp
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select, update

from coop_contracts.export import api_examples
from coop_contracts.permission import Role
from coop_review_api.backtest.table import backtests
from coop_review_api.enforcement.table import bulk_items
from coop_review_api.kernel.schema import audit_log
from coop_runtime.database.engine import transaction

from ..delivery.test_delivery_api import ENDPOINT
from ..delivery.test_trial_api import SENT as TRIAL
from ..media.media_world import MediaWorld, hosting, picture

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]

_OWN_VIEW = "how somebody's own pages look"
_HOLDS = "who held a job, from when to when and how it ended is kept in `queues.claims`"
_ENTERED = "what somebody is typing; the decision that comes of it is kept"
_TRIED = "evaluates, and changes nothing; looks at child safety are recorded by `child_safety`"

EXEMPT = {
    "PUT /v1/me": _OWN_VIEW,
    "PUT /v1/me/preferences/{key}": _OWN_VIEW,
    "DELETE /v1/me/preferences/{key}": _OWN_VIEW,
    "PUT /v1/me/wellness": _OWN_VIEW,
    "DELETE /v1/me/wellness": _OWN_VIEW,
    "PUT /v1/queues/{queue_id}/favourite": _OWN_VIEW,
    "DELETE /v1/queues/{queue_id}/favourite": _OWN_VIEW,
    "POST /v1/notifications/read": _OWN_VIEW,
    "POST /v1/notifications/{notification_id}/read": _OWN_VIEW,
    "PUT /v1/jobs/{job_id}/draft": _ENTERED,
    "DELETE /v1/jobs/{job_id}/draft": _ENTERED,
    "POST /v1/claims": _HOLDS,
    "DELETE /v1/claims": _HOLDS,
    "POST /v1/jobs/{job_id}/claims": _HOLDS,
    "POST /v1/queues/{queue_id}/claims": _HOLDS,
    "POST /v1/jobs/{job_id}/lease/extend": _HOLDS,
    "POST /v1/jobs/{job_id}/lease/open": _HOLDS,
    "DELETE /v1/jobs/{job_id}/lease": _HOLDS,
    "POST /v1/jobs/{job_id}/decisions": "`decisions` keeps each, with who and when, for good",
    "POST /v1/decisions/{decision_id}/undo-window/extend": "`decisions` keeps when each left",
    "POST /v1/second-reviews/claims": "`second_reviews` keeps who had it",
    "POST /v1/second-reviews/{second_review_id}/lease/extend": "`second_reviews` keeps who had it",
    "DELETE /v1/second-reviews/{second_review_id}/lease": "`second_reviews` keeps who had it",
    "POST /v1/second-reviews/{second_review_id}/decisions": "`second_reviews` keeps the answer",
    "POST /v1/second-reviews/{second_review_id}/skip": "`second_reviews` keeps who had it",
    "POST /v1/media/{ref}/reveal": "`media_reveals` keeps who saw what; and see test_media",
    "DELETE /v1/me/reveals/{reveal_id}": "`media_reveals` keeps for how long",
    "POST /v1/me/second-factor": "a secret that is good for nothing before it is confirmed",
    "POST /v1/analytics/query": "asks for numbers, and changes nothing",
    "POST /v1/rules/spot-test": _TRIED,
    "POST /v1/rule-proposals/preview": "says what a change would need, and changes nothing",
    "POST /v1/routing-rules/test": _TRIED,
    "POST /v1/text-banks/{document_id}/match": "looks entries up, and changes nothing",
    "POST /v1/location-banks/{document_id}/match": "looks entries up, and changes nothing",
    "POST /v1/hash-banks/{bank_id}/copies": "looks what was seen up, and changes nothing",
    "POST /v1/hash-matches": "looks entries up, and changes nothing",
    "POST /v1/hash-matches/file": "looks entries up, and changes nothing",
    "POST /v1/submissions/{submission_id}/evaluations": _TRIED,
    "POST /v1/identity-provider-metadata": "reads metadata and changes nothing",
    "POST /v1/invitations/look": "reads an invitation and changes nothing",
    "POST /v1/password-resets": "nothing happens without a mail server: see tests/test_password",
    "POST /v1/translations": "asks a provider and changes nothing",
    "PUT /v1/jobs/{job_id}/presence": "forgotten in less than a minute",
    "DELETE /v1/jobs/{job_id}/presence": "forgotten in less than a minute",
    "POST /v1/csp-reports": "a browser's report is counted, and changes nothing",
    "POST /v1/sso/start": "says where to sign in; the sign-in leaves a row",
    "POST /v1/sso/{provider_id}/acs": "a sign-in at a provider: tests/single_sign_on/test_session",
    "POST /v1/batch-decisions": "`decisions` keeps each, with who and when, for good",
    "POST /v1/batch-decisions/{batch_id}/undo": "each undoing leaves its row: decision.undone",
    "POST /v1/bulk-actions/{bulk_id}/items": "a preview grows; its confirmation leaves a row",
}
"""Routes that change something and leave no row here, and why that is enough."""


def unsafe(app: Any) -> Iterator[str]:
    """`METHOD path` of every route that may change something."""
    for route in app.routes:
        assert isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            yield f"{method} {route.path}"


class File(NamedTuple):
    """A body that is no JSON."""

    type: str
    content: bytes


class Walk:
    """Does things, and sees that each left a row in the organisation's log."""

    def __init__(self, engine: Any, org_id: str) -> None:
        self.engine, self.org_id = engine, org_id
        self.walked: set[str] = set()

    async def rows(self) -> list[tuple[str, str]]:
        """Actor and action of each row, oldest first."""
        query = select(audit_log.c.actor, audit_log.c.action)
        async with transaction(self.engine) as connection:
            found = await connection.execute(
                query.where(audit_log.c.org_id == self.org_id).order_by(audit_log.c.audit_id)
            )
            return [(row.actor, row.action) for row in found]

    async def __call__(
        self, person: Any, route: str, body: Any = None, *, action: str, **ids: Any
    ) -> Any:
        """Call `METHOD path` with the ids in the path; the answer's JSON."""
        method, path = route.split(" ")
        before = len(await self.rows())
        address = path.replace(":path}", "}").format(**ids)
        if isinstance(body, File):
            headers = {"Content-Type": body.type}
            answer = await person.call(method, address, content=body.content, headers=headers)
        else:
            answer = await person.call(method, address, body)
        assert answer.is_success, (route, answer.text)
        new = [row for row in (await self.rows())[before:] if not row[1].startswith("child-")]
        assert action in [row[1] for row in new], (route, new)
        if isinstance(person.user_id, str):
            assert {row[0] for row in new} == {person.user_id}, (route, new)
        self.walked.add(route)
        is_json = answer.headers.get("content-type") == "application/json"
        return answer.json() if is_json else None


class Nobody:
    """Calls without a session."""

    user_id = None

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self._http.request(method, path, json=body)


async def test_every_change_is_recorded(  # noqa: PLR0917 - the fixtures that it takes
    app: Any,
    http: Any,
    admin: Any,
    sign_in: Any,
    kit: Any,
    place: Any,
    dispatcher: Any,
    org: Any,
    engine: Any,
    context: Any,
) -> None:
    """Each route that changes something, used as it is meant to be, leaves a row of who used it;
    the rest say why they need none."""
    walk = Walk(engine, org.org_id)
    await _documents(walk, admin, kit)
    await _people(walk, admin, sign_in, http, org, context)
    await _keys(walk, admin)
    await _review(walk, admin, kit, place)
    await _enforcement(walk, admin, kit, dispatcher, org.org_id, context)
    await _proposals(walk, admin, sign_in, kit)
    await _hashes(walk, admin, kit, dispatcher, org.org_id, context)
    await _cybertips(walk, admin, dispatcher, org.org_id)
    routes = set(unsafe(app))
    assert EXEMPT.keys() <= routes, "an exemption for a route that is not there"
    assert walk.walked & EXEMPT.keys() == set(), "an exemption that is not needed"
    assert routes - walk.walked - EXEMPT.keys() == set()


async def _documents(walk: Walk, admin: Any, kit: Any) -> None:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    queue = next(one["id"] for one in queues if not one["isAppealsQueue"])
    provider: dict[str, Any] = {
        "scheme": "OIDC",
        "issuer": "https://accounts.example.com",
        "clientId": "coop",
    }
    provider["enabled"] = False  # nobody answers there
    bodies: dict[str, Any] = {
        "item-types": kit.item_type("Another"),
        "policies": {},
        "actions": kit.action(post),
        "rules": kit.rule(post),
        "routing-rules": {
            "itemTypeIds": [post],
            "conditionSet": kit.contains(strings=["x"]),
            "destinationQueueId": queue,
        },
        "queues": {},
        "text-banks": {"type": "STRING", "strings": ["a"]},
        "location-banks": {"locations": []},
        "hash-banks": {},
        "roles": {"permissions": []},
        "identity-providers": provider,
    }
    for path, body in bodies.items():
        made = await walk(admin, f"POST /v1/{path}", {**body, "name": "One"}, action="config.saved")
        one, document_id = f"/v1/{path}/{{document_id}}", made["id"]
        restore = f"POST {one}/revisions/{{revision}}/restore"
        await walk(
            admin,
            f"PUT {one}",
            {**body, "name": "Two"},
            action="config.saved",
            document_id=document_id,
        )
        ids = {"document_id": document_id, "revision": made["revision"]}
        await walk(admin, restore, action="config.saved", **ids)
        if path in ("text-banks", "location-banks"):
            place, other = (
                {"geometry": {"center": {"lat": lat, "lng": 2.0}, "radius": 5.0}}
                for lat in (1.0, 2.0)
            )
            added = {"add": ["b"] if path == "text-banks" else [place]}
            await walk(admin, f"PATCH {one}", added, action="config.saved", **ids)
            entries = {"strings": ["c"]} if path == "text-banks" else {"locations": [other]}
            await walk(admin, f"POST {one}/import", entries, action="config.saved", **ids)
            await walk(admin, f"GET {one}/export", action="bank.exported", **ids)
        if path == "queues":
            moved = f"/v1/queues/{document_id}?moveTo={queue}"
            before = len(await walk.rows())
            assert (await admin.call("DELETE", moved)).status_code in (200, 202, 204)
            assert "config.deleted" in [row[1] for row in (await walk.rows())[before:]]
            walk.walked.add(f"DELETE {one}")
            continue
        await walk(admin, f"DELETE {one}", action="config.deleted", **ids)
    order = [
        (await admin.make("/v1/routing-rules", {**bodies["routing-rules"], "name": name}))["id"]
        for name in ("A", "B")
    ]
    reorder = {"ruleIds": order[::-1], "forAppeals": False}
    await walk(admin, "PUT /v1/routing-rules/order", reorder, action="config.saved")
    credential = {"credential": {"apiKey": "k"}}
    one = "/v1/integrations/{document_id}"
    ids = {"document_id": "OPEN_AI"}
    made = await walk(admin, f"PUT {one}", credential, action="config.saved", **ids)
    await walk(admin, f"POST {one}/trial", action="integration.tried", **ids)
    await walk(admin, f"DELETE {one}", action="config.deleted", **ids)
    restore = f"POST {one}/revisions/{{revision}}/restore"
    ids["revision"] = made["revision"]
    await walk(admin, restore, action="config.saved", **ids)
    settings = {"name": "Acme", "undoWindow": 0}
    made = await walk(admin, "PUT /v1/settings", settings, action="config.saved")
    ncmec = await walk(admin, "PUT /v1/ncmec-settings", {}, action="config.saved")
    restore = "POST /v1/ncmec-settings/{document_id}/revisions/{revision}/restore"
    ids = {"document_id": "settings", "revision": ncmec["revision"]}
    await walk(admin, restore, action="config.saved", **ids)
    view = {"page": "jobs", "name": "Late", "value": {}}
    await walk(admin, "PUT /v1/views/{view_id}", view, action="view.saved", view_id="v1")
    await walk(admin, "DELETE /v1/views/{view_id}", action="view.deleted", view_id="v1")
    restore = "POST /v1/settings/{document_id}/revisions/{revision}/restore"
    ids = {"document_id": "settings", "revision": made["revision"]}
    await walk(admin, restore, action="config.saved", **ids)


async def _people(walk: Walk, admin: Any, sign_in: Any, http: Any, org: Any, context: Any) -> None:
    address = f"{uuid.uuid4().hex}@acme.example"
    nobody = Nobody(http)
    phrase, other = "seven quiet lamps 19", "eleven loud doors 23"
    body = {"email": address, "name": "P", "role": "MODERATOR", "password": phrase}
    made = await walk(admin, "POST /v1/users", body, action="user.created")
    ids = {"user_id": made["id"]}
    one = "/v1/users/{user_id}"
    change = {"role": "ANALYST"}
    await walk(admin, f"PATCH {one}", change, action="user.changed", **ids)
    for step in ("disable", "enable"):
        await walk(admin, f"POST {one}/{step}", action="user.changed", **ids)
    queues: dict[str, list[str]] = {"queueIds": []}
    reviewers = [ids["user_id"], admin.user_id]
    await admin.make("/v1/queues", {"name": "Closed", "reviewerIds": reviewers})
    await walk(admin, f"PUT {one}/queues", queues, action="config.saved", **ids)
    link = await walk(admin, f"POST {one}/reset-link", action="password.reset-link-created", **ids)
    used = {"token": link["link"].partition("#")[2], "password": other}
    await walk(nobody, "POST /v1/password-resets/use", used, action="password.reset")
    login = {"email": address, "password": other}
    shown = await walk(nobody, "POST /v1/session", login, action="session.created")
    http.headers["X-CSRF-Token"] = shown["csrfToken"]
    me = {"password": other}
    confirm = "POST /v1/me/second-factor/confirm"
    totp = await _set_up(http, me)
    code = {"code": totp.at(context.clock())}
    await walk(nobody, confirm, code, action="second-factor.confirmed")
    await walk(nobody, "DELETE /v1/me/sessions", action="session.others-ended")
    await walk(nobody, "DELETE /v1/session", action="session.ended")
    context.clock.forward(seconds=60)
    challenge = (await http.post("/v1/session", json=login)).json()["challenge"]
    answer = {"challenge": challenge, "code": totp.at(context.clock())}
    shown = await walk(nobody, "POST /v1/session/second-factor", answer, action="session.created")
    http.headers["X-CSRF-Token"] = shown["csrfToken"]
    renew = "POST /v1/me/second-factor/recovery-codes"
    await walk(nobody, renew, me, action="second-factor.codes-renewed")
    await walk(nobody, "POST /v1/me/second-factor/remove", me, action="second-factor.removed")
    totp = await _set_up(http, me)
    code = {"code": totp.at(context.clock())}
    await walk(nobody, confirm, code, action="second-factor.confirmed")
    lost = f"DELETE {one}/second-factor"
    await walk(admin, lost, action="second-factor.reset", **ids)
    http.cookies.clear()
    shown = (await http.post("/v1/session", json=login)).json()
    http.headers["X-CSRF-Token"] = shown["csrfToken"]
    change = {"currentPassword": other, "newPassword": phrase}
    await walk(nobody, "PUT /v1/me/password", change, action="password.changed")
    sessions = (await http.get("/v1/me/sessions")).json()["items"]
    await walk(
        nobody,
        "DELETE /v1/me/sessions/{session_id}",
        action="session.ended",
        session_id=sessions[0]["id"],
    )
    http.cookies.clear()
    shown = (await http.post("/v1/session", json=login | {"password": phrase})).json()
    http.headers["X-CSRF-Token"] = shown["csrfToken"]
    await walk(nobody, "POST /v1/me/remove", {"password": phrase}, action="user.removed")
    http.cookies.clear()
    await _invited(walk, admin, nobody)
    person = await sign_in(Role.MODERATOR)
    ids = {"user_id": person.user_id}
    await walk(admin, f"DELETE {one}/sessions", action="user.signed-out", **ids)
    await walk(admin, f"DELETE {one}", action="user.removed", **ids)


async def _set_up(http: Any, shown: Any) -> pyotp.TOTP:
    """A second factor that is to be confirmed."""
    answer = await http.post("/v1/me/second-factor", json=shown)
    assert answer.is_success, answer.text
    return pyotp.TOTP(answer.json()["secret"])


async def _invited(walk: Walk, admin: Any, nobody: Nobody) -> None:
    one = "/v1/users/{user_id}"
    for step, action in (("approve", "user.changed"), ("reject", "user.changed")):
        address = f"{uuid.uuid4().hex}@acme.example"
        body = {"email": address, "role": "MODERATOR", "requiresApproval": True}
        made = await walk(admin, "POST /v1/invitations", body, action="invitation.created")
        resend = "POST /v1/invitations/{invitation_id}/resend"
        sent = await walk(admin, resend, action="invitation.resent", invitation_id=made["id"])
        token = sent["link"].partition("#")[2]
        accepted = {"token": token, "name": "New", "password": "seven quiet lamps 19"}
        await walk(nobody, "POST /v1/invitations/accept", accepted, action="user.created")
        listed = (await admin.call("GET", f"/v1/users?search={address}")).json()["items"]
        await walk(admin, f"POST {one}/{step}", action=action, user_id=listed[0]["id"])
    body = {"email": f"{uuid.uuid4().hex}@acme.example", "role": "MODERATOR"}
    made = await admin.make("/v1/invitations", body)
    revoke = "DELETE /v1/invitations/{invitation_id}"
    await walk(admin, revoke, action="invitation.revoked", invitation_id=made["id"])


async def _keys(walk: Walk, admin: Any) -> None:
    made = await walk(admin, "POST /v1/api-keys", {"name": "K"}, action="config.saved")
    rotate = "POST /v1/api-keys/{key_id}/rotate"
    await walk(admin, rotate, {}, action="config.saved", key_id=made["id"])
    await walk(admin, "POST /v1/api-keys/{key_id}/revoke", action="config.saved", key_id=made["id"])
    rotate = "POST /v1/webhook-keys/rotate"
    made = await walk(admin, rotate, {"scheme": "RSA_SHA256"}, action="config.saved")
    await admin.call("POST", "/v1/webhook-keys/rotate", {"scheme": "RSA_SHA256"})
    revoke = "POST /v1/webhook-keys/{key_id}/revoke"
    await walk(admin, revoke, action="config.saved", key_id=made["id"])


async def _review(walk: Walk, admin: Any, kit: Any, place: Any) -> None:
    post = (await admin.make("/v1/item-types", kit.item_type("Reviewed")))["id"]
    body = {"name": "Sampled", "openToEveryone": True, "secondReviewShare": 1.0}
    queue = (await admin.make("/v1/queues", body))["id"]

    async def claim() -> dict[str, Any]:
        await place(queue, post)
        claimed: dict[str, Any] = (await admin.call("POST", f"/v1/queues/{queue}/claims")).json()
        return claimed

    held = await claim()
    ids = {"job_id": held["job"]["id"]}
    write = "POST /v1/jobs/{job_id}/comments"
    comment = await walk(admin, write, {"body": "Look"}, action="comment.written", **ids)
    one = "/v1/jobs/{job_id}/comments/{comment_id}"
    of_comment = {**ids, "comment_id": comment["id"]}
    await walk(admin, f"PATCH {one}", {"body": "No"}, action="comment.edited", **of_comment)
    await walk(admin, f"DELETE {one}", action="comment.deleted", **of_comment)
    notes, user = "/v1/users/{type_id}/{user_id:path}/notes", {"type_id": "t", "user_id": "u"}
    note = await walk(admin, f"POST {notes}", {"text": "Look"}, action="note.written", **user)
    one, of_note = f"{notes}/{{note_id}}", {**user, "note_id": note["id"]}
    await walk(admin, f"PATCH {one}", {"text": "No"}, action="note.edited", **of_note)
    await walk(admin, f"DELETE {one}", action="note.deleted", **of_note)
    lease = {"leaseToken": held["lease"]["token"]}
    await walk(admin, "POST /v1/jobs/{job_id}/skip", lease, action="job.skipped", **ids)
    given = {"personId": admin.user_id}
    await walk(admin, "POST /v1/jobs/{job_id}/assignment", given, action="job.assigned", **ids)
    await walk(admin, "DELETE /v1/jobs/{job_id}/assignment", action="job.unassigned", **ids)
    awaited = {"reason": "asked the author"}
    await walk(admin, "POST /v1/jobs/{job_id}/hold", awaited, action="job.held", **ids)
    await walk(admin, "DELETE /v1/jobs/{job_id}/hold", action="job.unheld", **ids)
    held = await claim()
    decided = {"leaseToken": held["lease"]["token"], "components": [{"type": "IGNORE"}]}
    path = f"/v1/jobs/{held['job']['id']}/decisions"
    decision = (await admin.call("POST", path, decided)).json()
    golden = await walk(
        admin,
        "POST /v1/quality/golden-items",
        {"decisionId": decision["id"]},
        action="golden-item.created",
    )
    retire = "DELETE /v1/quality/golden-items/{golden_id}"
    await walk(admin, retire, action="golden-item.retired", golden_id=golden["id"])
    await admin.call("PUT", "/v1/settings", {"name": "Acme", "undoWindow": 60})
    held = await claim()
    decided["leaseToken"] = held["lease"]["token"]
    path = f"/v1/jobs/{held['job']['id']}/decisions"
    decision = (await admin.call("POST", path, decided)).json()
    undo = "POST /v1/decisions/{decision_id}/undo"
    await walk(admin, undo, action="decision.undone", decision_id=decision["id"])
    reporter = {"reporter": {"id": "reporter-1", "typeId": "user"}}
    await walk(admin, "POST /v1/report-invalidations", reporter, action="reports.invalidated")
    await place(queue, post, reporter="another")
    contents = (await admin.call("GET", f"/v1/queues/{queue}/contents")).json()
    wanted = {"closable": contents["closable"], "asOf": contents["asOf"]}
    empty = "POST /v1/queues/{queue_id}/empty"
    made = await walk(admin, empty, wanted, action="queue.emptied", queue_id=queue)
    cancel = "POST /v1/automations/{automation_id}/cancel"
    await walk(admin, cancel, action="automation.cancelled", automation_id=made["id"])


async def _proposals(walk: Walk, admin: Any, sign_in: Any, kit: Any) -> None:
    second = await sign_in(Role.RULES_MANAGER)
    post = (await admin.make("/v1/item-types", kit.item_type("Waits")))["id"]
    act = (await admin.make("/v1/actions", kit.action(post, name="Wait")))["id"]
    rule = kit.rule(post, name="Waits", actionIds=[act])
    made = await admin.make("/v1/rules", rule)
    settings = {"name": "Acme", "ruleApprovalAbove": 0}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    body = {"ruleId": made["id"], "revision": made["revision"], "rule": {**rule, "status": "LIVE"}}
    one = "POST /v1/rule-proposals/{proposal_id}"
    for how, who, said in (
        ("withdraw", admin, "withdrawn"),
        ("decline", second, "declined"),
        ("approve", second, "approved"),
    ):
        asked = await walk(admin, "POST /v1/rule-proposals", body, action="rule-proposal.proposed")
        sent = {"reason": "r"} if how == "decline" else None
        ids = {"proposal_id": asked["id"]}
        await walk(who, f"{one}/{how}", sent, action=f"rule-proposal.{said}", **ids)


async def _enforcement(
    walk: Walk, admin: Any, kit: Any, dispatcher: Any, org_id: str, context: Any
) -> None:
    post = (await admin.make("/v1/item-types", kit.item_type("Acted on")))["id"]
    act = (await admin.make("/v1/actions", kit.action(post, name="Act")))["id"]
    rule = kit.rule(post, name="Tried", actionIds=[act])
    body = {"rule": rule, "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    for kind in ("backtest", "retroaction"):  # a retroaction begins with a backtest
        made = await walk(admin, f"POST /v1/{kind}s", body, action="backtest.requested")
        cancel = f"POST /v1/{kind}s/{{{kind}_id}}/cancel"
        ids = {f"{kind}_id": made["id"]}
        await walk(admin, cancel, action=f"{kind}.cancelled", **ids)
    made = await admin.call("POST", "/v1/retroactions", body)
    ids = {"retroaction_id": made.json()["id"]}
    async with transaction(walk.engine) as connection:
        of_it = backtests.c.retroaction_id == ids["retroaction_id"]
        await connection.execute(update(backtests).where(of_it).values(state="COMPLETE"))
    confirm = "POST /v1/retroactions/{retroaction_id}/confirm"
    await walk(admin, confirm, {"passed": 0}, action="retroaction.confirmed", **ids)
    bulk = {"itemTypeId": post, "actionIds": [act], "itemIds": ["a"]}
    made = await walk(admin, "POST /v1/bulk-actions", bulk, action="bulk-action.created")
    ids = {"bulk_id": made["id"]}
    confirm = "POST /v1/bulk-actions/{bulk_id}/confirm"
    await walk(admin, confirm, {"total": 1}, action="bulk-action.running", **ids)
    steer = "POST /v1/bulk-actions/{bulk_id}/{command}"
    for command, action in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        await walk(admin, steer, action=f"bulk-action.{action}", command=command, **ids)
    again = {"bulkId": made["id"]}
    context.clock.forward(seconds=1)
    await _carried_out(walk, made["id"])
    await walk(admin, "POST /v1/reversals", again, action="bulk-action.created")
    await _platform(walk, admin, dispatcher, org_id, act)
    export = await walk(
        admin,
        "POST /v1/decision-log/exports",
        {"format": "CSV"},
        action="decision-log-export.created",
    )
    delete = "DELETE /v1/decision-log/exports/{export_id}"
    await walk(admin, delete, action="decision-log-export.deleted", export_id=export["id"])
    erased = {"users": [{"typeId": post, "id": "nobody"}]}
    await walk(admin, "POST /v1/erasures", erased, action="erasure.requested")
    await walk(admin, "GET /v1/audit-log", action="audit-log.read")


async def _carried_out(walk: Walk, bulk_id: str) -> None:
    """As the relay leaves it: its item's action was requested."""
    async with transaction(walk.engine) as connection:
        of_it = bulk_items.c.bulk_id == bulk_id
        done = update(bulk_items).where(of_it).values(execution_ids=[str(uuid.uuid4())])
        await connection.execute(done)


async def _platform(walk: Walk, admin: Any, dispatcher: Any, org_id: str, action_id: str) -> None:
    root = f"/internal/v1/orgs/{org_id}"
    execution = str(uuid.uuid4())
    dispatcher.answers[f"{root}/deliveries/{execution}/redeliver"] = httpx.Response(
        202, json={"executionId": execution}
    )
    answer = httpx.Response(200, json={"count": 1, "more": False})
    dispatcher.answers[f"{root}/deliveries/redeliver"] = answer
    noted = {"action": "redelivery.requested"}
    one = "POST /v1/deliveries/{execution_id}/redeliver"
    await walk(admin, one, **noted, execution_id=execution)
    await walk(admin, "POST /v1/deliveries/redeliver", {"endpointId": "7"}, **noted)
    dispatcher.answers[f"{root}/actions/{action_id}/trials"] = httpx.Response(200, json=TRIAL)
    test = "POST /v1/actions/{action_id}/test-requests"
    await walk(admin, test, {}, action="test_request.sent", action_id=action_id)
    for step, action in (("pause", "pause"), ("resume", "resumption")):
        dispatcher.answers[f"{root}/endpoints/7/{step}"] = httpx.Response(200, json=ENDPOINT)
        await walk(
            admin,
            f"POST /v1/endpoints/{{endpoint_id}}/{step}",
            {"reason": "r"} if step == "pause" else None,
            action=f"endpoint_{action}.requested",
            endpoint_id="7",
        )


async def _exchanges(walk: Walk, admin: Any, dispatcher: Any, root: str, bank: str) -> None:
    told = api_examples("hash-bank")["addExchange"]["answers"]
    for path in ("", "/3/credentials", "/3/pause"):
        dispatcher.answers[f"{root}{path}"] = httpx.Response(200, json=told)
    dispatcher.answers[f"{root}/3/removal"] = httpx.Response(200, json={"removed": True})
    one = "/v1/hash-banks/{bank_id}/exchanges"
    done, ids = "hash-bank.exchange", {"bank_id": bank}
    await walk(admin, f"POST {one}", {"kind": "STOP_NCII"}, action=f"{done}-added", **ids)
    ids |= {"exchange_id": "3"}
    path, given = f"{one}/{{exchange_id}}", {"apiToken": "t"}
    await walk(admin, f"PUT {path}/credentials", given, action=f"{done}-credentials-set", **ids)
    for step in ("pause", "resume"):
        await walk(admin, f"POST {path}/{step}", action=f"{done}-{step}d", **ids)
    await walk(admin, f"DELETE {path}", action=f"{done}-removed", **ids)


async def _hashes(
    walk: Walk, admin: Any, kit: Any, dispatcher: Any, org_id: str, context: Any
) -> None:
    bank = (await admin.make("/v1/hash-banks", {"name": "Known", "enabledRatio": 1}))["id"]
    root, ids = f"/internal/v1/orgs/{org_id}/hash-banks/{bank}", {"bank_id": bank}
    hashed = {"added": 1, "known": 0, "pdq": None, "md5": "0" * 32, "quality": None}
    for path, told in (
        ("hashes", {"added": 1, "known": 0}),
        ("changes", {"changed": 1}),
        ("files", hashed),
    ):
        dispatcher.answers[f"{root}/{path}"] = httpx.Response(200, json=told)
    one, noted = "POST /v1/hash-banks/{bank_id}", {"action": "hash-bank.extended"} | ids
    digits = "0" * 32
    await walk(admin, f"{one}/hashes", {"hashes": [{"hash": digits}]}, **noted)
    csv = File("text/csv", digits.encode())
    await walk(admin, f"{one}/hashes/import", csv, **noted)
    file = File("application/octet-stream", picture())
    await walk(admin, f"{one}/files", file, **noted)
    change = {"ids": ["1"], "state": "DISABLED"}
    await walk(admin, f"{one}/hashes/changes", change, action="hash-bank.changed", **ids)
    await _exchanges(walk, admin, dispatcher, f"{root}/exchanges", bank)
    seen = f"/internal/v1/orgs/{org_id}/seen-media/copies"
    none: dict[str, Any] = {"copies": [], "next": None}
    dispatcher.answers[seen] = httpx.Response(200, json=none)
    dispatcher.answers[f"{seen}/count"] = httpx.Response(200, json={"media": 1, "items": 1})
    span = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    queue = await admin.make("/v1/queues", {"name": "Copies", "openToEveryone": True})
    queued = {"hash": digits, "items": 1, "queueId": queue["id"], **span}
    await walk(admin, f"{one}/copies/jobs", queued, action="hash-bank.copies-queued", **ids)
    photo = kit.item_type("Photo", fields=[{"name": "photo", "type": "IMAGE"}], fieldRoles={})
    made = await admin.make("/v1/item-types", photo)
    queue = await admin.make("/v1/queues", {"name": "Photos", "openToEveryone": True})
    async with hosting() as host:
        world = MediaWorld(admin, context, org_id, host, made["id"], queue["id"])
        _, ref = await world.shown()
        await walk(admin, f"{one}/media", {"ref": ref}, **noted)


async def _cybertips(walk: Walk, admin: Any, dispatcher: Any, org_id: str) -> None:
    told = api_examples("cybertip")["retryCybertip"]["answers"]
    tip = told["cybertip"]["id"]
    base = f"/internal/v1/orgs/{org_id}/cybertips/{tip}"
    hold = {"reason": "Case 1"}
    asked = {"ground": "LAW_ENFORCEMENT", "reason": "Case 1"}
    for route, body, action, path in (
        ("POST retry", {}, "retried", "retry"),
        ("PUT hold", hold, "held", "hold"),
        ("DELETE hold", None, "hold-lifted", "hold/lift"),
        ("POST destruction", asked, "destruction-asked", "destruction"),
        ("POST destruction/confirm", None, "destruction-confirmed", "destruction/confirm"),
        ("POST destruction/refuse", None, "destruction-refused", "destruction/refuse"),
    ):
        dispatcher.answers[f"{base}/{path}"] = httpx.Response(200, json=told)
        method, end = route.split(" ")
        named = f"{method} /v1/cybertips/{{cybertip_id}}/{end}"
        await walk(admin, named, body, action=f"cybertip.{action}", cybertip_id=tip)
