"""Addresses and passwords: the same, from whichever keyboard they come."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coop_review_api.kernel.email_address import (
    ascii_domain,
    check_email,
    comparable,
    normalize_email,
)
from coop_review_api.people.factor import matching_step
from coop_review_api.people.password import Passwords, check_password, prepared

engines = pytest.mark.engines


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada@BÜCHER.example.", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@例え。jp", "ada@xn--r8jz45g.jp"),
        ("ＡＤＡ@example.com", "ada@example.com"),
        ("ma\u0308x@example.com", "mäx@example.com"),
    ],
)
def test_an_address_is_kept_in_one_form(given: str, kept: str) -> None:
    """Case, width, composition and the alphabet of a domain make no other address."""
    assert normalize_email(given) == kept
    assert check_email(kept) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("сосо@example.com", "coco@example.com"),  # Cyrillic
        ("ädа@example.com", "äda@example.com"),  # its last letter
        ("STRASSE@example.com", "straße@example.com"),
        ("x@bücher.example", "x@BÜCHER.example"),
    ],
)
def test_addresses_that_look_the_same_are_compared_as_one(one: str, other: str) -> None:
    """Whoever has one of them has the other."""
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rn@example.com", "m@example.com"),
        ("ada@apple.com", "ada@\u0430pple.com"),  # another domain, and shown as one: xn--…
        ("l@example.com", "1@example.com"),
    ],
)
def test_addresses_of_two_people_stay_two(one: str, other: str) -> None:
    """Addresses in ASCII are what they are."""
    assert comparable(one) != comparable(other)


@pytest.mark.parametrize(
    "given",
    [
        "a\u200bda@example.com",
        "a\u202eda@example.com",
        "a\ufe0fda@example.com",
        "ﬁn@example.com",
        "ada@exam ple.com",
        "ada",
        "@example.com",
        "ada@\u0000.com",
        "ada@" + "ü" * 70 + ".example",
    ],
)
def test_an_address_with_what_cannot_be_seen_is_refused(given: str) -> None:
    """Invisible and compatibility characters, and what is no domain."""
    assert check_email(normalize_email(given)) != []


@given(st.text(max_size=40))
def test_whatever_is_given_has_a_form(given: str) -> None:
    """Nothing raises, and the form of a form is itself."""
    kept = normalize_email(f"{given}@example.com")
    assert comparable(kept) == comparable(f"{given}@example.com")
    ascii_domain(given)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_a_password_fits_from_every_keyboard(form: Any) -> None:
    """Composed or not, whichever blank is between its words; and nothing else is changed."""
    passwords = Passwords(parallel=1)
    try:
        stored = await passwords.hash(unicodedata.normalize(form, "sieben schöne Lampen é"))
        for other in ("NFC", "NFD"):
            typed = unicodedata.normalize(other, "sieben\u00a0schöne Lampen é")
            assert await passwords.verify(stored, typed)
        for typed in (
            "Sieben schöne Lampen é",
            "sieben schone Lampen e",
            "ｓieben schöne Lampen é",
        ):
            assert not await passwords.verify(stored, typed)
    finally:
        passwords.close()


async def test_a_password_from_before_goes_on() -> None:
    """A hash of what was typed, from before passwords were prepared, or of what is refused now."""
    passwords = Passwords(parallel=1)
    try:
        for old in ("sieben scho\u0308ne Lampen", "seven\u200bquiet lamps 19"):
            stored = passwords._hasher.hash(old)
            assert await passwords.verify(stored, old)
            assert not await passwords.verify(stored, old + "x")
    finally:
        passwords.close()


def test_a_new_password_has_only_what_can_be_typed_again() -> None:
    """Invisible characters are refused; letters and signs of any script are not."""
    assert check_password("seven\u200b quiet lamps 19", email="a@b.example")
    assert check_password("семь тихих ламп 😀 19", email="a@b.example") == []
    assert prepared("seven\u3000quiet lamps") == "seven quiet lamps"


def test_a_code_is_typed_with_any_digits() -> None:
    """Full-width digits are digits."""
    from datetime import UTC, datetime

    import pyotp

    secret, now = pyotp.random_base32(), datetime(2026, 1, 1, tzinfo=UTC)
    code = pyotp.TOTP(secret).at(now)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert matching_step(secret, wide, now=now, after=None) is not None


@engines
@pytest.mark.usefixtures("fresh_throttle")
async def test_nobody_has_an_address_that_looks_like_anothers(
    admin: Any, http: Any, org: Any, kit: Any
) -> None:
    """No account and no invitation; who types the look-alike signs in to the account that is
    there."""
    body = {"role": "MODERATOR", "password": kit.password}
    made = await admin.make("/v1/users", {**body, "email": f"coco-{org.org_id}@BÜCHER.example"})
    assert made["email"] == f"coco-{org.org_id}@xn--bcher-kva.example"
    alike = f"с\u043eсо-{org.org_id}@bücher.example"
    refused = await admin.call("POST", "/v1/users", {**body, "email": alike})
    assert refused.status_code == 409
    invited = await admin.call("POST", "/v1/invitations", {"email": alike, "role": "MODERATOR"})
    assert invited.status_code == 409
    for typed in (alike, made["email"], f"COCO-{org.org_id}@bücher.example"):
        credentials = {"email": typed, "password": kit.password}
        answer = await http.post("/v1/session", json=credentials)
        assert answer.json()["user"]["id"] == made["id"]
