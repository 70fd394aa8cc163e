"""What a configuration table takes in, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import Raw
from prometheus_client import REGISTRY

from coop_contracts.config import SYSTEM_ORG, Document, Kind, LogHead, OrgSettings, Policy
from coop_contracts.event import ConfigChanged, encode
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def policy(ident: str, name: str = "Spam") -> Policy:
    return Policy(id=ident, name=name)


def change(ident: str, revision: int, document: Document | None, org: str = "o") -> ConfigChange:
    return ConfigChange(org, Kind.POLICY, ident, document, revision)


def rejected(reason: str) -> float:
    return REGISTRY.get_sample_value("coop_config_rejected_total", {"reason": reason}) or 0.0


def value(kind: str, ident: str, revision: int, document: bytes, org: str = "o") -> bytes:
    event = ConfigChanged(
        event_id="e",
        org_id=org,
        time=TIME,
        correlation_id="c",
        revision=revision,
        kind=kind,
        id=ident,
        document=Raw(document),
    )
    return encode(event)


def take(table: ConfigTable, *values: bytes) -> None:
    """What the reading thread hands over."""
    table._take(list(values), lambda: None)


HEAD = value(
    "log-head", "head", 0, b'{"id":"head","publishedAt":"2026-01-01T00:00:00Z"}', SYSTEM_ORG
)


async def test_a_loaded_table_answers() -> None:
    """A table built of changes is ready and holds the documents by org, kind and id."""
    table = ConfigTable.of(
        [
            change("a", 1, policy("a")),
            change("b", 2, policy("b")),
            change("a", 3, policy("a", "Other"), org="p"),
            ConfigChange("o", Kind.SETTINGS, "settings", OrgSettings(id="settings", name="O"), 4),
        ]
    )
    assert table.ready()
    assert table.get("o", Kind.POLICY, "a") == policy("a")
    assert table.all("o", Kind.POLICY) == {"a": policy("a"), "b": policy("b")}
    assert table.all("p", Kind.RULE) == {}
    assert table.revision("o") == 4
    assert table.revision("nobody") == 0
    assert table.revision_of("o", Kind.POLICY, "b") == 2
    assert set(table.org_ids()) == {"o", "p"}


async def test_only_a_newer_revision_is_applied() -> None:
    """An older or equal revision changes nothing and tells nobody: reading again is harmless."""
    table = ConfigTable.of([])
    told: list[int] = []
    table.subscribe(lambda c: told.append(c.revision))
    assert table.apply(change("a", 5, policy("a", "new")))
    assert not table.apply(change("a", 5, policy("a", "same")))
    assert not table.apply(change("a", 4, policy("a", "old")))
    assert table.get("o", Kind.POLICY, "a") == policy("a", "new")
    assert told == [5]


async def test_a_deletion_stays_deleted() -> None:
    """A null document removes; an older revision read again does not bring it back."""
    table = ConfigTable.of([change("a", 1, policy("a"))])
    assert table.apply(change("a", 2, None))
    assert not table.apply(change("a", 1, policy("a")))
    assert table.get("o", Kind.POLICY, "a") is None
    assert table.all("o", Kind.POLICY) == {}
    assert table.revision_of("o", Kind.POLICY, "a") == 2


async def test_all_cannot_be_written_to() -> None:
    """The mapping given out is a view: a service cannot change the configuration by accident."""
    table = ConfigTable.of([change("a", 1, policy("a"))])
    with pytest.raises(TypeError):
        table.all("o", Kind.POLICY)["b"] = policy("b")  # type: ignore[index]


async def test_ready_needs_the_end_and_the_head() -> None:
    """Neither the topic's end nor the log head alone makes a table ready; both do, for good."""
    for first, second in (("end", "head"), ("head", "end")):
        table = ConfigTable(None)
        for step in (first, second):
            assert not table.ready()
            if step == "end":
                table._reach_end()
            else:
                take(table, HEAD)
        assert table.ready()
        await table.wait_ready(0.01)
    with pytest.raises(TimeoutError):
        await ConfigTable(None).wait_ready(0.01)


async def test_what_cannot_be_read_leaves_the_rest() -> None:
    """What cannot be read is counted; what was held stays, and the next is applied."""
    before = {r: rejected(r) for r in ("undecodable", "unknown_kind", "invalid_document")}
    table = ConfigTable(None)
    take(
        table,
        value("policy", "a", 1, b'{"id":"a","name":"first"}'),
        b"\xffnonsense",
        value("policy", "a", 2, b'{"id":"a","name":7}'),
        value("future-kind", "x", 3, b'{"id":"x"}'),
        value("policy", "b", 4, b'{"id":"b","name":"B","added":{"later":true}}'),
    )
    assert table.get("o", Kind.POLICY, "a") == policy("a", "first")
    assert table.revision_of("o", Kind.POLICY, "a") == 1
    assert table.get("o", Kind.POLICY, "b") == policy("b", "B")
    assert table.revision("o") == 4
    for reason, count in before.items():
        assert rejected(reason) == count + 1


async def test_kinds_that_are_not_asked_for_are_not_kept() -> None:
    """A service keeps only its kinds, yet knows the newest revision and becomes ready."""
    table = ConfigTable(None, kinds={Kind.SETTINGS})
    table._reach_end()
    take(table, value("policy", "a", 9, b'{"id":"a","name":"A"}'), HEAD)
    assert table.get("o", Kind.POLICY, "a") is None
    assert table.revision("o") == 9
    assert table.ready()
    assert table.get(SYSTEM_ORG, Kind.LOG_HEAD, "head") == LogHead(id="head", published_at=TIME)


async def test_a_failing_subscriber_does_not_keep_the_others() -> None:
    """A subscriber's error is counted; the change is applied and the others are told."""
    before = rejected("subscriber_error")
    table = ConfigTable.of([])
    told: list[str] = []

    def broken(_: ConfigChange) -> None:
        raise ValueError("cannot use it")

    table.subscribe(broken)
    table.subscribe(lambda c: told.append(c.id))
    table.apply(change("a", 1, policy("a")))
    assert told == ["a"]
    assert table.get("o", Kind.POLICY, "a") == policy("a")
    assert rejected("subscriber_error") == before + 1


async def test_a_table_without_a_broker_does_not_run() -> None:
    """A table built of changes has nothing to read from, and says so."""
    with pytest.raises(RuntimeError, match="without a broker"):
        await ConfigTable.of([]).run()
