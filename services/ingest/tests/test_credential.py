"""API keys: which organisation they speak for, and when they stop."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coop_contracts.config import ApiKey, ApiScope, Kind
from coop_ingest.credential import Credentials
from coop_runtime.kafka.config_table import ConfigChange
from coop_runtime.redis.key_use import KeyUse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def document(key: str, **more: Any) -> ApiKey:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return ApiKey(id="k", name="n", key_hash=digest, created_at=NOW, **more)


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(lambda: NOW, KeyUse())


def apply(
    credentials: Credentials, key: ApiKey | None, *, org: str = "o", key_id: str = "k"
) -> None:
    credentials.apply(ConfigChange(org, Kind.API_KEY, key_id, key, 1))


def org_of(credentials: Credentials, key: bytes) -> str | None:
    caller = credentials.caller_of(key)
    return None if caller is None else caller.org_id


def test_several_keys_are_valid_at_once(credentials: Credentials) -> None:
    """During a rotation the old and the new key both work."""
    apply(credentials, document("old"), key_id="1")
    apply(credentials, document("new"), key_id="2")
    assert org_of(credentials, b"old") == org_of(credentials, b"new") == "o"
    assert org_of(credentials, b"other") is None


@pytest.mark.parametrize(
    "change",
    [
        None,
        document("key", revoked_at=NOW - timedelta(days=1)),
        document("key", expires_at=NOW),
        document("another"),
    ],
)
def test_a_key_stops_at_once(credentials: Credentials, change: ApiKey | None) -> None:
    """Deleted, revoked, expired and replaced keys are not valid any more."""
    apply(credentials, document("key"))
    assert org_of(credentials, b"key") == "o"
    apply(credentials, change)
    assert org_of(credentials, b"key") is None


def test_a_key_is_valid_until_it_expires(credentials: Credentials) -> None:
    """A key with an end in the future works."""
    apply(credentials, document("key", expires_at=NOW + timedelta(seconds=1)))
    assert org_of(credentials, b"key") == "o"


def test_a_rotated_key_works_until_it_expires() -> None:
    """The key that another took the place of is good until its end, and not a moment longer."""
    now = NOW
    credentials = Credentials(lambda: now, KeyUse())
    until = NOW + timedelta(hours=1)
    apply(credentials, document("old", expires_at=until, replaced_by="2"), key_id="1")
    apply(credentials, document("new"), key_id="2")
    now = until - timedelta(microseconds=1)
    assert org_of(credentials, b"old") == org_of(credentials, b"new") == "o"
    now = until
    assert (org_of(credentials, b"old"), org_of(credentials, b"new")) == (None, "o")


def test_a_key_has_its_scopes(credentials: Credentials) -> None:
    """Named scopes are all that a key has; without any it has every one. Two documents of one key
    that differ in that make it nobody's."""
    apply(credentials, document("some", scopes=(ApiScope.ITEMS_WRITE,)), key_id="1")
    apply(credentials, document("all"), key_id="2")
    some, every = (credentials.caller_of(key) for key in (b"some", b"all"))
    assert some is not None
    assert every is not None
    assert some.scopes == {ApiScope.ITEMS_WRITE}
    assert every.scopes == set(ApiScope)
    apply(credentials, document("some"), key_id="3")
    assert credentials.caller_of(b"some") is None


def test_a_hash_of_two_organisations_is_nobody(credentials: Credentials) -> None:
    """If two organisations have the same key, it cannot say who calls, and is refused."""
    apply(credentials, document("key"), org="a")
    apply(credentials, document("key"), org="b")
    assert org_of(credentials, b"key") is None
    apply(credentials, None, org="a")
    assert org_of(credentials, b"key") == "b"


@pytest.mark.parametrize("key", [b"", b"x" * 100_000])
def test_what_cannot_be_a_key(credentials: Credentials, key: bytes) -> None:
    """Empty and endless keys are refused without work."""
    assert org_of(credentials, key) is None


async def test_a_revoked_key_is_401(ingest: Any) -> None:
    """Revoking a key acts on the next request."""
    item = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
    assert (await ingest.items(item)).status_code == 202
    revoked = ApiKey(
        id="key",
        name="key",
        key_hash=hashlib.sha256(b"key-of-org1").hexdigest(),
        created_at=NOW,
        revoked_at=NOW,
    )
    ingest.configure(Kind.API_KEY, revoked, "key")
    response = await ingest.items(item)
    assert response.status_code == 401
    (error,) = response.json()["errors"]
    assert error["type"] == ["/errors/authentication-failed-or-missing"]
    assert len(ingest.broker.messages) == 1
