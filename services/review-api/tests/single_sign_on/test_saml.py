"""SAML, as an honest provider and an honest browser do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from signxml.algorithms import SignatureMethod
from sqlalchemy import select, update

from coop_review_api.directory.table import users
from coop_review_api.kernel.schema import audit_log
from coop_review_api.people.table import sessions
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def test_a_person_signs_in(
    browser: Any, idp: Any, tools: Any, member: Any, engine: Any, org: Any
) -> None:
    """A signed assertion, or an assertion in a signed response, opens the account of its address,
    takes the browser to the page it wanted, and leaves an audit row."""
    for sign in ("assertion", "response", "both"):
        browser.http.cookies.clear()
        to = tools.asked(await browser.begin(returnTo="/queues/1?tab=2#top"))
        response = idp.respond(to, member.email.upper(), sign=sign)
        ticket = await browser.post(response, to.relay_state)
        assert ticket.startswith(f"http://review/v1/sso/{browser.provider_id}/finish?ticket=")
        assert await browser.land(ticket) == "http://console/queues/1?tab=2#top"
        assert await browser.who() == member.email
    async with transaction(engine) as connection:
        row = (
            await connection.execute(
                select(audit_log)
                .where(audit_log.c.org_id == org.org_id, audit_log.c.action == "session.created")
                .order_by(audit_log.c.audit_id.desc())
                .limit(1)
            )
        ).one()
        method = await connection.scalar(
            select(sessions.c.method)
            .where(sessions.c.user_id == member.user_id)
            .order_by(sessions.c.created_at.desc())
            .limit(1)
        )
    assert (row.actor, row.target_id) == (member.user_id, browser.provider_id)
    assert row.detail["method"] == method == "SINGLE_SIGN_ON"


async def test_the_request_says_what_the_provider_needs(
    browser: Any, idp: Any, tools: Any, saml: Any
) -> None:
    """The AuthnRequest goes to the provider's address, parameters kept, and names us as our
    metadata does."""
    url = await browser.begin()
    assert url.startswith(f"{idp.sso_url}&SAMLRequest=")
    to = tools.asked(url)
    assert to.destination == idp.sso_url
    assert to.issuer == saml["serviceProvider"]["entityId"]
    answer = await browser.http.get(to.issuer)
    assert answer.headers["content-type"].startswith("application/samlmetadata+xml")
    root = etree.fromstring(answer.content)
    assert root.get("entityID") == to.issuer
    (consumer,) = root.iter("{*}AssertionConsumerService")
    assert consumer.get("Location") == to.acs == saml["serviceProvider"]["acsUrl"]


async def test_the_address_may_be_an_attribute(
    admin: Any, browse: Any, idp: Any, tools: Any, member: Any
) -> None:
    """With `emailAttribute` that attribute's one value counts, not the name identifier."""
    body = {"scheme": "SAML", "name": "By attribute", "metadataXml": idp.metadata()}
    made = await admin.make("/v1/identity-providers", {**body, "emailAttribute": "mail"})
    browser = browse(made["id"])

    def said(*values: str) -> dict[str, str]:
        each = "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        inside = f'<saml:Attribute Name="mail">{each}</saml:Attribute>'
        return {"attributes": f"<saml:AttributeStatement>{inside}</saml:AttributeStatement>"}

    to = tools.asked(await browser.begin())
    response = idp.respond(to, "opaque-id-1", **said(member.email))
    await browser.land(await browser.post(response, to.relay_state))
    assert await browser.who() == member.email
    for attributes in (said("a@b.example", member.email), said(), {}):
        to = tools.asked(await browser.begin())
        left = await browser.post(idp.respond(to, member.email, **attributes), to.relay_state)
        assert tools.outcome(left) == "refused"


async def test_elliptic_curves_sign_too(
    admin: Any, browse: Any, clock: Any, tools: Any, member: Any
) -> None:
    """ECDSA with SHA-256 is taken."""
    idp = tools.idp(
        clock, pair=tools.pair("curve", curve=True), method=SignatureMethod.ECDSA_SHA256
    )
    body = {"scheme": "SAML", "name": "Curve", "metadataXml": idp.metadata()}
    browser = browse((await admin.make("/v1/identity-providers", body))["id"])
    to = tools.asked(await browser.begin())
    await browser.land(await browser.post(idp.respond(to, member.email), to.relay_state))
    assert await browser.who() == member.email


async def test_a_new_session_ends_the_old_one(
    browser: Any, idp: Any, tools: Any, member: Any, admin: Any
) -> None:
    """The session that the browser came with is over, and its token is not the new one's."""
    old = admin.http.cookies["coop_session"]
    browser.http.cookies.set("coop_session", old)
    to = tools.asked(await browser.begin())
    await browser.land(await browser.post(idp.respond(to, member.email), to.relay_state))
    assert await browser.who() == member.email
    assert (await admin.call("GET", "/v1/session")).status_code == 401


async def test_two_tabs_do_not_disturb_each_other(
    browser: Any, idp: Any, tools: Any, member: Any
) -> None:
    """Of two flows begun in one browser the first still ends well."""
    first = tools.asked(await browser.begin())
    tools.asked(await browser.begin())
    await browser.land(await browser.post(idp.respond(first, member.email), first.relay_state))
    assert await browser.who() == member.email


async def test_only_active_accounts_are_opened(
    browser: Any, idp: Any, tools: Any, member: Any, engine: Any, reasons: Any
) -> None:
    """An account that is not active is not opened, whatever the provider says."""
    for status in ("DISABLED", "PENDING", "REJECTED", "REMOVED"):
        async with transaction(engine) as connection:
            await connection.execute(
                update(users).where(users.c.user_id == member.user_id).values(status=status)
            )
        to = tools.asked(await browser.begin())
        left = await browser.post(idp.respond(to, member.email), to.relay_state)
        assert tools.outcome(left) == "no-account"
    assert await reasons() == ["inactive"] * 4


async def test_an_account_disabled_on_the_way_stays_shut(
    browser: Any, idp: Any, tools: Any, member: Any, engine: Any
) -> None:
    """Between the provider's word and the session the account is looked at again."""
    to = tools.asked(await browser.begin())
    ticket = await browser.post(idp.respond(to, member.email), to.relay_state)
    async with transaction(engine) as connection:
        await connection.execute(
            update(users).where(users.c.user_id == member.user_id).values(status="DISABLED")
        )
    assert tools.outcome(await browser.land(ticket)) == "no-account"
    assert await browser.who() is None


async def test_nobody_is_made_by_a_provider(
    browser: Any, idp: Any, tools: Any, engine: Any, org: Any
) -> None:
    """An address without an account stays without one."""
    to = tools.asked(await browser.begin())
    left = await browser.post(idp.respond(to, "stranger@acme.example"), to.relay_state)
    assert tools.outcome(left) == "no-account"
    async with transaction(engine) as connection:
        found = await connection.scalar(
            select(users.c.user_id).where(users.c.email == "stranger@acme.example")
        )
    assert found is None


async def test_a_little_skew_is_forgiven(
    browser: Any, idp: Any, tools: Any, member: Any, clock: Any
) -> None:
    """A provider whose clock is half a minute ahead is believed."""
    to = tools.asked(await browser.begin())
    response = idp.respond(to, member.email, not_before=clock() + timedelta(seconds=30))
    await browser.land(await browser.post(response, to.relay_state))
    assert await browser.who() == member.email
