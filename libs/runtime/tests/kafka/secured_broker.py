"""A Kafka that asks who one is, for tests: TLS of its own authority, SASL of every mechanism."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coop_local.engine import remembered_port
from coop_local.kafka import Kafka

USER, PASSWORD = "coop", 'p@ss "word, =;'
_HOUR = timedelta(hours=1)

_PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},\
SASL_SSL://127.0.0.1:{sasl_ssl},SASL_PLAINTEXT://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl},\
SIX://[::1]:{six}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{sasl_ssl},\
SASL_PLAINTEXT://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl},SIX://[::1]:{six}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,\
SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SIX:PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
"""
_LOGIN = """
listener.name.{name}.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_coop="{password}";
listener.name.{name}.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{name}.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{name}.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
unsecuredLoginStringClaim_sub="broker";
"""


@dataclass(frozen=True)
class SecuredBroker:
    """Its addresses by listener, and the folder of certificates: `ca.pem`, `client.pem`,
    `client.key`, `stranger.pem` (an authority that signed nothing)."""

    folder: Path
    plain: str
    sasl_ssl: str
    sasl: str
    ssl: str
    six: str


@contextmanager
def secured_broker(folder: Path, cache: Path) -> Iterator[SecuredBroker]:
    """Runs one, with the user of this module in it."""
    make_certificates(folder)
    state = folder / "kafka"
    names = ("sasl_ssl", "sasl", "ssl", "six")
    ports = {name: remembered_port(state / f"{name}-port") for name in names}

    def more() -> str:
        plain, controller = (
            (state / name).read_text().strip() for name in ("port", "controller-port")
        )
        escaped = PASSWORD.replace('"', '\\\\"')
        return _PROPERTIES.format(
            folder=folder, plain=plain, controller=controller, **ports
        ) + "".join(
            _LOGIN.format(name=name, password=escaped) for name in ("sasl_ssl", "sasl_plaintext")
        )

    broker = Kafka(state, cache=cache, more=more)
    broker.start()
    try:
        _add_user(broker.url)
        sasl_ssl, sasl, ssl = (f"127.0.0.1:{ports[name]}" for name in names[:3])
        six = f"[::1]:{ports['six']}"
        yield SecuredBroker(folder, broker.url, sasl_ssl, sasl, ssl, six)
    finally:
        broker.stop()


def _add_user(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    # One at a time: a user is not altered twice in one request.
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        login = UserScramCredentialUpsertion(
            USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode()
        )
        for future in admin.alter_user_scram_credentials([login]).values():
            future.result(30)


def make_certificates(folder: Path) -> None:
    """An authority, what it signed for the broker and a client, and an authority of nobody's."""
    key, authority = _authority("coop test")
    _write(folder / "ca.pem", authority)
    _write(folder / "stranger.pem", _authority("stranger")[1])
    for name in ("broker", "client"):
        own = ec.generate_private_key(ec.SECP256R1())
        signed = (
            _begun(name)
            .issuer_name(authority.subject)
            .public_key(own.public_key())
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        secret = own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(folder / f"{name}.pem", signed, *([secret] if name == "broker" else []))
        (folder / f"{name}.key").write_bytes(secret)


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        _begun(name)
        .issuer_name(_name(name))
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, made.sign(key, hashes.SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(name: str) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + 24 * _HOUR)
    )


def _write(path: Path, certificate: x509.Certificate, *more: bytes) -> None:
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(b"".join([*more, pem]))


class TokenEndpoint:
    """Gives out unsigned tokens, which a Kafka without a validator of its own believes; `life`
    seconds each. `asked` counts."""

    def __init__(self, *, life: float = 3600) -> None:
        self.life = life
        self.asked = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = endpoint.answer(
                    self.headers.get("Authorization"), parse_qs(body.decode())
                )
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/token"

    def answer(self, authorization: str | None, form: dict[str, list[str]]) -> tuple[int, bytes]:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if authorization != f"Basic {wanted}" or form["grant_type"] != ["client_credentials"]:
            return 401, b'{"error":"invalid_client"}'
        now = time.time()
        claims = {"sub": USER, "iat": now - 1, "exp": now + self.life}
        parts = [_part({"alg": "none"}), _part(claims), ""]
        return 200, json.dumps(
            {"access_token": ".".join(parts), "expires_in": self.life, "token_type": "Bearer"}
        ).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
