"""What is taken of a provider's metadata, which certificates count, which addresses are safe."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from coop_review_api.single_sign_on import certificate, metadata
from coop_review_api.single_sign_on.certificate import MAX_CERTIFICATE, CertificateError
from coop_review_api.single_sign_on.error import SignInRefused
from coop_review_api.single_sign_on.fetch import Fetch
from coop_review_api.single_sign_on.web_address import is_safe
from coop_runtime.egress.guard import EgressGuard


def certificate_of(key: Any, algorithm: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM).decode()


def test_weak_and_strange_keys(tools: Any) -> None:
    """RSA of 2048 bits and EC of 256 are the least; no other kind signs SAML here."""
    for good in (tools.pair("idp"), tools.pair("curve", curve=True)):
        assert certificate.describe(good.certificate).pem == good.certificate
    weak_curve = certificate_of(ec.generate_private_key(ec.SECP192R1()), hashes.SHA256())
    edwards = certificate_of(ed25519.Ed25519PrivateKey.generate(), None)
    rsa = tools.pair("weak", bits=1024).certificate
    for bad in (rsa, weak_curve, edwards, "no PEM", " " * MAX_CERTIFICATE + "x"):
        with pytest.raises(CertificateError):
            certificate.load(bad)


def test_metadata_of_several_providers(idp: Any, tools: Any, clock: Any) -> None:
    """One is taken out of a federation of one; of two nobody knows which is meant."""

    def together(*documents: str) -> bytes:
        inner = "".join(re.sub(r"<\?xml.*?\?>", "", one) for one in documents)
        names = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        return f"<md:EntitiesDescriptor {names}>{inner}</md:EntitiesDescriptor>".encode()

    assert metadata.read(together(idp.metadata())).entity_id == idp.entity_id
    other = tools.idp(clock, entity_id="https://other.example").metadata()
    for documents in ((), (idp.metadata(), other)):
        with pytest.raises(SignInRefused) as refused:
            metadata.read(together(*documents))
        assert refused.value.reason == "metadata"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://idp.example/sso?app=1", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://[::1]/x", True),
        ("http://idp.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("ftp://idp.example/", False),
        ("javascript:alert(1)", False),
        ("//idp.example/", False),
        ("https://", False),
        ("https://user@idp.example/", False),
        ("https://user:password@idp.example/", False),
        ("https://idp.example/#fragment", False),
        ("https://idp.example\\@evil.example/", False),
        ("https://idp.example/a b", False),
        ("https://idp.example/\r\nSet-Cookie: a=b", False),
        ("https://idp.ex\u00e4mple/", False),
        ("https://idp.example:port/", False),
        ("https://[::1/", False),
    ],
)
def test_where_a_browser_may_be_sent(url: str, safe: bool) -> None:
    """https, or this very machine; nothing in it that two programs read in two ways."""
    assert is_safe(url) is safe


async def test_nothing_is_fetched_without_tls() -> None:
    """Not even asked for: the name is not looked up."""

    async def resolver(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    fetch = Fetch(EgressGuard(["idp.example"], resolver=resolver))
    for url in ("http://idp.example/metadata", "https://user:password@idp.example/"):
        with pytest.raises(SignInRefused) as refused:
            await fetch.document(url)
        assert refused.value.reason == "address"
    await fetch.aclose()
