"""An account with a provider is tried out by who manages it; the provider is a server of ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_review_api.kernel import audit
from coop_review_api.kernel.schema import audit_log
from coop_review_api.signal.trial import AccountTrialLimits
from coop_runtime.database.engine import transaction
from coop_runtime.egress.guard import EgressGuard
from coop_signals import load
from coop_signals.trial import AccountTrials

from ..media.media_world import Host, hosting
from ..world.application import application_of, client_of

pytestmark = pytest.mark.engines

KEY = "sk-very-secret-value"
PATH = "/v1/integrations/OPEN_AI"
ASKED = "/v1/moderations"


def said(status: int, body: Any) -> bytes:
    content = json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content


GOOD = said(200, {"results": [{"category_scores": {"hate": 0.1}}]})


@pytest.fixture
async def provider() -> AsyncIterator[Host]:
    async with hosting() as host:
        host.answers[ASKED] = GOOD
        yield host


@pytest.fixture
async def person(admin: Any, context: Any, provider: Host) -> AsyncIterator[Any]:
    """The administrator, where the provider's address is that server."""
    settings = context.settings.model_copy(update={"signal_open_ai_url": provider.url("")})
    trials = AccountTrials(settings, EgressGuard(["127.0.0.1"]), context.vault, load())
    parts = {**context.parts, AccountTrials: trials, AccountTrialLimits: AccountTrialLimits()}
    other = replace(context, parts=MappingProxyType(parts))
    async with client_of(application_of(other), other) as client:
        client.cookies, client.headers = admin.http.cookies, admin.http.headers
        yield replace(admin, http=client)


async def test_what_is_wrong_is_told_and_never_the_secret(
    person: Any, provider: Host, engine: Any, org: Any
) -> None:
    """The account is tried as it is stored; the provider's words are not repeated; who tried it is
    on record, and no secret is."""
    assert (await person.call("POST", f"{PATH}/trial")).status_code == 404
    made = await person.call("PUT", PATH, {"credential": {"apiKey": KEY}, "enabled": False})
    assert made.status_code == 200, made.text
    tried = await person.call("POST", f"{PATH}/trial")
    assert (tried.status_code, tried.json()) == (200, {"verdict": "OK", "reason": None})
    provider.answers[ASKED] = said(401, {"error": f"wrong key {KEY}"})
    refused = await person.call("POST", f"{PATH}/trial")
    assert refused.json()["verdict"] == "REFUSED"
    assert KEY not in refused.text
    assert provider.asked == [ASKED, ASKED]
    assert (await person.call("GET", PATH)).json()["account"]["enabled"] is False
    async with transaction(engine) as connection:
        rows = (
            await connection.execute(
                select(audit_log.c.actor, audit_log.c.target_id, audit_log.c.detail).where(
                    audit_log.c.org_id == org.org_id, audit_log.c.action == "integration.tried"
                )
            )
        ).all()
    assert [(row.actor, row.target_id) for row in rows] == [(person.user_id, "OPEN_AI")] * 2
    assert KEY not in str(rows)


async def test_it_is_tried_so_often_and_no_more(
    person: Any, provider: Host, clock: Any, engine: Any, org: Any
) -> None:
    """After a few in a minute nobody is asked any more, and after it again."""
    await person.call("PUT", PATH, {"credential": {"apiKey": KEY}})
    for _ in range(AccountTrialLimits().a_minute):
        assert (await person.call("POST", f"{PATH}/trial")).status_code == 200
    asked = len(provider.asked)
    async with transaction(engine) as connection:
        # Whatever else is in the audit log meanwhile.
        for _ in range(1100):
            await audit.record(
                connection, org_id=org.org_id, actor="x", action="job.viewed", time=clock()
            )
    refused = await person.call("POST", f"{PATH}/trial")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert len(provider.asked) == asked
    clock.forward(minutes=2)
    assert (await person.call("POST", f"{PATH}/trial")).status_code == 200


async def test_who_may_not_edit_it_does_not_try_it(
    admin: Any, sign_in: Any, kit: Any, provider: Host
) -> None:
    """Only who manages the organisation; another organisation has no such account."""
    await admin.call("PUT", PATH, {"credential": {"apiKey": KEY}})
    manager = await sign_in(Role.RULES_MANAGER)
    assert (await manager.call("POST", f"{PATH}/trial")).status_code == 403
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await stranger.call("POST", f"{PATH}/trial")).status_code == 404
    assert provider.asked == []
