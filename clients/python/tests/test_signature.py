"""Keys, their change, and what is never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from coop_client import Keys, Refused, TooLarge, Verifier, read_limited

from .conftest import NOW, VECTORS, body_of, verifier_of

SECRETS, PEM = VECTORS["secrets"], VECTORS["publicKeys"]


def pem_of(key: Any) -> str:
    encoded: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_AAAA", "whsec_" + "A" * 100, "whsec_!" + "A" * 43, "A" * 44],
    ids=["empty", "no bytes", "short", "long", "no base64", "no prefix"],
)
def test_a_secret_that_is_none_is_told_without_being_shown(secret: str) -> None:
    """When the keys are made, not when the first webhook comes."""
    with pytest.raises(ValueError, match="a webhook secret") as raised:
        Keys(webhook_secrets=[secret])
    assert len(secret) < 8 or secret not in str(raised.value)


@pytest.mark.parametrize(
    "pem",
    [
        "no PEM",
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
    ],
    ids=["no PEM", "elliptic", "short"],
)
def test_a_public_key_that_is_none_of_coops_is_told(pem: str) -> None:
    """Another algorithm, or a key so short that it proves nothing, never verifies anything."""
    with pytest.raises(ValueError, match="a public key"):
        Keys(webhook_secrets=SECRETS, public_keys=[pem])


def test_keys_do_not_show_their_secrets() -> None:
    """Not in a log, not in a traceback."""
    assert SECRETS[0] not in repr(Keys(webhook_secrets=SECRETS))


@pytest.mark.parametrize(
    ("keys", "unstamped"),
    [
        (Keys(), False),
        (Keys(public_keys=PEM), False),
        (Keys(webhook_secrets=SECRETS), True),
    ],
    ids=["no keys", "a public key alone", "nothing that verifies what has no time"],
)
def test_keys_that_cannot_verify_are_refused_at_the_start(keys: Keys, unstamped: bool) -> None:
    """A receiver that would take anything, or nothing, does not start."""
    with pytest.raises(ValueError, match="public key"):
        Verifier(keys, unstamped=unstamped)


def test_keys_are_changed_while_it_runs(
    signed: Callable[..., tuple[dict[str, str], bytes]],
) -> None:
    """What the new keys do not have is refused from then on; until then it is taken."""
    verifier = Verifier(Keys(webhook_secrets=SECRETS), now=lambda: NOW)
    headers, body = signed({})
    verifier.verify(headers, body)
    verifier.use(Keys(webhook_secrets=SECRETS[1:]))
    with pytest.raises(Refused, match="does not verify"):
        verifier.verify(headers, body)


def test_headers_may_be_a_mapping() -> None:
    """As most frameworks give them."""
    case = VECTORS["cases"][0]
    found = verifier_of(case).verify(dict(case["headers"]), body_of(case))
    assert found.id == VECTORS["id"]


class Sending:
    """Sends `size` bytes, in parts of its own choosing, and counts what was taken."""

    def __init__(self, size: int) -> None:
        self.left, self.read = size, 0

    def __call__(self, count: int) -> bytes:
        part = min(count, self.left, 1000)
        self.left -= part
        self.read += part
        return b"x" * part


@pytest.mark.parametrize(("size", "length"), [(0, None), (5000, None), (5000, 5000), (0, 0)])
def test_a_body_within_the_limit_is_read(size: int, length: int | None) -> None:
    """Whole, whether its length was said or not."""
    assert len(read_limited(Sending(size), length=length, limit=5000)) == size


def test_no_more_than_was_announced_is_read() -> None:
    """What follows is the next request's."""
    sending = Sending(900)
    assert len(read_limited(sending, length=100, limit=5000)) == 100
    assert sending.read == 100


@pytest.mark.parametrize("length", [None, 5001, 10**12])
def test_an_oversized_body_is_not_read_to_its_end(length: int | None) -> None:
    """One that says so is not read at all, the other one byte beyond the limit."""
    sending = Sending(10**9)
    with pytest.raises(TooLarge):
        read_limited(sending, length=length, limit=5000)
    assert sending.read == (5001 if length is None else 0)
