"""Identity providers as documents: what may be saved, what is shown, who may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import Permission, Role
from coop_review_api.configuration.table import config_current, config_log
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

PATH = "/v1/identity-providers"
OIDC = {
    "scheme": "OIDC",
    "name": "Google",
    "issuer": "https://accounts.example.com",
    "clientId": "coop",
    "clientSecret": "very-secret-value",
    "enabled": False,  # nobody asks whether it is there
}


async def test_metadata_is_read_shown_and_saved(admin: Any, idp: Any, browse: Any) -> None:
    """Pasted metadata says the same before it is saved and after, with what a person compares."""
    read = await admin.call(
        "POST", "/v1/identity-provider-metadata", {"metadataXml": idp.metadata()}
    )
    assert read.status_code == 200
    shown = read.json()
    assert (shown["entityId"], shown["ssoUrl"]) == (idp.entity_id, idp.sso_url)
    (certificate,) = shown["certificates"]
    assert certificate["pem"] == idp.pair.certificate
    assert certificate["subject"] == "CN=idp"
    assert len(certificate["fingerprint"]) == 64
    made = await admin.make(PATH, {"scheme": "SAML", "name": "Okta", "metadataXml": idp.metadata()})
    assert {name: made[name] for name in shown} == shown
    ours = made["serviceProvider"]
    assert ours["signInUrl"] == f"http://review/v1/sso/{made['id']}/start"
    listed = (await admin.call("GET", PATH)).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    read = (await admin.call("GET", f"{PATH}/{made['id']}")).json()
    assert read.pop("createdBy") == admin.user_id
    assert {name: made[name] for name in read if not name.startswith("created")} == {
        name: value for name, value in read.items() if not name.startswith("created")
    }
    by_hand = {
        "scheme": "SAML",
        "name": "By hand",
        "entityId": idp.entity_id,
        "ssoUrl": idp.sso_url,
        "certificates": [idp.pair.certificate],
    }
    again = await admin.make(PATH, by_hand)
    assert {name: again[name] for name in shown} == shown


@dataclass
class Web:
    """A web server: what is where, and what was asked for."""

    base: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[Web]:
    """On a port of its own; `/redirect` leads to `/metadata`."""
    found = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = found.pages.get(self.path, b"")
            self.send_response(302 if self.path == "/redirect" else 200 if body else 404)
            self.send_header("location", "/metadata")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    thread.join(10)
    server.server_close()


async def test_metadata_is_fetched(admin: Any, idp: Any, web: Web) -> None:
    """From its address, through the egress guard, and again when it is sent again; an address in
    our network, one that fails, and one that redirects are faults."""
    web.pages["/metadata"] = idp.metadata().encode()
    body = {"scheme": "SAML", "name": "Okta", "metadataUrl": f"{web.base}/metadata"}
    made = await admin.make(PATH, body)
    assert made["entityId"] == idp.entity_id
    assert made["metadataUrl"] == body["metadataUrl"]
    web.pages["/metadata"] = idp.metadata(sso_url="https://idp.example/new").encode()
    again = await admin.call("PUT", f"{PATH}/{made['id']}", body)
    assert again.json()["ssoUrl"] == "https://idp.example/new"
    assert web.asked == ["/metadata", "/metadata"]
    web.pages["/large"] = b"<r>" + b"x" * 300_000 + b"</r>"
    for url in (
        f"{web.base}/gone",
        f"{web.base}/redirect",
        f"{web.base}/large",
        "http://localhost:1/metadata",
        "http://idp.example/metadata",
        "https://10.0.0.1/metadata",
        "https://[::ffff:169.254.169.254]/metadata",
        "file:///etc/passwd",
    ):
        answer = await admin.call("POST", PATH, {**body, "metadataUrl": url})
        assert answer.status_code == 422, url
        assert answer.json()["errors"][0]["pointer"] == "/metadataUrl"
    assert web.asked.count("/metadata") == 2


async def test_metadata_that_cannot_be_used(admin: Any, idp: Any, tools: Any, clock: Any) -> None:
    """Entities, scripts, missing parts, weak keys: each a fault of the metadata."""
    good = idp.metadata()
    weak = tools.idp(clock, pair=tools.pair("weak", bits=1024)).metadata()
    for bad in (
        '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + good.partition("?>")[2],
        idp.metadata(more="<!-- a comment -->"),
        idp.metadata(sso_url="javascript:alert(1)"),
        idp.metadata(sso_url="http://idp.example/sso"),
        good.replace(idp.entity_id, ""),
        good.replace("HTTP-Redirect", "SOAP"),
        good.replace("IDPSSODescriptor", "SPSSODescriptor"),
        good.replace('use="signing"', 'use="encryption"'),
        good.replace("SAML:2.0:protocol", "SAML:1.1:protocol"),
        good.replace("MII", "!!!"),
        weak,
        "<r/>",
        "not xml",
    ):
        answer = await admin.call("POST", "/v1/identity-provider-metadata", {"metadataXml": bad})
        assert answer.status_code == 422, bad[:300]
        assert answer.json()["errors"][0]["pointer"] == "/metadataXml"


async def test_what_a_document_must_say(admin: Any, idp: Any, tools: Any, kit: Any) -> None:
    """Every scheme needs its own fields and none of the other's; names are unique."""
    by_hand = {
        "scheme": "SAML",
        "name": "By hand",
        "entityId": idp.entity_id,
        "ssoUrl": idp.sso_url,
        "certificates": [idp.pair.certificate],
    }
    weak = tools.pair("weak", bits=1024).certificate
    cases: list[tuple[str, dict[str, Any]]] = [
        ("/entityId", {**by_hand, "entityId": None}),
        ("/ssoUrl", {**by_hand, "ssoUrl": "http://idp.example/sso"}),
        ("/certificates", {**by_hand, "certificates": []}),
        ("/certificates/1", {**by_hand, "certificates": [idp.pair.certificate, "no"]}),
        ("/certificates/0", {**by_hand, "certificates": [weak]}),
        ("/issuer", {**by_hand, "issuer": "https://accounts.example.com"}),
        ("/entityId", {**by_hand, "metadataXml": idp.metadata()}),
        (
            "/metadataXml",
            {
                "scheme": "SAML",
                "name": "S",
                "metadataXml": idp.metadata(),
                "metadataUrl": "https://idp.example/metadata",
            },
        ),
        ("/issuer", {**OIDC, "issuer": "http://accounts.example.com"}),
        ("/issuer", {**OIDC, "issuer": "https://accounts.example.com?x=1"}),
        ("/issuer", {**OIDC, "issuer": "https://10.1.2.3"}),
        ("/clientId", {**OIDC, "clientId": None}),
        ("/ssoUrl", {**OIDC, "ssoUrl": idp.sso_url}),
        ("/scheme", {**OIDC, "scheme": "LDAP"}),
        ("/orgId", {**OIDC, "orgId": "another"}),
        ("/id", {**OIDC, "id": "mine"}),
    ]
    for pointer, body in cases:
        assert pointer in kit.pointers(await admin.call("POST", PATH, body)), body
    await admin.make(PATH, OIDC)
    assert (await admin.call("POST", PATH, OIDC)).status_code == 409


async def test_a_clients_secret_is_never_seen_again(admin: Any, engine: Any, context: Any) -> None:
    """It is ciphertext at rest and on the topic, bound to its document, and in no answer."""
    made = await admin.make(PATH, OIDC)
    path = f"{PATH}/{made['id']}"
    assert made["hasClientSecret"] is True
    answers = [
        (await admin.call("GET", PATH)).text,
        (await admin.call("GET", path)).text,
        (await admin.call("GET", f"{path}/revisions")).text,
        (await admin.call("PUT", path, {**OIDC, "clientSecret": "another-secret"})).text,
        (await admin.call("GET", f"{path}/revisions/{made['revision']}/changes")).text,
    ]
    async with transaction(engine) as connection:
        stored = await connection.scalar(
            select(config_current.c.document["clientSecret"].astext).where(
                config_current.c.id == made["id"]
            )
        )
        log = str(list(await connection.execute(select(config_log.c.document))))
        sent = b"".join(await connection.scalars(select(outbox.c.value)))
    bound = f"{(await admin.call('GET', '/v1/session')).json()['org']['id']}/identity-provider/"
    assert context.vault.decrypt(stored, context=bound + made["id"]) == "another-secret"
    for secret in ("very-secret-value", "another-secret", stored):
        assert all(secret not in answer for answer in answers)
    assert "very-secret-value" not in log
    assert b"very-secret-value" not in sent
    kept = {name: value for name, value in OIDC.items() if name != "clientSecret"}
    assert (await admin.call("PUT", path, kept)).json()["hasClientSecret"] is True
    forgotten = await admin.call("PUT", path, {**kept, "clientSecret": ""})
    assert forgotten.json()["hasClientSecret"] is False


async def test_a_secret_does_not_follow_a_change_of_scheme(admin: Any, idp: Any) -> None:
    """A document that becomes SAML loses its client's secret; taken back, it has none."""
    made = await admin.make(PATH, OIDC)
    path = f"{PATH}/{made['id']}"
    saml = {"scheme": "SAML", "name": "Okta", "metadataXml": idp.metadata()}
    assert (await admin.call("PUT", path, saml)).json()["hasClientSecret"] is False
    kept = {name: value for name, value in OIDC.items() if name != "clientSecret"}
    assert (await admin.call("PUT", path, kept)).json()["hasClientSecret"] is False


async def test_whoever_sets_one_up_holds_all_that_anybody_holds(
    admin: Any, sign_in: Any, idp: Any
) -> None:
    """With a provider of one's own one could sign in as an admin: MANAGE_ORG alone is too
    little."""
    role = {
        "name": "Settings",
        "permissions": [str(Permission.MANAGE_ORG), str(Permission.VIEW_MRT)],
    }
    made = await admin.make("/v1/roles", role)
    person = await sign_in(made["id"])
    body = {"scheme": "SAML", "name": "Mine", "metadataXml": idp.metadata()}
    assert (await person.call("POST", PATH, body)).status_code == 403
    there = await admin.make(PATH, body)
    path = f"{PATH}/{there['id']}"
    assert (await person.call("GET", path)).status_code == 200
    assert (await person.call("PUT", path, body)).status_code == 403
    assert (await person.call("DELETE", path)).status_code == 403
    restore = f"{path}/revisions/{there['revision']}/restore"
    assert (await person.call("POST", restore)).status_code == 403
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("GET", PATH)).status_code == 403


async def test_a_provider_that_is_off_or_gone_opens_nothing(
    admin: Any, browser: Any, idp: Any, tools: Any, member: Any, saml: Any
) -> None:
    """Turned off or deleted, a provider takes neither a start nor the answer of one before."""
    path = f"{PATH}/{saml['id']}"
    body = {"scheme": "SAML", "name": "Okta", "metadataXml": idp.metadata()}
    to = tools.asked(await browser.begin())
    form = {"SAMLResponse": "x", "RelayState": to.relay_state}
    base = f"/v1/sso/{saml['id']}"
    await admin.call("PUT", path, {**body, "enabled": False})
    for _ in range(2):
        for what in ("start", "metadata", "finish", "callback"):
            assert (await browser.http.get(f"{base}/{what}")).status_code == 404
        assert (await browser.http.post(f"{base}/acs", data=form)).status_code == 404
        await admin.call("DELETE", path)


async def test_certificates_that_are_over(
    admin: Any, idp: Any, tools: Any, clock: Any, web: Web
) -> None:
    """A provider none of whose certificates is valid now signs nobody in: a fault, unless it is
    turned off. One that is valid is enough."""
    over = tools.pair("over", days=-1)
    old = tools.idp(clock, pair=over)
    web.pages["/metadata"] = old.metadata().encode()
    by_hand = {"entityId": idp.entity_id, "ssoUrl": idp.sso_url}
    sources: list[tuple[str, dict[str, Any]]] = [
        ("/metadataXml", {"metadataXml": old.metadata()}),
        ("/metadataUrl", {"metadataUrl": f"{web.base}/metadata"}),
        ("/certificates", {**by_hand, "certificates": [over.certificate]}),
    ]
    for pointer, source in sources:
        body = {"scheme": "SAML", "name": "Old", **source}
        answer = await admin.call("POST", PATH, body)
        assert answer.status_code == 422, pointer
        assert answer.json()["errors"][0]["pointer"] == pointer
    both = [over.certificate, idp.pair.certificate]
    await admin.make(PATH, {"scheme": "SAML", "name": "Both", **by_hand, "certificates": both})
    await admin.make(PATH, {**body, "enabled": False})
