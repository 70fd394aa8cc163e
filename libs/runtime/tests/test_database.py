"""Roles, schemas, transactions and migrations on the real PostgreSQL."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import JSON, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_local.postgres import Postgres
from coop_local.testing import Databases
from coop_runtime.database.engine import (
    ROLES,
    bootstrap,
    engine_of,
    is_retryable,
    migrate,
    service_url,
    transaction,
)
from coop_runtime.database.schema import bootstrap_script
from coop_runtime.process.error import Retryable

from .conftest import PASSWORDS

pytestmark = pytest.mark.engines

OTHERS = [
    ("coop_queues", "review"),
    ("coop_dispatch", "review"),
    ("coop_dispatch", "queues"),
    ("coop_review", "dispatch"),
    ("coop_queues", "dispatch"),
    ("coop_review_owner", "queues"),
    ("coop_queues_owner", "review"),
]


@pytest.fixture(scope="module")
def owned_tables(role_urls: dict[str, str]) -> Iterator[None]:
    """One table `t` in each schema, made by its owner; gone before others look at the database."""
    owners = (
        ("coop_review_owner", "review"),
        ("coop_queues_owner", "queues"),
        ("coop_dispatch_owner", "dispatch"),
    )
    for role, schema in owners:
        with psycopg.connect(role_urls[role]) as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {schema}.t (id int)")
    yield
    for role, schema in owners:
        with psycopg.connect(role_urls[role]) as connection:
            connection.execute(f"DROP TABLE {schema}.t")


def test_bootstrap_repeats_and_runs_twice_at_once(
    postgres_admin_url: str, role_urls: dict[str, str]
) -> None:
    """Eight bootstraps at the same moment all succeed and leave the roles usable."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bootstrap(postgres_admin_url, PASSWORDS), range(8)))
    with psycopg.connect(role_urls["coop_review"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("coop_review",)


def test_bootstrap_on_two_databases_at_once(postgres_admin_url: str) -> None:
    """Roles belong to the server: bootstraps of two databases at once do not break each other."""
    with psycopg.connect(postgres_admin_url, autocommit=True) as connection:
        names = [f"{connection.info.dbname}_{n}" for n in range(4)]
        for name in names:
            connection.execute(f"CREATE DATABASE {name}")
        urls = [postgres_admin_url.rsplit("/", 1)[0] + f"/{name}" for name in names]
        try:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda url: bootstrap(url, PASSWORDS), urls))
        finally:
            for name in names:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def managed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A superuser's URL of a server that knows no role of the product yet."""
    server = Postgres(tmp_path_factory.mktemp("managed") / "postgres", durable=False)
    server.start()
    yield server.url
    server.stop()


def managed_database(server: str, owner: str, attributes: str) -> str:
    """A database as a provider hands one out, and its owner's URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN {attributes} PASSWORD 'owner'")
        connection.execute(f"CREATE DATABASE {owner}_db OWNER {owner}")
    url = service_url(server, owner, "owner")
    return urlunsplit(urlsplit(url)._replace(path=f"/{owner}_db"))


def test_the_owner_of_a_managed_database_bootstraps_it(managed_server: str) -> None:
    """Without being a superuser, more than once, and what comes of it is what a superuser's is:
    roles sign in, owners make tables, roles read and write those, and nothing else."""
    admin = managed_database(managed_server, "managed", "CREATEROLE CREATEDB")
    for _ in range(2):
        bootstrap(admin, PASSWORDS)
    with psycopg.connect(service_url(admin, "coop_review_owner", "review-owner-password")) as owner:
        owner.execute("CREATE TABLE review.t (id bigserial)")
    bootstrap(admin, PASSWORDS)
    with psycopg.connect(service_url(admin, "coop_review", "review-password")) as role:
        role.execute("INSERT INTO t DEFAULT VALUES")
        assert role.execute("SHOW lock_timeout").fetchone() == ("5s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute("DROP TABLE t")
    with (
        psycopg.connect(service_url(admin, "coop_dispatch", "dispatch-password")) as other,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        other.execute("SELECT * FROM review.t")


def test_who_may_not_create_roles_is_refused(managed_server: str) -> None:
    """By PostgreSQL, and nothing of it stays."""
    admin = managed_database(managed_server, "tenant", "")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bootstrap(admin, PASSWORDS)
    with psycopg.connect(admin) as connection:
        schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'review'")
        assert schemas.fetchone() is None


def test_the_script_says_what_bootstrap_does(managed_server: str) -> None:
    """Run as psql would, a database has the same schemas, rights and limits."""
    by_hand = managed_database(managed_server, "hand", "SUPERUSER")
    with psycopg.connect(by_hand, autocommit=True) as connection:
        for line in bootstrap_script("hand_db").splitlines():
            if line.endswith("\\gexec"):
                row = connection.execute(line.removesuffix("\\gexec")).fetchone()
                if row is not None:
                    connection.execute(row[0])
            elif not line.startswith("\\"):
                connection.execute(line)
    by_code = managed_database(managed_server, "code", "SUPERUSER")
    bootstrap(by_code, dict.fromkeys(ROLES, "p") | PASSWORDS)
    assert _rights(by_hand) == _rights(by_code)


def _rights(url: str) -> list[tuple[Any, ...]]:
    """Schemas with owner and rights, default rights, and what is set for roles, of a database."""
    with psycopg.connect(url) as connection:
        admin = connection.info.user
        found = connection.execute(
            """
            SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace
            WHERE nspname IN ('review', 'queues', 'dispatch', 'hashes', 'ncmec', 'public')
            UNION ALL SELECT defaclrole::regrole::text, defaclnamespace::regnamespace::text
                || defaclobjtype::text, defaclacl::text FROM pg_default_acl
            UNION ALL SELECT setrole::regrole::text, '', setconfig::text FROM pg_db_role_setting
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
            UNION ALL SELECT roleid::regrole::text, member::regrole::text, '' FROM pg_auth_members
            WHERE member::regrole::text LIKE 'coop_%'
            ORDER BY 1, 2, 3
            """
        ).fetchall()
    return [tuple(str(one).replace(admin, "admin") for one in row) for row in found]


def test_bootstrap_refuses_an_unknown_role(postgres_admin_url: str) -> None:
    """A role that owns no schema is an error, not a login without limits."""
    with pytest.raises(ValueError, match="unknown roles: mallory"):
        bootstrap(postgres_admin_url, {"mallory": "x"})


def test_a_password_reaches_the_server_only_as_a_verifier(
    postgres_admin_url: str, role_urls: dict[str, str]
) -> None:
    """What the server stores is a SCRAM verifier, which it was sent as such."""
    with psycopg.connect(postgres_admin_url) as connection:
        (stored,) = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'coop_review'"
        ).fetchone() or (None,)
    assert stored is not None
    assert stored.startswith("SCRAM-SHA-256$")


@pytest.mark.parametrize(("role", "schema"), OTHERS)
@pytest.mark.usefixtures("owned_tables")
def test_a_role_reads_no_other_schema(role_urls: dict[str, str], role: str, schema: str) -> None:
    """A role cannot read a table of a schema it does not own."""
    with (
        psycopg.connect(role_urls[role]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"SELECT * FROM {schema}.t")


@pytest.mark.usefixtures("owned_tables")
def test_review_is_a_member_of_queues(role_urls: dict[str, str]) -> None:
    """coop_review writes the queues schema in its own transactions."""
    with psycopg.connect(role_urls["coop_review"]) as connection:
        connection.execute("INSERT INTO queues.t VALUES (1)")


@pytest.mark.usefixtures("owned_tables")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE review.own (id int)",
        "DROP TABLE review.t",
        "ALTER TABLE review.t ADD COLUMN more int",
        "ALTER TABLE review.t OWNER TO coop_review",
        "TRUNCATE review.t",
        "CREATE INDEX ON review.t (id)",
        "CREATE FUNCTION review.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER t AFTER INSERT ON review.t EXECUTE FUNCTION pg_catalog.tsvector_update()",
        "ALTER TABLE queues.t DISABLE TRIGGER ALL",
        "DROP SCHEMA review CASCADE",
        "ALTER SCHEMA review RENAME TO mine",
        "SET ROLE coop_review_owner",
        "SET session_replication_role = replica",
        "CREATE ROLE another",
    ],
)
def test_a_services_role_changes_rows_and_nothing_else(
    role_urls: dict[str, str], statement: str
) -> None:
    """It reads and writes rows; what is made, changed or dropped is its schema's owner's."""
    with psycopg.connect(role_urls["coop_review"]) as connection:
        for rows in (
            "INSERT INTO review.t VALUES (1)",
            "UPDATE review.t SET id = 2",
            "SELECT id FROM review.t",
            "DELETE FROM review.t",
        ):
            connection.execute(rows)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_what_a_role_made_before_there_were_owners_becomes_the_owners(
    databases: Databases,
) -> None:
    """A schema of a release that knew no owners: its tables are the owner's afterwards, its rows
    are the role's to read and write as before."""
    admin = databases.make()
    with psycopg.connect(admin, autocommit=True) as connection:
        bootstrap(admin, PASSWORDS)
        connection.execute("GRANT CREATE ON SCHEMA review TO coop_review")
    url = service_url(admin, "coop_review", PASSWORDS["coop_review"])
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE review.old (id bigserial)")
    bootstrap(admin, PASSWORDS)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO review.old DEFAULT VALUES")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE review.old")


@pytest.mark.parametrize("schema", ["public", "dispatch"])
def test_a_role_makes_no_table_elsewhere(role_urls: dict[str, str], schema: str) -> None:
    """A role creates nothing outside its own schema."""
    with (
        psycopg.connect(role_urls["coop_review"]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"CREATE TABLE {schema}.intruder (id int)")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("search_path", "review"),
    ],
)
def test_every_role_has_limits(role_urls: dict[str, str], setting: str, value: str) -> None:
    """The limits come with the role, not with the client's good will."""
    with psycopg.connect(role_urls["coop_review"]) as connection:
        assert connection.execute(f"SHOW {setting}").fetchone() == (value,)


def test_service_url_escapes_the_password() -> None:
    """A password with URL characters survives; host and options stay."""
    url = service_url("postgresql://a:b@h:5/db?host=/sock", "r", "p@ss/w:rd")
    assert url == "postgresql://r:p%40ss%2Fw%3Ard@h:5/db?host=%2Fsock"


async def test_a_transaction_commits_or_leaves_nothing(engine: AsyncEngine) -> None:
    """The block's end commits; an exception rolls everything back and passes unchanged."""
    async with transaction(engine) as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS tx (id int PRIMARY KEY)"))
        await connection.execute(text("DELETE FROM tx"))
    async with transaction(engine) as connection:
        await connection.execute(text("INSERT INTO tx VALUES (1)"))

    async def fail() -> None:
        async with transaction(engine) as connection:
            await connection.execute(text("INSERT INTO tx VALUES (2)"))
            raise KeyError("no")

    with pytest.raises(KeyError):
        await fail()
    async with transaction(engine) as connection:
        assert (await connection.execute(text("SELECT id FROM tx"))).all() == [(1,)]


async def test_a_broken_constraint_is_not_an_outage(engine: AsyncEngine) -> None:
    """An IntegrityError stays what it is: trying again cannot help."""

    async def break_constraint() -> None:
        async with transaction(engine) as connection:
            await connection.execute(text("CREATE TABLE c (id int PRIMARY KEY)"))
            await connection.execute(text("INSERT INTO c VALUES (1), (1)"))

    with pytest.raises(sqlalchemy.exc.IntegrityError):
        await break_constraint()


async def test_json_goes_through_msgspec(engine: AsyncEngine) -> None:
    """A JSON value comes back as it went in, Unicode and all."""
    value = {"a": [1, 2.5, None, "é\u2028"], "b": {"c": True}}
    async with transaction(engine) as connection:
        query = text("SELECT CAST(:v AS json)").bindparams(bindparam("v", type_=JSON))
        found = (await connection.execute(query.columns(v=JSON), {"v": value})).scalar_one()
    assert found == value


async def test_nobody_listening_is_retryable(role_urls: dict[str, str]) -> None:
    """A database that refuses the connection is an outage."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://u:p@127.0.0.1:{taken.getsockname()[1]}/db"
        engine = engine_of(url, application_name="test")
        with pytest.raises(Retryable, match="database"):
            async with transaction(engine):
                pass
        await engine.dispose()


async def test_a_killed_connection_is_retryable_and_the_next_one_works(
    engine: AsyncEngine, postgres_admin_url: str
) -> None:
    """A backend killed in the middle is an outage for that block only."""

    async def lose_the_connection() -> None:
        async with transaction(engine) as connection:
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            with psycopg.connect(postgres_admin_url) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            await connection.execute(text("SELECT 1"))

    with pytest.raises(Retryable):
        await lose_the_connection()
    async with transaction(engine) as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_an_exhausted_pool_is_retryable(role_urls: dict[str, str]) -> None:
    """When no connection becomes free in time the caller backs off."""
    engine = engine_of(
        role_urls["coop_review"], pool_size=1, pool_timeout=0.2, application_name="test"
    )
    async with transaction(engine):
        with pytest.raises(Retryable):
            async with transaction(engine):
                pass
    await engine.dispose()


async def test_a_lock_held_by_another_is_retryable(engine: AsyncEngine) -> None:
    """A lock that is not had within its timeout is an outage, not a bug."""
    async with transaction(engine) as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS held (id int)"))
    async with transaction(engine) as first:
        await first.execute(text("LOCK TABLE held"))

        async def wait_in_vain() -> None:
            async with transaction(engine) as second:
                await second.execute(text("SET LOCAL lock_timeout = '50ms'"))
                await second.execute(text("LOCK TABLE held"))

        with pytest.raises(Retryable):
            await wait_in_vain()


async def test_a_silent_database_ends_at_the_deadline() -> None:
    """A server that takes the connection and never answers costs the deadline, not for ever."""

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # the kernel accepts; nobody ever answers
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/db"
        engine = engine_of(url, application_name="test")
        began = time.monotonic()
        with pytest.raises(Retryable):
            async with transaction(engine, within=1):
                pass
        assert time.monotonic() - began < 3
        await engine.dispose()


def test_what_counts_as_an_outage() -> None:
    """Codes of overload and fail-over are retryable; a syntax error is not."""
    assert is_retryable(psycopg.errors.TooManyConnections())
    assert is_retryable(psycopg.errors.ReadOnlySqlTransaction())
    assert is_retryable(psycopg.errors.DeadlockDetected())
    assert not is_retryable(psycopg.errors.SyntaxError())
    assert not is_retryable(psycopg.errors.UniqueViolation())
    assert not is_retryable(ValueError())


REVISION = """
from alembic import op
revision = "{revision}"
down_revision = {down!r}
def upgrade():
    op.execute("{statement}")
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A migrations folder of two revisions, with the three-line env.py."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(
        "from coop_runtime.database.migration import run_migrations\n"
        "from sqlalchemy import MetaData\n"
        "run_migrations(MetaData())\n"
    )
    for number, down, statement in (
        ("0001", None, "CREATE TABLE IF NOT EXISTS queues.applied (n int)"),
        ("0002", "0001", "INSERT INTO queues.applied VALUES (2)"),
    ):
        (tmp_path / "versions" / f"{number}.py").write_text(
            REVISION.format(revision=number, down=down, statement=statement)
        )
    return tmp_path


@pytest.fixture
def empty_queues(role_urls: dict[str, str]) -> None:
    """The queues schema without the tables of these tests."""
    with psycopg.connect(role_urls["coop_queues_owner"]) as connection:
        connection.execute("DROP TABLE IF EXISTS queues.applied, queues.alembic_version")


@pytest.mark.usefixtures("empty_queues")
def test_two_migrators_at_once_apply_each_revision_once(
    role_urls: dict[str, str], migrations: Path
) -> None:
    """Four migrators at once: each revision once, the version table inside the schema."""
    url = role_urls["coop_queues_owner"]
    program = "import sys; from coop_runtime.database.engine import migrate; "
    program += "migrate(sys.argv[1], script_location=sys.argv[2], schema='queues')"
    command = [sys.executable, "-c", program, url, str(migrations)]
    migrators = [subprocess.Popen(command) for _ in range(4)]
    assert [migrator.wait(60) for migrator in migrators] == [0, 0, 0, 0]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM queues.applied").fetchall() == [(2,)]
        assert connection.execute("SELECT version_num FROM queues.alembic_version").fetchall() == [
            ("0002",)
        ]


@pytest.mark.usefixtures("empty_queues")
def test_a_failed_revision_leaves_the_earlier_ones(
    role_urls: dict[str, str], migrations: Path
) -> None:
    """Each revision is a transaction: the failed one leaves nothing, the ones before stay."""
    (migrations / "versions" / "0003.py").write_text(
        REVISION.format(
            revision="0003", down="0002", statement="INSERT INTO queues.applied VALUES (3), ('x')"
        )
    )
    url = role_urls["coop_queues_owner"]
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        migrate(url, script_location=str(migrations), schema="queues")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM queues.applied").fetchall() == [(2,)]


@pytest.mark.usefixtures("empty_queues")
def test_a_migration_waits_for_a_lock_by_retries(
    role_urls: dict[str, str], migrations: Path
) -> None:
    """A table locked by traffic makes the migration give way and try again until it is free."""
    url = role_urls["coop_queues_owner"]
    migrate(url, script_location=str(migrations), schema="queues")
    (migrations / "versions" / "0003.py").write_text(
        REVISION.format(
            revision="0003",
            down="0002",
            statement="SET LOCAL lock_timeout = '100ms'; LOCK TABLE queues.applied;"
            " INSERT INTO queues.applied VALUES (3)",
        )
    )
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE queues.applied")
        release = threading.Timer(0.6, holder.rollback)
        release.start()
        migrate(url, script_location=str(migrations), schema="queues")
        release.join()
        assert holder.execute("SELECT max(n) FROM queues.applied").fetchone() == (3,)


@pytest.mark.usefixtures("empty_queues")
def test_a_schema_that_is_ahead_is_left_as_it_is(
    role_urls: dict[str, str], migrations: Path
) -> None:
    """Going back to the version before: its migrations have nothing to do, and that is no error."""
    url = role_urls["coop_queues_owner"]
    later = migrations / "versions" / "0003.py"
    later.write_text(
        REVISION.format(
            revision="0003", down="0002", statement="INSERT INTO queues.applied VALUES (3)"
        )
    )
    migrate(url, script_location=str(migrations), schema="queues")
    later.unlink()
    migrate(url, script_location=str(migrations), schema="queues")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM queues.alembic_version").fetchall() == [
            ("0003",)
        ]
        assert connection.execute("SELECT max(n) FROM queues.applied").fetchone() == (3,)
