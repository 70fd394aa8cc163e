"""`coop dlq` on a real broker: from a dead letter to its replay."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import msgspec
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from typer.testing import CliRunner, Result

from coop_cli.app import EXIT_BROKER, EXIT_FAILED, EXIT_USAGE, app
from coop_cli.letter_box import LetterBox, Patience
from coop_cli.settings import CliSettings
from coop_runtime.kafka.dead_letter import DeadLetterReason, Failure, dead_letter_of
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.producer import Producer
from coop_runtime.kafka.record import Record

WAIT = 30.0


@pytest.fixture
def settings(
    kafka_bootstrap: str, broker_idempotence: bool, monkeypatch: pytest.MonkeyPatch
) -> CliSettings:
    monkeypatch.setenv("COOP_KAFKA", kafka_bootstrap)
    monkeypatch.setenv("COOP_KAFKA_IDEMPOTENCE", str(broker_idempotence).lower())
    return CliSettings.load()


@pytest.fixture
def topic(settings: CliSettings) -> str:
    """A topic of the test's own, with three dead letters: poison, undecodable, poison."""
    name = f"test.{uuid.uuid4().hex[:12]}.v1"
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    for future in admin.create_topics(
        [NewTopic(name, 1, 1), NewTopic(name + ".dlq", 1, 1)]
    ).values():
        future.result(WAIT)
    reasons: tuple[DeadLetterReason, ...] = ("poison", "undecodable", "poison")
    asyncio.run(publish(settings, [letter(name, n, why) for n, why in enumerate(reasons)]))
    return name


def letter(topic: str, number: int, reason: DeadLetterReason) -> RawMessage:
    record = Record(topic, 0, 100 + number, b"key", b"\xff%d" % number, [("h", b"v")], 1_000)
    return dead_letter_of(Failure(record, reason, ValueError("why")), group="g", service="s")


async def publish(settings: CliSettings, messages: Sequence[RawMessage]) -> None:
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.publish(messages)
    await producer.stop()


def coop(*arguments: str, patience: Patience | None = None) -> Result:
    return CliRunner().invoke(app, ["dlq", *arguments], obj=patience)


def records(settings: CliSettings, topic: str) -> list[Record]:
    box = LetterBox(settings)
    try:
        return list(box.read(topic))
    finally:
        box.close()


@pytest.mark.engines
def test_list_counts_by_reason(settings: CliSettings, topic: str) -> None:
    """The list says how many letters a topic has, why, and how many wait."""
    result = coop("list", "--topic", topic)
    assert result.exit_code == 0, result.output
    assert f"{topic}.dlq: 3 (poison 2, undecodable 1), 3 not replayed" in result.output
    row = msgspec.json.decode(coop("list", "--topic", topic + ".dlq", "--format", "json").output)
    assert row["reasons"] == {"poison": 2, "undecodable": 1}


@pytest.mark.engines
def test_show_gives_the_letters(settings: CliSettings, topic: str) -> None:
    """Letters are shown from an offset up to a limit, with why, whence and what."""
    result = coop("show", topic, "--offset", "1", "--limit", "1", "--format", "json")
    shown = msgspec.json.decode(result.output)
    assert (shown["offset"], shown["reason"], shown["originalOffset"]) == (1, "undecodable", 101)
    assert shown["errorType"] == "builtins.ValueError"
    assert shown["headers"] == {"h": "v"}
    text = coop("show", topic)
    assert text.output.count("── offset") == 3


@pytest.mark.engines
def test_replay_round_trip(settings: CliSettings, topic: str) -> None:
    """Originals come back byte for byte, once with --all, and again only when asked by offset."""
    dry = coop("replay", topic, "--all", "--dry-run")
    assert "3 to replay" in dry.output
    assert records(settings, topic) == []

    done = coop("replay", topic, "--all")
    assert (done.exit_code, done.output.strip()) == (0, f"3 replayed to {topic}, 0 refused")
    assert "0 replayed" in coop("replay", topic, "--all").output
    found = records(settings, topic)
    assert [r.value for r in found] == [b"\xff0", b"\xff1", b"\xff2"]
    assert {(r.key, tuple(r.headers)) for r in found} == {(b"key", (("h", b"v"),))}

    assert "1 replayed" in coop("replay", topic, "--offset", "2").output
    assert len(records(settings, topic)) == 4
    assert "0 not replayed" in coop("list", "--topic", topic).output


@pytest.mark.engines
def test_a_record_that_several_groups_put_aside_comes_back_once(
    settings: CliSettings, topic: str
) -> None:
    """Every group reads what is replayed, so letters of one record are published once, and all of
    them count as replayed: a poison record does not grow in number with each replay."""
    asyncio.run(publish(settings, [letter(topic, 0, "error"), letter(topic, 1, "error")]))
    result = coop("replay", topic, "--all")
    assert "5 replayed" in result.output
    assert "2 of them for records that another letter brought back" in result.output
    assert [r.value for r in records(settings, topic)] == [b"\xff0", b"\xff1", b"\xff2"]
    assert "0 not replayed" in coop("list", "--topic", topic).output


@pytest.mark.engines
def test_replay_by_reason_is_remembered(
    settings: CliSettings, topic: str, broker_idempotence: bool
) -> None:
    """Letters replayed by reason are not replayed again by --all."""
    if not broker_idempotence:
        pytest.skip("Tansu keeps no metadata of a committed offset")
    assert "1 replayed" in coop("replay", topic, "--reason", "undecodable").output
    assert "2 not replayed" in coop("list", "--topic", topic).output
    assert "2 replayed" in coop("replay", topic, "--all").output
    assert [r.value for r in records(settings, topic)] == [b"\xff1", b"\xff0", b"\xff2"]


@pytest.mark.engines
def test_a_strange_record_is_refused_and_the_rest_replayed(
    settings: CliSettings, topic: str
) -> None:
    """A record that names another topic goes nowhere; the command says so and exits with 1."""
    forged = letter("coop.config.v1", 9, "error")._replace(topic=topic + ".dlq")
    asyncio.run(publish(settings, [forged]))
    result = coop("replay", topic, "--all")
    assert result.exit_code == EXIT_FAILED
    assert "3 replayed" in result.output
    assert "refused offset 3" in result.output


@pytest.mark.engines
def test_what_is_not_there_is_said(settings: CliSettings, topic: str) -> None:
    """An unknown topic or offset is an error of its own, not an empty success."""
    assert coop("show", "test.none.v1").exit_code == EXIT_FAILED
    missing = coop("replay", topic, "--offset", "77")
    assert missing.exit_code == EXIT_FAILED
    assert "no dead letter at offset 77" in missing.output


def test_which_letters_must_be_said() -> None:
    """A replay without a choice, or with two, is refused."""
    assert coop("replay", "t").exit_code == EXIT_USAGE
    assert coop("replay", "t", "--all", "--offset", "3").exit_code == EXIT_USAGE


def test_no_broker_is_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a broker the command says once which one it asked, and exits with 3."""
    monkeypatch.setenv("COOP_KAFKA", "127.0.0.1:1")
    result = coop("list", patience=Patience(0.5))
    assert result.exit_code == EXIT_BROKER
    assert "127.0.0.1:1" in result.output
    assert caplog.records == []
