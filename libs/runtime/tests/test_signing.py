"""Signatures, verified by others' code."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from standardwebhooks import Webhook, WebhookVerificationError

from coop_runtime.secret.signing import (
    SigningError,
    new_rsa_key,
    new_webhook_secret,
    sign_rsa_sha256,
    sign_standard_webhook,
)

BODY = json.dumps({"item": {"id": "é"}}).encode()


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """An RSA key pair as PEM."""
    return new_rsa_key()


def test_the_rsa_signature_verifies_with_the_public_key(pair: tuple[str, str]) -> None:
    """The platform verifies the body with the PEM it was shown; an altered body fails."""
    private, public_pem = pair
    public = serialization.load_pem_public_key(public_pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 2048
    signature = base64.b64decode(sign_rsa_sha256(private, BODY))
    public.verify(signature, BODY, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, BODY + b" ", padding.PKCS1v15(), hashes.SHA256())


def test_the_standard_webhook_verifies_with_each_secret() -> None:
    """During rotation a receiver with either secret accepts; one with another does not."""
    old, new = new_webhook_secret(), new_webhook_secret()
    now = int(time.time())
    signature = sign_standard_webhook([new, old], webhook_id="exec-1", timestamp=now, body=BODY)
    headers = {
        "webhook-id": "exec-1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature,
    }
    assert Webhook(new).verify(BODY, headers) == json.loads(BODY)
    assert Webhook(old).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_webhook_secret()).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(BODY, {**headers, "webhook-id": "exec-2"})


def test_a_body_that_is_no_text_is_signed_as_it_is() -> None:
    """Raw bytes are signed, not a decoding of them."""
    secret = new_webhook_secret()
    first = sign_standard_webhook([secret], webhook_id="a", timestamp=1, body=b"\xff\x00")
    second = sign_standard_webhook([secret], webhook_id="a", timestamp=1, body=b"\xff\x01")
    assert first != second


def _ec_pem() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


@pytest.mark.parametrize("pem", ["", "nonsense", _ec_pem()])
def test_a_key_that_cannot_sign_is_an_error(pem: str) -> None:
    """No signature is made up from a malformed key or one of another kind."""
    with pytest.raises(SigningError):
        sign_rsa_sha256(pem, BODY)


@pytest.mark.parametrize(
    "secrets", [[], ["abc"], ["whsec_"], ["whsec_???"], ["whsec_YWJj"], ["whsec_é"]]
)
def test_a_secret_that_cannot_sign_is_an_error(secrets: list[str]) -> None:
    """A malformed, short or missing secret signs nothing."""
    with pytest.raises(SigningError):
        sign_standard_webhook(secrets, webhook_id="a", timestamp=1, body=BODY)


@pytest.mark.parametrize("webhook_id", ["", "a.b", "é"])
def test_an_id_that_blurs_the_signed_content_is_refused(webhook_id: str) -> None:
    """The signed text is id.timestamp.body: a full stop in the id would make it ambiguous."""
    with pytest.raises(SigningError):
        sign_standard_webhook([new_webhook_secret()], webhook_id=webhook_id, timestamp=1, body=b"")


def test_a_parsed_key_is_kept(pair: tuple[str, str]) -> None:
    """Signing again with the same key does not parse it again."""
    from coop_runtime.secret import signing

    sign_rsa_sha256(pair[0], BODY)
    before = signing._private_key.cache_info().misses
    sign_rsa_sha256(pair[0], BODY)
    assert signing._private_key.cache_info().misses == before
