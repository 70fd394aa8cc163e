"""Apache Kafka in KRaft mode, one process that is broker and controller, from its Maven artifacts.

Guarantees: the class path is what the pinned `broker_artifact/pom.xml` names, fetched once into the
cache and complete there or absent; storage is formatted at the first start; loopback only; a
bounded heap; topics are never created by accident; data survives a restart.

Must not: fall back to another broker (that is `coop_local.stack`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from tempfile import mkdtemp

from coop_local.engine import EngineError, EngineProcess, is_open, remembered_port
from coop_local.java import find_java
from coop_local.topics import broker_answers

VERSION = "4.1.1"
_FETCH_SECONDS = 180
_FORMAT_SECONDS = 60
# One cluster, one node: the id only tells Kafka that the storage is its own.
_CLUSTER_ID = "Q29vcExvY2FsU3RhY2sxMQ"
_JVM = (
    "-Xms96m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=128m",
    "-XX:ReservedCodeCacheSize=64m",
    "-Xshare:auto",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=6000
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=8388608
log.initial.task.delay.ms=1000
log.retention.check.interval.ms=5000
"""

_LOGGING = """\
status=warn
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


class Kafka(EngineProcess):
    """One Kafka broker."""

    name = "kafka"
    idempotence = True

    def __init__(
        self,
        state: Path,
        *,
        cache: Path,
        log: Path | None = None,
        port: int | None = None,
        more: Callable[[], str] = str,
    ) -> None:
        """`cache`: where the class path is kept; several stacks share it. `more`: properties that
        come after the others, and win."""
        super().__init__(state, log=log)
        self._more = more
        self._cache = cache.absolute()
        self._wanted_port = port
        self._port = 0
        self._java = Path()

    @property
    def url(self) -> str:
        """The bootstrap server."""
        return f"127.0.0.1:{self._port}"

    def prepare(self) -> None:
        class_path(self._cache)
        self._java = find_java()
        self.state.mkdir(parents=True, exist_ok=True)
        self._await_leftover()
        self._port = remembered_port(self.state / "port", wanted=self._wanted_port)
        controller_port = remembered_port(self.state / "controller-port")
        data = self.state / "data"
        (self.state / "log4j2.properties").write_text(_LOGGING)
        if not data.exists():
            self._format(controller_port, data)
        properties = _PROPERTIES.format(port=self._port, controller_port=controller_port, data=data)
        (self.state / "server.properties").write_text(properties + self._more())

    def _format(self, controller_port: int, data: Path) -> None:
        """Format a side directory that becomes the data directory when it is complete."""
        new = self.state / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        properties = self.state / "format.properties"
        properties.write_text(
            _PROPERTIES.format(port=self._port, controller_port=controller_port, data=new)
        )
        arguments = ["format", "-t", _CLUSTER_ID, "-c", str(properties)]
        made = subprocess.run(
            [*self._jvm(), "kafka.tools.StorageTool", *arguments],
            capture_output=True,
            text=True,
            timeout=_FORMAT_SECONDS,
            check=False,
            env=dict(self.environment()),
            cwd=self.state,
        )
        if made.returncode != 0:
            raise EngineError(f"Kafka's storage was not formatted: {made.stderr or made.stdout}")
        new.rename(data)

    def _jvm(self) -> list[str]:
        return [
            str(self._java),
            *_JVM,
            f"-Dlog4j2.configurationFile={self.state / 'log4j2.properties'}",
            "-cp",
            f"{class_path(self._cache)}/*",
        ]

    def command(self) -> Sequence[str]:
        return [*self._jvm(), "kafka.Kafka", str(self.state / "server.properties")]

    def answers(self) -> bool:
        return is_open(self._port) and broker_answers(self.url)


def class_path(cache: Path) -> Path:
    """The folder with Kafka's jars, fetched by Maven when the cache has none.

    Raises EngineError when Maven is missing or its repository does not answer in time.
    """
    pom = resources.files("coop_local").joinpath("broker_artifact", "pom.xml")
    folder = cache / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise EngineError("mvn is not on PATH")
    cache.mkdir(parents=True, exist_ok=True)
    # Complete or absent: another start may be fetching into its own folder at this moment.
    new = Path(mkdtemp(prefix="kafka-", dir=cache))
    try:
        with resources.as_file(pom) as pom_file:
            fetched = subprocess.run(
                [
                    maven,
                    "--quiet",
                    "--batch-mode",
                    "--strict-checksums",
                    f"--file={pom_file}",
                    "dependency:copy-dependencies",
                    f"-DoutputDirectory={new}",
                ],
                capture_output=True,
                text=True,
                timeout=_FETCH_SECONDS,
                check=False,
                env=_maven_environment(),
            )
        if fetched.returncode != 0:
            raise EngineError(f"mvn could not fetch Kafka: {_first_error(fetched.stdout)}")
        new.chmod(0o755)
        if not folder.is_dir():
            new.rename(folder)
    except subprocess.TimeoutExpired:
        raise EngineError(f"mvn did not fetch Kafka within {_FETCH_SECONDS} s") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _maven_environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}


def _first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("[ERROR]")]
    return errors[0].removeprefix("[ERROR]").strip()[:200] if errors else "no reason given"
