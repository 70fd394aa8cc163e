"""The stack's parts that need no server."""

import asyncio
import importlib
import io
import json
import os
import socket
import stat
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from coop_local import roster
from coop_local.counters import Counted, Counters, line_of
from coop_local.engine import EngineError, remembered_port, rotate
from coop_local.lock import StateInUse, StateUnusable, state_lock
from coop_local.migration import MigrationFailed, MigrationSpec, run_migrations
from coop_local.run_file import RunFile, leftover_services, read_run, running, write_run
from coop_local.secret_file import stack_secrets
from coop_local.settings import EngineSettings, Settings
from coop_local.stack import EngineAddresses
from coop_local.terminal import Terminal
from coop_runtime.database.schema import ROLES
from coop_runtime.process.metric import catalogue

ADDRESSES = EngineAddresses(
    "127.0.0.1:1", False, "postgresql://root:pw@127.0.0.1:2/coop", "redis://r"
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("COOP_"):
            monkeypatch.delenv(name)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the documents reach their fields; an empty one is no value."""
    monkeypatch.setenv("COOP_CACHE", "/there")
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://mine")
    monkeypatch.setenv("COOP_KAFKA", "broker:9092")
    monkeypatch.setenv("COOP_REDIS", "")
    monkeypatch.setenv("COOP_BROKER", "tansu")
    settings = EngineSettings()
    assert settings.cache == Path("/there")
    assert settings.postgres_admin == "postgresql://mine"
    assert settings.kafka == "broker:9092"
    assert settings.redis is None
    assert settings.broker == "tansu"
    monkeypatch.setenv("COOP_POSTGRES_ADMIN", "postgresql://admin")
    assert EngineSettings().postgres_admin == "postgresql://admin"


def test_the_cache_lies_in_the_state_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that the stack writes is in one folder."""
    monkeypatch.setenv("COOP_STATE", "here")
    assert EngineSettings().cache == Path("here").absolute() / "cache"


def test_an_unknown_broker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error does not choose a broker."""
    monkeypatch.setenv("COOP_BROKER", "rabbit")
    with pytest.raises(ValidationError):
        Settings()


def test_each_service_gets_its_own_role_and_no_other_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No service knows the superuser; keys go only to those that encrypt or decrypt."""
    monkeypatch.setenv("COOP_POSTGRES_ADMIN", ADDRESSES.postgres_admin)
    monkeypatch.setenv("COOP_TEST_REDIS", "redis://secret")
    monkeypatch.setenv("COOP_STATE", str(tmp_path))
    monkeypatch.setenv("COOP_FREE_PORTS", "true")
    monkeypatch.setenv("COOP_LOG_LEVEL", "DEBUG")
    settings = Settings()
    secrets = stack_secrets(tmp_path / "secrets.json")
    ports = roster.ports_of(settings)
    specs = {one.name: one for one in roster.services(settings, ADDRESSES, secrets, ports)}
    roles = {
        "ncmec-simulator": None,
        "review-relay": "coop_review",
        "review-projector": "coop_review",
        "review-history": "coop_review",
        "review-lookup": "coop_review",
        "review-api": "coop_review",
        "dispatch-api": "coop_dispatch",
        "action-dispatcher": "coop_dispatch",
        "routing": "coop_queues",
        "hma-bridge": "coop_hashes",
        "ncmec-reporter": "coop_ncmec",
        "rules-engine-slow": None,
        "rules-engine-backtest": None,
        "rules-engine": None,
        "ingest": None,
    }
    assert list(specs) == list(roles)
    for name, spec in specs.items():
        text = json.dumps(dict(spec.environment))
        assert "root:pw" not in text
        assert "redis://secret" not in text
        assert spec.environment["COOP_LOG_LEVEL"] == "DEBUG"
        assert spec.environment["COOP_KAFKA_IDEMPOTENCE"] == "false"
        known = {role for role in secrets.passwords if secrets.passwords[role] in text}
        assert known == ({roles[name]} - {None})
        assert ("COOP_SECRET_KEYS" in spec.environment) == (
            name
            in {
                "review-api",
                "review-relay",
                "action-dispatcher",
                "dispatch-api",
                "routing",
                "ncmec-reporter",
                "rules-engine-slow",
            }
        )
        # Whoever asks platforms may ask one on this machine, and nobody else needs to.
        allowed = spec.environment.get("COOP_EGRESS_ALLOW")
        assert (allowed == "127.0.0.0/8") == (
            name
            in {
                "review-api",
                "action-dispatcher",
                "dispatch-api",
                "routing",
                "hma-bridge",
                "ncmec-reporter",
                "rules-engine-slow",
            }
        ), name
        assert (secrets.internal_token in text) == (
            name
            in {
                "review-api",
                "review-relay",
                "review-lookup",
                "dispatch-api",
                "hma-bridge",
                "ncmec-reporter",
                "ingest",
            }
        ), name
    assert len({spec.ready_url for spec in specs.values()}) == len(specs)
    assert specs["ingest"].environment["COOP_INGEST_PORT"] == str(ports.public["ingest"])
    assert {one.name for one in roster.migrations(settings, ADDRESSES, secrets)} == {
        "migrate-routing",
        "migrate-review-api",
        "migrate-action-dispatcher",
        "migrate-hma-bridge",
        "migrate-ncmec-reporter",
    }
    assert roster.ports_of(settings) == ports


def test_a_taken_port_of_the_settings_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that cannot have its port says which setting changes it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("COOP_INGEST_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("COOP_STATE", str(tmp_path))
        with pytest.raises(EngineError, match="COOP_INGEST_PORT"):
            roster.ports_of(Settings())


def test_the_ports_that_nobody_chose_are_all_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make run` starts with the ports of the settings as they come: two services never share one,
    whoever was added last."""
    for name in [name for name in os.environ if name.startswith("COOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COOP_STATE", str(tmp_path))
    ports = roster.ports_of(Settings(), free=lambda _port: True)
    numbers = [*ports.public.values(), *ports.internal.values()]
    assert len(numbers) == len(set(numbers)) > 20


def test_two_services_on_one_port_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port given twice is told before anything starts, and so is one among the internal ones."""
    first = remembered_port(tmp_path / "port")
    monkeypatch.setenv("COOP_STATE", str(tmp_path))
    for setting in ("REVIEW", "PLATFORM", "DISPATCH"):
        number = remembered_port(tmp_path / setting)
        monkeypatch.setenv(f"COOP_{setting}_PORT", str(number))
    monkeypatch.setenv("COOP_INTERNAL_PORTS", str(first))
    monkeypatch.setenv("COOP_INGEST_PORT", str(first + 2))
    with pytest.raises(EngineError, match=f"{first + 2} would serve ingest and review-relay's"):
        roster.ports_of(Settings(), free=lambda _port: True)
    monkeypatch.setenv("COOP_INGEST_PORT", os.environ["COOP_REVIEW_PORT"])
    with pytest.raises(EngineError, match="would serve ingest and review-api"):
        roster.ports_of(Settings(), free=lambda _port: True)


def test_links_lead_to_the_port_that_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the stack chose the port itself; an address of the user's own stays."""
    monkeypatch.setenv("COOP_STATE", str(tmp_path))
    monkeypatch.setenv("COOP_FREE_PORTS", "true")
    settings = Settings()
    secrets = stack_secrets(tmp_path / "secrets.json")
    ports = roster.ports_of(settings)

    def public_url() -> str:
        specs = roster.services(settings, ADDRESSES, secrets, ports)
        (found,) = (s for s in specs if s.name == "review-api")
        return found.environment["COOP_REVIEW_PUBLIC_URL"]

    assert public_url() == f"http://127.0.0.1:{ports.public['review-api']}"
    monkeypatch.setenv("COOP_REVIEW_PUBLIC_URL", "https://mine")
    assert public_url() == "https://mine"


def test_reports_to_ncmec_stay_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the user's own environment says, they are tests, filed to the stand-in."""
    monkeypatch.setenv("COOP_STATE", str(tmp_path))
    monkeypatch.setenv("COOP_FREE_PORTS", "true")
    monkeypatch.setenv("COOP_NCMEC_ENVIRONMENT", "production")
    monkeypatch.setenv("COOP_NCMEC_OUTSIDE", "true")
    for name in ("COOP_NCMEC_TEST_URL", "COOP_NCMEC_PRODUCTION_URL"):
        monkeypatch.setenv(name, "https://report.cybertip.org/ispws")
    settings = Settings()
    secrets = stack_secrets(tmp_path / "secrets.json")
    ports = roster.ports_of(settings)
    specs = {one.name: one for one in roster.services(settings, ADDRESSES, secrets, ports)}
    told = specs["ncmec-reporter"].environment
    assert "cybertip.org" not in json.dumps(dict(told))
    assert (told["COOP_NCMEC_ENVIRONMENT"], told["COOP_NCMEC_OUTSIDE"]) == ("test", "false")
    simulator = specs["ncmec-simulator"].environment["COOP_NCMEC_SIMULATOR_PORT"]
    assert told["COOP_NCMEC_TEST_URL"] == f"http://127.0.0.1:{simulator}/ispws"


def test_a_state_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    """A file where a directory is needed: what cannot be, and the setting that changes it."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(StateUnusable, match=r"Not a directory.*COOP_STATE"),
        state_lock(tmp_path / "file" / "state"),
    ):
        pass


def test_a_port_is_chosen_once(tmp_path: Path) -> None:
    """The second start has the same port as the first, unless it was taken meanwhile."""
    port = remembered_port(tmp_path / "port")
    assert remembered_port(tmp_path / "port") == port
    with socket.create_server(("127.0.0.1", port)):
        assert remembered_port(tmp_path / "port") != port


def test_no_port_is_chosen_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for two services, nor for an engine and a service, though none of them listens yet;
    what two had in common from another time, the first that starts gives up."""
    monkeypatch.setattr("coop_local.engine._PORT_RANGE", range(20_000, 20_100))
    memories = [
        *(tmp_path / "ports" / f"service-{number}" for number in range(25)),
        *(tmp_path / f"engine-{number}" / "port" for number in range(5)),
        tmp_path / "engine-0" / "controller-port",
    ]
    ports = [remembered_port(memory) for memory in memories]
    assert len(set(ports)) == len(ports)
    memories[0].write_text(f"{ports[-1]}\n")
    again = [remembered_port(memory) for memory in memories]
    assert again[1:] == ports[1:]
    assert again[0] not in ports[1:]


def test_secrets_are_random_private_and_stable(tmp_path: Path) -> None:
    """Made once for each role; readable by the owner alone."""
    first = stack_secrets(tmp_path / "secrets.json")
    assert stack_secrets(tmp_path / "secrets.json") == first
    assert len(set(first.passwords.values())) == 2 * len(ROLES)
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len(first.internal_token) == 64
    other = stack_secrets(tmp_path / "other.json")
    assert other.internal_token != first.internal_token
    assert not set(other.passwords.values()) & set(first.passwords.values())


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    """One at a time; afterwards the next one gets it."""
    holder = f"process {os.getpid()}"
    with state_lock(tmp_path), pytest.raises(StateInUse, match=holder), state_lock(tmp_path):
        pass
    with state_lock(tmp_path):
        pass


def test_a_restarted_service_never_lowers_a_counter() -> None:
    """Counters go on from where they were when a metric starts from zero again."""
    said = {"value": 5, "depth": 3}

    def answer(_request: httpx.Request) -> httpx.Response:
        text = (
            "# TYPE made_total counter\n"
            f'made_total{{kind="item"}} {said["value"]}\nmade_total{{kind="report"}} 100\n'
            f"# TYPE depth gauge\ndepth {said['depth']}\n"
        )
        return httpx.Response(200, text=text)

    async def read_all() -> list[dict[str, int]]:
        counters = Counters(
            [
                Counted("made", "a", "made_total", {"kind": "item"}),
                Counted("waiting", "a", "depth", gauge=True),
                Counted("absent", "nobody", "made_total"),
            ],
            {"a": "http://a/metrics"},
        )
        seen = []
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            for value, depth in ((5, 3), (9, 1), (2, 0)):
                said["value"], said["depth"] = value, depth
                seen.append(await counters.read(client))
        return seen

    seen = asyncio.run(read_all())
    assert seen == [
        {"made": 5, "waiting": 3, "absent": 0},
        {"made": 9, "waiting": 1, "absent": 0},
        {"made": 11, "waiting": 0, "absent": 0},
    ]
    assert line_of({"made": 1234567, "waiting": 0}) == "made 1,234,567  waiting 0"


def test_a_service_of_a_killed_supervisor_is_waited_for(tmp_path: Path) -> None:
    """The next start knows which processes of the last one still live, by number and birth."""
    path = tmp_path / "run.json"
    assert leftover_services(path, timeout=0) == {}
    me = running(os.getpid(), tmp_path / "log")
    later = running(os.getpid(), tmp_path / "log")
    later.created += 100  # the number went to another process
    run = RunFile(
        supervisor=1,
        state=str(tmp_path),
        broker="kafka",
        kafka="k",
        kafka_idempotence=True,
        postgres_admin="p",
        redis="r",
        engines={},
        services={"mine": me, "other": later, "down": running(None, tmp_path / "log")},
    )
    write_run(path, run)
    assert read_run(path) == run
    assert leftover_services(path, timeout=0) == {"mine": os.getpid()}
    path.write_text("half a fi")
    assert read_run(path) is None


async def test_a_failed_migration_is_told_with_its_log(tmp_path: Path) -> None:
    """All run; the one that fails is named, with what it said."""
    good = MigrationSpec("good", (sys.executable, "-c", "print('done')"), {})
    bad = MigrationSpec("bad", (sys.executable, "-c", "raise SystemExit('no such table')"), {})
    await run_migrations([good], tmp_path)
    with pytest.raises(MigrationFailed, match=r"bad failed(.|\n)*no such table"):
        await run_migrations([good, bad], tmp_path)
    assert (tmp_path / "logs" / "good.log").read_text() == "done\n"


def test_a_large_log_is_moved_aside(tmp_path: Path) -> None:
    """Logs do not grow without a bound over many starts."""
    log = tmp_path / "a.log"
    log.write_text("small")
    rotate(log)
    assert log.read_text() == "small"
    with log.open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "a.log.1").exists()


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_live_line_stays_below_the_others() -> None:
    """A message clears the live line, prints itself and puts the live line back."""
    screen = Screen()
    terminal = Terminal(screen)
    terminal.live("1 item")
    terminal.say("a ended")
    terminal.end_live()
    terminal.say("bye")
    assert screen.getvalue() == "\r\x1b[K1 item\r\x1b[Ka ended\n1 item\nbye\n"


def test_a_closed_terminal_stops_nobody() -> None:
    """A broken pipe is no reason to end the stack."""
    screen = io.StringIO()
    terminal = Terminal(screen)
    screen.close()
    terminal.say("nobody reads this")
    terminal.live("nor this")


def test_the_live_line_counts_metrics_that_exist() -> None:
    """A renamed metric would leave its counter at zero for ever."""
    modules = {
        "ingest": "coop_ingest.metric",
        "rules-engine": "coop_rules_engine.metric",
        "action-dispatcher": "coop_action_dispatcher.metric",
        "routing": "coop_routing.metric",
    }
    for one in roster.COUNTED:
        importlib.import_module(modules[one.service])
        known = {metric.name: metric.labels for metric in catalogue()}
        assert set(one.labels) <= set(known[one.metric])
