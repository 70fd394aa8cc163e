"""Alarms: what is done about them, who is told, once."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.config import Kind, Rule, RuleStatus
from coop_contracts.event import EndpointChanged, RuleRef, RuleTripped
from coop_contracts.permission import Role
from coop_review_api.configuration import log
from coop_review_api.kernel.schema import audit_log, outbox
from coop_review_api.notification import kind, store
from coop_review_api.notification.alarm import Alarms
from coop_review_api.notification.kind import NotificationKind
from coop_review_api.notification.table import mails
from coop_review_api.notification.words import render, text_of
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

pytestmark = pytest.mark.engines


def received(event: Any) -> Received[Any]:
    return Received(event, b"key", event.topic, 0, 0, {}, -1)


def tripped(org_id: str, rule: dict[str, Any], **fields: Any) -> RuleTripped:
    values: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "org_id": org_id,
        "time": datetime.now(UTC),
        "correlation_id": "c-1",
        "rule": RuleRef(rule["id"], rule["name"], rule["revision"]),
        "measure": "ACTIONS",
        "limit": 100,
        "count": 101,
        "window": 60,
    }
    return RuleTripped(**{**values, **fields})


def paused(org_id: str, **fields: Any) -> EndpointChanged:
    values: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "org_id": org_id,
        "time": datetime.now(UTC),
        "correlation_id": "c-1",
        "endpoint": "https://platform.example:443",
        "state": "PAUSED",
        "reason": "no answer for 3 days",
        "failing_since": datetime(2026, 3, 1, tzinfo=UTC),
        "waiting": 12,
    }
    return EndpointChanged(**{**values, **fields})


@pytest.fixture
def alarms(engine: Any, clock: Any) -> Alarms:
    return Alarms(engine, clock=clock, mail=True)


@pytest.fixture
async def live(admin: Any, kit: Any) -> dict[str, Any]:
    """A LIVE rule."""
    post = await admin.make("/v1/item-types", kit.item_type())
    made: dict[str, Any] = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    return made


async def rule_now(engine: Any, org_id: str, rule_id: str) -> Any:
    async with transaction(engine) as connection:
        return await log.read(connection, org_id, Kind.RULE, Rule, rule_id)


async def mailed(engine: Any, org_id: str) -> list[Any]:
    async with transaction(engine) as connection:
        found = await connection.execute(
            select(mails).where(mails.c.org_id == org_id).order_by(mails.c.recipient)
        )
        return list(found.all())


async def told(person: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await person.call("GET", "/v1/notifications")).json()["items"]
    return items


async def test_a_tripped_rule_acts_no_more_and_people_know(
    alarms: Alarms, engine: Any, org: Any, admin: Any, sign_in: Any, live: Any
) -> None:
    """The rule is in BACKGROUND, by `blast-radius`, on the log and in the audit; those who may
    change live rules are notified and mailed, others are not."""
    manager, moderator = await sign_in(Role.RULES_MANAGER), await sign_in(Role.MODERATOR)
    await alarms.tripped([received(tripped(org.org_id, live))])
    entry = await rule_now(engine, org.org_id, live["id"])
    assert entry.document.status is RuleStatus.BACKGROUND
    assert entry.author == "blast-radius"
    assert entry.revision == live["revision"] + 1
    (note,) = await told(manager)
    assert note["kind"] == "RULE_TRIPPED"
    assert note["data"] == {
        "ruleId": live["id"],
        "ruleName": live["name"],
        "measure": "ACTIONS",
        "count": 101,
        "limit": 100,
        "window": 60,
        "stopped": True,
        "revision": live["revision"] + 1,
    }
    assert note["readAt"] is None
    assert await told(moderator) == []
    recipients = [mail.recipient for mail in await mailed(engine, org.org_id)]
    assert {manager.email, admin.email} <= set(recipients)
    assert moderator.email not in recipients
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(audit_log.c.action, audit_log.c.target_id, audit_log.c.detail).where(
                audit_log.c.org_id == org.org_id, audit_log.c.actor == "blast-radius"
            )
        )
        audit = {row.action: row for row in rows}
        published = await connection.execute(select(outbox.c.value))
        values = [bytes(value) for (value,) in published]
    assert set(audit) == {"config.saved", "rule.tripped"}
    assert audit["rule.tripped"].target_id == live["id"]
    assert audit["rule.tripped"].detail["stopped"] is True
    assert any(live["id"].encode() in value and b"blast-radius" in value for value in values)


async def test_an_alarm_that_comes_again_changes_nothing(
    alarms: Alarms, engine: Any, org: Any, admin: Any, live: Any
) -> None:
    """The same event, the same from another process, at once or later: one stop, one notification,
    one mail each."""
    events = [tripped(org.org_id, live), tripped(org.org_id, live, measure="USERS")]
    await asyncio.gather(*(alarms.tripped([received(one)]) for one in events * 3))
    await alarms.tripped([received(one) for one in events])
    assert (await rule_now(engine, org.org_id, live["id"])).revision == live["revision"] + 1
    assert len(await told(admin)) == 1
    recipients = [mail.recipient for mail in await mailed(engine, org.org_id)]
    assert len(recipients) == len(set(recipients))


async def test_a_rule_that_was_changed_since_is_left_to_people(
    alarms: Alarms, engine: Any, org: Any, admin: Any, live: Any
) -> None:
    """An alarm about an older revision stops nothing; it is told all the same."""
    body = {
        key: live[key] for key in ("name", "status", "itemTypeIds", "conditionSet", "description")
    }
    changed = await admin.call(
        "PUT", f"/v1/rules/{live['id']}", {**body, "description": "calmer now"}
    )
    assert changed.status_code == 200, changed.text
    await alarms.tripped([received(tripped(org.org_id, live))])
    entry = await rule_now(engine, org.org_id, live["id"])
    assert entry.document.status is RuleStatus.LIVE
    assert entry.revision == changed.json()["revision"]
    (note,) = await told(admin)
    assert note["data"]["stopped"] is False
    assert note["data"]["revision"] is None


async def test_a_rule_made_live_again_can_trip_again(
    alarms: Alarms, engine: Any, org: Any, admin: Any, live: Any
) -> None:
    """A new revision is a new alarm."""
    await alarms.tripped([received(tripped(org.org_id, live))])
    body = {key: live[key] for key in ("name", "itemTypeIds", "conditionSet", "description")}
    again = await admin.call("PUT", f"/v1/rules/{live['id']}", {**body, "status": "LIVE"})
    await alarms.tripped([received(tripped(org.org_id, again.json()))])
    entry = await rule_now(engine, org.org_id, live["id"])
    assert entry.document.status is RuleStatus.BACKGROUND
    assert len(await told(admin)) == 2


async def test_a_rule_that_is_gone_and_an_organisation_that_is_none(
    alarms: Alarms, org: Any, admin: Any, live: Any
) -> None:
    """A deleted rule is only told of; an unknown organisation is poison, nothing else waits."""
    gone = {**live, "id": str(uuid.uuid4())}
    await alarms.tripped([received(tripped(org.org_id, gone))])
    (note,) = await told(admin)
    assert note["data"]["stopped"] is False
    with pytest.raises(Poison):
        await alarms.tripped([received(tripped("no-such-org", live))])
    with pytest.raises(Poison):
        await alarms.changed([received(paused("no-such-org"))])


async def test_admins_are_told_of_endpoints(
    alarms: Alarms, engine: Any, org: Any, admin: Any, sign_in: Any
) -> None:
    """Pauses and resumptions reach admins, each once, with what is waiting; others not."""
    manager = await sign_in(Role.RULES_MANAGER)
    pause = paused(org.org_id)
    await alarms.changed([received(pause), received(pause)])
    await alarms.changed(
        [received(paused(org.org_id, state="RESUMED", reason="by a person", failing_since=None))]
    )
    resumed, first = await told(admin)
    assert (first["kind"], resumed["kind"]) == ("ENDPOINT_PAUSED", "ENDPOINT_RESUMED")
    assert first["data"] == {
        "endpoint": "https://platform.example:443",
        "reason": "no answer for 3 days",
        "failingSince": "2026-03-01T00:00:00Z",
        "waiting": 12,
    }
    assert await told(manager) == []
    subjects = {mail.subject for mail in await mailed(engine, org.org_id)}
    assert subjects == {
        "Endpoint paused: https://platform.example:443",
        "Endpoint resumed: https://platform.example:443",
    }


async def test_the_organisations_own_address_gets_mails_too(
    alarms: Alarms, engine: Any, org: Any, admin: Any
) -> None:
    """The address in the settings is mailed, once, though it may be a person's as well."""
    settings = (await admin.call("GET", "/v1/settings")).json()
    body = {"name": settings["name"], "email": "On-Call@acme.example"}
    assert (await admin.call("PUT", "/v1/settings", body)).status_code == 200
    await alarms.changed([received(paused(org.org_id))])
    recipients = [mail.recipient for mail in await mailed(engine, org.org_id)]
    assert recipients.count("on-call@acme.example") == 1


async def test_without_a_mail_server_nothing_is_queued(
    engine: Any, clock: Any, org: Any, admin: Any
) -> None:
    """Notifications are there all the same."""
    await Alarms(engine, clock=clock, mail=False).changed([received(paused(org.org_id))])
    assert await mailed(engine, org.org_id) == []
    assert len(await told(admin)) == 1


async def test_the_disabled_are_not_told(
    alarms: Alarms, engine: Any, org: Any, admin: Any, sign_in: Any
) -> None:
    """An account that was disabled gets neither notification nor mail."""
    from sqlalchemy import update

    from coop_review_api.directory.table import users

    former = await sign_in(Role.ADMIN)
    async with transaction(engine) as connection:
        await connection.execute(
            update(users).where(users.c.user_id == former.user_id).values(status="DISABLED")
        )
    await alarms.changed([received(paused(org.org_id))])
    assert former.email not in [mail.recipient for mail in await mailed(engine, org.org_id)]


async def test_reading_and_marking(alarms: Alarms, org: Any, admin: Any) -> None:
    """Pages newest first, the unread are counted, one or all are marked, once."""
    for number in range(5):
        await alarms.changed([received(paused(org.org_id, waiting=number))])
    page = (await admin.call("GET", "/v1/notifications?limit=2")).json()
    assert [one["data"]["waiting"] for one in page["items"]] == [4, 3]
    assert page["unread"] == 5
    more = (
        await admin.call("GET", f"/v1/notifications?limit=9&cursor={page['nextCursor']}")
    ).json()
    assert [one["data"]["waiting"] for one in more["items"]] == [2, 1, 0]
    third = more["items"][0]["id"]
    marked = await admin.call("POST", f"/v1/notifications/{third}/read")
    assert marked.json()["readAt"] is not None
    again = await admin.call("POST", f"/v1/notifications/{third}/read")
    assert again.json()["readAt"] == marked.json()["readAt"]
    upto = page["items"][1]["id"]
    done = await admin.call("POST", "/v1/notifications/read", {"upTo": upto})
    assert done.json() == {"marked": 3}
    left = (await admin.call("GET", "/v1/notifications?unreadOnly=true")).json()
    assert [one["data"]["waiting"] for one in left["items"]] == [4]
    assert left["unread"] == 1
    assert (await admin.call("POST", "/v1/notifications/read", {})).json() == {"marked": 1}


async def test_nobody_reads_or_marks_what_is_anothers(
    alarms: Alarms, org: Any, admin: Any, sign_in: Any, kit: Any
) -> None:
    """Another person's notification, of this organisation or another, is not there."""
    await alarms.changed([received(paused(org.org_id))])
    (note,) = await told(admin)
    for stranger in (
        await sign_in(Role.ADMIN),
        await sign_in(Role.ADMIN, (await kit.make_org()).org_id),
    ):
        assert await told(stranger) == []
        answer = await stranger.call("POST", f"/v1/notifications/{note['id']}/read")
        assert answer.status_code == 404
        assert (await stranger.call("POST", "/v1/notifications/read", {})).json()["marked"] == 0
    assert (await admin.call("GET", "/v1/notifications")).json()["unread"] == 1
    assert (await admin.call("POST", "/v1/notifications/x/read")).status_code == 404


async def test_old_notifications_go(
    alarms: Alarms, engine: Any, org: Any, admin: Any, clock: Any
) -> None:
    """After half a year nobody finds them."""
    await alarms.changed([received(paused(org.org_id))])
    async with transaction(engine) as connection:
        await store.prune(connection, now=clock() + timedelta(days=181))
    assert await told(admin) == []


def test_names_cannot_break_out_of_a_mail() -> None:
    """Line ends in a name stay in the subject's one line; markup stays text."""
    event = tripped("o", {"id": "r", "name": "x\r\nBcc: a@b\n\n<script>\u2028", "revision": 1})
    data = kind.tripped(event, stopped=True, revision=2)
    mail = render(text_of(NotificationKind.RULE_TRIPPED, data), organisation="A & B\n")
    assert mail.subject == "Rule stopped: x Bcc: a@b <script>"
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "A &amp; B" in mail.html
