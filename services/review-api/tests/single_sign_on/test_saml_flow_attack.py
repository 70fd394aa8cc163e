"""A SAML sign-in attacked from the side: replay, other providers and browsers, old attempts."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from coop_contracts.permission import Role

pytestmark = pytest.mark.engines


async def test_a_replayed_response(
    browser: Any, idp: Any, tools: Any, member: Any, browse: Any
) -> None:
    """The same response again, in this browser or another, finds no attempt that waits for it."""
    to = tools.asked(await browser.begin())
    response = idp.respond(to, member.email)
    await browser.land(await browser.post(response, to.relay_state))
    assert await browser.who() == member.email
    other = browse(browser.provider_id)
    for thief in (browser, other):
        assert tools.outcome(await thief.post(response, to.relay_state)) == "expired"
    fresh = tools.asked(await other.begin())
    assert tools.outcome(await other.post(response, fresh.relay_state)) == "refused"


async def test_the_same_twice_at_once(browser: Any, idp: Any, tools: Any, member: Any) -> None:
    """Of answers, and of tickets, that come several times at once exactly one is taken."""
    to = tools.asked(await browser.begin())
    response = idp.respond(to, member.email)
    left = await asyncio.gather(*(browser.post(response, to.relay_state) for _ in range(4)))
    (ticket,) = [one for one in left if one.startswith("http://review")]
    landed = await asyncio.gather(*(browser.land(ticket) for _ in range(4)))
    assert landed.count("http://console/") == 1
    assert [tools.outcome(one) for one in landed if one != "http://console/"] == ["expired"] * 3


async def test_an_assertion_that_is_used_twice(
    browser: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """An assertion's ID counts once, even where all else fits the second attempt."""
    to = tools.asked(await browser.begin())
    await browser.land(
        await browser.post(idp.respond(to, member.email, assertion_id="_once"), to.relay_state)
    )
    again = tools.asked(await browser.begin())
    response = idp.respond(again, member.email, assertion_id="_once")
    assert tools.outcome(await browser.post(response, again.relay_state)) == "refused"
    assert await reasons() == ["replay"]


async def test_another_organisations_provider(
    browse: Any, idp: Any, tools: Any, member: Any, clock: Any, sign_in: Any, kit: Any, saml: Any
) -> None:
    """The provider of another organisation opens no account of this one, with its own response,
    nor with one that this one's attempt waits for."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    own = tools.idp(clock, entity_id="https://evil.example", pair=tools.pair("evil"))
    body = {"scheme": "SAML", "name": "Evil", "metadataXml": own.metadata()}
    evil = browse((await stranger.make("/v1/identity-providers", body))["id"])
    to = tools.asked(await evil.begin())
    left = await evil.post(own.respond(to, member.email), to.relay_state)
    assert tools.outcome(left) == "no-account"
    victim = browse(saml["id"])
    waiting = tools.asked(await victim.begin())
    left = await victim.post(own.respond(waiting, member.email), waiting.relay_state)
    assert tools.outcome(left) == "refused"
    # An attempt begun at one provider is not answered through another.
    waiting = tools.asked(await victim.begin())
    response = own.respond(waiting, member.email, recipient=to.acs, destination=to.acs)
    left = await victim.post(response, waiting.relay_state, evil.provider_id)
    assert tools.outcome(left) == "expired"
    assert await victim.who() is None


async def test_another_provider_of_the_same_organisation(
    browser: Any, browse: Any, tools: Any, member: Any, clock: Any, admin: Any
) -> None:
    """An attempt is answered by the provider that it was begun at, and by no other."""
    second = tools.idp(clock, entity_id="https://second.example", pair=tools.pair("second"))
    body = {"scheme": "SAML", "name": "Second", "metadataXml": second.metadata()}
    other = browse((await admin.make("/v1/identity-providers", body))["id"])
    there = tools.asked(await other.begin())
    to = tools.asked(await browser.begin())
    fitting = {"audience": there.issuer, "recipient": there.acs, "destination": there.acs}
    response = second.respond(to, member.email, **fitting)
    left = await browser.post(response, to.relay_state, other.provider_id)
    assert tools.outcome(left) == "expired"
    fitting["in_response_to"] = there.id
    response = second.respond(there, member.email, **fitting)
    ticket = await other.post(response, there.relay_state)
    moved = ticket.replace(other.provider_id, browser.provider_id)
    assert tools.outcome(await other.land(moved)) == "expired"
    await other.land(ticket)
    assert await other.who() == member.email


async def test_a_response_that_nobody_asked_for(
    browser: Any, idp: Any, tools: Any, member: Any
) -> None:
    """What a provider sends by itself, without an attempt of ours, is refused."""
    to = tools.asked(await browser.begin())
    for state in (None, "", "unknown", "x" * 5000):
        assert tools.outcome(await browser.post(idp.respond(to, member.email), state)) == "expired"


async def test_an_attempt_grows_old(
    browser: Any, idp: Any, tools: Any, member: Any, clock: Any
) -> None:
    """After ten minutes no answer is taken, a minute after the answer no ticket."""
    to = tools.asked(await browser.begin())
    clock.forward(minutes=10, seconds=1)
    left = await browser.post(idp.respond(to, member.email), to.relay_state)
    assert tools.outcome(left) == "expired"
    to = tools.asked(await browser.begin())
    ticket = await browser.post(idp.respond(to, member.email), to.relay_state)
    clock.forward(minutes=1, seconds=1)
    assert tools.outcome(await browser.land(ticket)) == "expired"


async def test_a_failed_answer_spends_the_attempt(
    browser: Any, idp: Any, tools: Any, member: Any
) -> None:
    """Nobody tries assertion after assertion on one attempt."""
    to = tools.asked(await browser.begin())
    await browser.post(idp.respond(to, member.email, sign="none"), to.relay_state)
    left = await browser.post(idp.respond(to, member.email), to.relay_state)
    assert tools.outcome(left) == "expired"


async def test_login_csrf(
    browser: Any, browse: Any, idp: Any, tools: Any, member: Any, reasons: Any
) -> None:
    """An attacker's own ticket does not sign the attacker's account into another's browser, with
    or without an attempt of its own under way; and it is spent."""
    to = tools.asked(await browser.begin())
    ticket = await browser.post(idp.respond(to, member.email), to.relay_state)
    victim = browse(browser.provider_id)
    assert tools.outcome(await victim.land(ticket)) == "refused"
    assert await victim.who() is None
    assert tools.outcome(await browser.land(ticket)) == "expired"
    assert await reasons() == ["browser"]
    to = tools.asked(await browser.begin())
    ticket = await browser.post(idp.respond(to, member.email), to.relay_state)
    await victim.begin()
    assert tools.outcome(await victim.land(ticket)) == "refused"


async def test_whoever_began_does_not_get_what_another_ended(
    browser: Any, browse: Any, idp: Any, tools: Any, admin: Any
) -> None:
    """An attacker who makes an admin answer the attacker's attempt knows its state and has its
    cookie, and still gets no session: the ticket went to the admin's browser."""
    to = tools.asked(await browser.begin())
    victim = browse(browser.provider_id)
    ticket = await victim.post(idp.respond(to, admin.email), to.relay_state)
    for guess in (to.relay_state, to.id, "", "x" * 43):
        url = f"/v1/sso/{browser.provider_id}/finish?ticket={guess}"
        assert tools.outcome(await browser.land(url)) == "expired"
    assert tools.outcome(await victim.land(ticket)) == "refused"
    assert await browser.who() is None


async def test_forms_that_are_none(browser: Any) -> None:
    """Other kinds of body, and fields given twice, are refused."""
    url = f"/v1/sso/{browser.provider_id}/acs"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response = base64.b64encode(b"<r/>").decode()
    json = await browser.foreign.post(url, json={"SAMLResponse": response})
    assert json.status_code == 415
    twice = await browser.foreign.post(url, content="RelayState=a&RelayState=b", headers=form)
    assert twice.status_code == 400
    many = "&".join(f"f{number}=x" for number in range(50))
    assert (await browser.foreign.post(url, content=many, headers=form)).status_code == 400
    assert (await browser.foreign.post(url, content=b"\xff=\xff", headers=form)).status_code == 400
