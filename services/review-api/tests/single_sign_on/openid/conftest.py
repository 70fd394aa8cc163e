"""An OpenID provider run by the tests: honest unless told otherwise.

It checks what a provider has to: one use of a code, redirect URI, client's secret, PKCE.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

SECRET = "s3cret: with/odd characters+"


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_jwk(key: rsa.RSAPrivateKey, key_id: str) -> dict[str, Any]:
    found: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**found, "kid": key_id, "use": "sig"}


@dataclass
class Issued:
    """What a code stands for."""

    redirect_uri: str
    nonce: str
    challenge: str
    email: str
    used: bool = False


@dataclass
class OpenId:
    """`claims` replace what the ID token says (None: leaves out), `sign` makes the token itself,
    `discovery` replaces what the discovery document says."""

    clock: Callable[[], datetime]
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    key_id: str = "key-1"
    client_id: str = "coop"
    secret: str | None = SECRET
    claims: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] | None = None  # by userinfo
    discovery: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] | None = None
    sign: Callable[[dict[str, Any]], str] | None = None
    tokens: dict[str, Any] = field(default_factory=dict)
    issued: dict[str, Issued] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    status: dict[str, int] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    port: int = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def authorize(self, url: str, email: str, **changes: str) -> str:
        """The person signs in at the provider; the address that the browser is sent to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(self.issuer + "/authorize?")
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.issued[code] = Issued(
            query["redirect_uri"], query["nonce"], query["code_challenge"], email
        )
        answer = {"code": code, "state": query["state"], **changes}
        return query["redirect_uri"] + "?" + urlencode(answer)

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        self.asked.append(path)
        if path in self.status:
            return self.status[path], {"error": "server_error"}
        if path in self.raw:
            return 200, self.raw[path]
        match (method, path):
            case ("GET", "/.well-known/openid-configuration"):
                return 200, {
                    "issuer": self.issuer,
                    "authorization_endpoint": self.issuer + "/authorize",
                    "token_endpoint": self.issuer + "/token",
                    "jwks_uri": self.issuer + "/keys",
                    "userinfo_endpoint": self.issuer + "/userinfo",
                    **self.discovery,
                }
            case ("GET", "/keys"):
                return 200, {"keys": self.keys or [public_jwk(self.key, self.key_id)]}
            case ("GET", "/userinfo"):
                assert headers["Authorization"] == "Bearer access"
                return 200, self.said or {}
            case ("POST", "/token"):
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                self.forms.append(form)
                return self.token(form, headers.get("Authorization"))
        return 404, {}

    def token(self, form: dict[str, str], authorization: str | None) -> tuple[int, Any]:
        if self._client(form, authorization) != (self.client_id, self.secret):
            return 401, {"error": "invalid_client"}
        found = self.issued.get(form["code"])
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        if (
            found is None
            or found.used
            or found.redirect_uri != form["redirect_uri"]
            or found.challenge != digest.rstrip(b"=").decode()
        ):
            return 400, {"error": "invalid_grant"}
        found.used = True
        return 200, {
            "id_token": self.id_token(found),
            "access_token": "access",
            "token_type": "Bearer",
            **self.tokens,
        }

    def id_token(self, found: Issued) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "subject",
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": found.nonce,
            "email": found.email,
            "email_verified": True,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id})

    def _client(
        self, form: dict[str, str], authorization: str | None
    ) -> tuple[str | None, str | None]:
        if authorization is None:
            return form.get("client_id"), form.get("client_secret")
        name, _, secret = (
            base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        )
        return unquote(name), unquote(secret)


@pytest.fixture
def openid(clock: Any) -> Iterator[OpenId]:
    """A provider on a port of its own."""
    provider = OpenId(clock)

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            status, body = provider.answer(
                self.command, urlsplit(self.path).path, self.rfile.read(length), self.headers
            )
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = handle_one

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield provider
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
async def client(admin: Any, openid: OpenId) -> dict[str, Any]:
    """The organisation's OpenID provider, as the API shows it."""
    body = {
        "scheme": "OIDC",
        "name": "OpenID",
        "issuer": openid.issuer,
        "clientId": openid.client_id,
        "clientSecret": openid.secret,
    }
    made: dict[str, Any] = await admin.make("/v1/identity-providers", body)
    return made


@pytest.fixture
async def browser(browse: Any, client: dict[str, Any]) -> Any:
    return browse(client["id"])


@pytest.fixture
def keys() -> Any:
    """Makes keys."""

    class Keys:
        new = staticmethod(new_key)
        public = staticmethod(public_jwk)

    return Keys
