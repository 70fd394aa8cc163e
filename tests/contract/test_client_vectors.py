"""What the libraries for platforms are held against is what Coop sends."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from coop_runtime.secret.signing import new_rsa_key
from tests import client_vectors, webhook_bodies

_FILE: dict[str, Any] = json.loads(client_vectors.PATH.read_text(encoding="utf-8"))
_BODIES = webhook_bodies.all_bodies()
_SENT = {case["name"]: case for case in _FILE["cases"] if case["name"] in _BODIES}


def test_every_kind_of_body_is_among_the_vectors() -> None:
    """What a service sends, the libraries are held against."""
    assert _SENT.keys() == _BODIES.keys()
    assert {kind for kind, _ in _BODIES.values()} == {
        case["kind"] for case in _FILE["cases"] if "kind" in case
    }


@pytest.mark.parametrize("name", _BODIES)
async def test_a_vector_is_what_the_dispatcher_makes(name: str) -> None:
    """Byte for byte, and signature for signature; RSA by the key that the file shows."""
    case, (kind, body) = _SENT[name], _BODIES[name]
    assert (case["kind"], case["body"].encode("latin-1")) == (kind, body)
    told = dict(case["headers"])
    with ThreadPoolExecutor(1) as executor:
        keys = client_vectors.keyring(new_rsa_key()[0], executor)
        made = await keys.sign(
            client_vectors.ORG,
            webhook_id=client_vectors.ID,
            timestamp=client_vectors.NOW,
            body=body,
        )
    assert list(told) == list(made)
    stamp = ("webhook-id", "webhook-timestamp", "webhook-signature")
    assert [told[header] for header in stamp] == [made[header] for header in stamp]
    (pem,) = _FILE["publicKeys"]
    public = serialization.load_pem_public_key(pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(
        base64.b64decode(told["coop-signature"]), body, padding.PKCS1v15(), hashes.SHA256()
    )
