"""The schemas: what the migrations make is what the code says, and they are safe to run.

Each migration waits at most 5 s for a lock and has a deadline (`coop_runtime.database.migration`;
its own tests show the retries). Squawk reads the SQL for what locks tables or breaks running
clients.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg import sql
from sqlalchemy import MetaData, create_engine

from coop_local.testing import Databases
from coop_runtime.database.engine import bootstrap, driver_url, migrate, owner_of, service_url

SQUAWK = Path(sys.executable).with_name("squawk")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """`first_release`: the revisions up to this one ran on empty tables only, as nothing was
    released before it; what is dear or dangerous on a full table is forbidden in those after.
    Without `is_declared` the tables are in the migrations alone, but for those that code declares.
    """

    name: str
    package: str
    role: str
    first_release: str
    is_declared: bool = True
    lowest: str = "base"  # as far down as there is a way

    @property
    def folder(self) -> Path:
        return Path(str(importlib.import_module(self.package).__file__)).parent / "migrations"

    @property
    def revisions(self) -> list[Path]:
        return sorted((self.folder / "versions").glob("[0-9]*.py"))

    def metadata(self) -> MetaData:
        """The tables of the code: of every module called `table`, or of `schema`."""
        found: MetaData | None = None
        root = self.folder.parent
        for path in sorted(root.rglob("*.py")):
            if path.stem in ("table", "schema"):
                parts = path.relative_to(root).with_suffix("").parts
                module = importlib.import_module(".".join((self.package, *parts)))
                found = getattr(module, "metadata", found)
        assert found is not None
        return found


SCHEMAS = [
    Schema(
        name="review",
        package="coop_review_api",
        role="coop_review",
        first_release="0011",
        lowest="0004",
    ),
    Schema(name="queues", package="coop_queues", role="coop_queues", first_release="0003"),
    Schema(
        name="dispatch",
        package="coop_action_dispatcher",
        role="coop_dispatch",
        first_release="0004",
        is_declared=False,
        lowest="0002",
    ),
    Schema(
        name="hashes",
        package="coop_hma_bridge",
        role="coop_hashes",
        first_release="0001",
        is_declared=False,
    ),
    Schema(
        name="ncmec",
        package="coop_ncmec_reporter",
        role="coop_ncmec",
        first_release="0001",
        is_declared=False,
    ),
]
each_schema = pytest.mark.parametrize("schema", SCHEMAS, ids=[one.name for one in SCHEMAS])

# Roles belong to the server, not to a database: every test of a session gives them the same ones.
PASSWORDS = {schema.role: f"{schema.name}-password" for schema in SCHEMAS}
OWNERS = {owner_of(schema.role): f"{schema.name}-owner-password" for schema in SCHEMAS}


@pytest.fixture(scope="module")
def database(databases: Databases) -> str:
    """A superuser's URL of a database with the roles and their empty schemas."""
    url = databases.make()
    bootstrap(url, PASSWORDS | OWNERS)
    return url


def owner_url(database: str, role: str) -> str:
    """The address of the owner of the schema that a role uses."""
    return service_url(database, owner_of(role), OWNERS[owner_of(role)])


def differences(url: str, schema: Schema) -> list[object]:
    """What alembic would write to make the database what the code says."""

    metadata = schema.metadata()
    declared = {table.name for table in metadata.tables.values()}

    def is_wanted(name: str | None, kind: str, _: object) -> bool:
        if kind == "schema":
            return name == schema.name
        if kind == "table" and not schema.is_declared:
            return name in declared
        # Partitions are made as they are needed, not by migrations.
        return kind != "table" or re.search(r"_p\d{8,10}$", name or "") is None

    # The role's own search path would make alembic take the schema for the default one.
    options = {"options": "-csearch_path=pg_catalog"}
    engine = create_engine(driver_url(url), connect_args=options)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "include_schemas": True,
                    "include_name": is_wanted,
                    "version_table_schema": schema.name,
                    "compare_type": True,
                    "compare_server_default": True,
                },
            )
            return list(compare_metadata(context, metadata))
    finally:
        engine.dispose()


def downgrade(url: str, schema: Schema) -> None:
    """Back to the lowest revision, by the revisions' own way down."""
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            config = Config()
            config.set_main_option("script_location", str(schema.folder))
            config.attributes |= {"connection": connection, "schema": schema.name}
            command.downgrade(config, schema.lowest)
    finally:
        engine.dispose()


@pytest.mark.engines
@each_schema
def test_the_models_are_what_the_migrations_make(database: str, schema: Schema) -> None:
    """Up, down and up again: nothing is left over, and nothing differs from the code's tables."""
    url = owner_url(database, schema.role)
    location = f"{schema.package}:migrations"
    migrate(url, script_location=location, schema=schema.name)
    assert differences(url, schema) == []
    downgrade(url, schema)
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
            (schema.name,),
        ).fetchall()
    assert schema.lowest != "base" or left == [("alembic_version",)]
    migrate(url, script_location=location, schema=schema.name)
    assert differences(url, schema) == []


@pytest.mark.engines
@each_schema
def test_nobody_else_reads_a_schema(database: str, schema: Schema) -> None:
    """A role sees no other role's tables; review-api alone may act as the queue store's too."""
    migrate(
        owner_url(database, schema.role),
        script_location=f"{schema.package}:migrations",
        schema=schema.name,
    )
    statement = sql.SQL("SELECT * FROM {}.alembic_version").format(sql.Identifier(schema.name))
    for role, password in PASSWORDS.items():
        if role == schema.role or (role, schema.role) == ("coop_review", "coop_queues"):
            continue
        url = service_url(database, role, password)
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with psycopg.connect(url) as connection, refused:
            connection.execute(statement)


@pytest.mark.engines
@each_schema
def test_a_running_service_owns_nothing(database: str, schema: Schema) -> None:
    """Every table, sequence and function of a schema is its owner's; the service's role reads and
    writes the rows of each of its tables, and can make, change and drop none of them."""
    url = owner_url(database, schema.role)
    migrate(url, script_location=f"{schema.package}:migrations", schema=schema.name)
    with psycopg.connect(database) as connection:
        owners = connection.execute(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
            " WHERE relnamespace = %(schema)s::regnamespace UNION"
            " SELECT pg_get_userbyid(proowner) FROM pg_proc"
            " WHERE pronamespace = %(schema)s::regnamespace",
            {"schema": schema.name},
        ).fetchall()
    assert owners == [(owner_of(schema.role),)]
    with psycopg.connect(url) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema.name,)
            )
        ]
    assert tables
    role = service_url(database, schema.role, PASSWORDS[schema.role])
    with psycopg.connect(role, autocommit=True) as connection:
        for table in tables:
            name = sql.Identifier(schema.name, table)
            has = connection.execute(
                "SELECT has_table_privilege(current_user, to_regclass(%s), 'SELECT')"
                " AND has_table_privilege(current_user, to_regclass(%s), 'DELETE')",
                (f"{schema.name}.{table}",) * 2,
            ).fetchone()
            assert has == (True,)
            for refused in ("DROP TABLE {}", "ALTER TABLE {} ADD COLUMN x int", "TRUNCATE {}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL(refused).format(name))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                sql.SQL("CREATE TABLE {} ()").format(sql.Identifier(schema.name, "own"))
            )


@pytest.mark.engines
def test_a_migration_runs_under_timeouts(database: str, tmp_path: Path) -> None:
    """What a revision sees: 5 s for a lock, and an end to each statement and idle transaction."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(
        "from sqlalchemy import MetaData\n"
        "from coop_runtime.database.migration import run_migrations\n"
        "run_migrations(MetaData())\n"
    )
    (tmp_path / "versions" / "0001.py").write_text(
        "from alembic import op\n"
        'revision, down_revision = "0001", None\n'
        "def upgrade():\n"
        '    op.execute("CREATE TABLE queues.seen AS SELECT name, setting FROM pg_settings'
        "     WHERE name ~ 'lock_timeout|statement_timeout|idle_in_transaction'\")\n"
    )
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA queues CASCADE")
    bootstrap(database, PASSWORDS | OWNERS)
    url = owner_url(database, "coop_queues")
    migrate(url, script_location=str(tmp_path), schema="queues")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT name, setting FROM queues.seen").fetchall()
        seen: dict[str, str] = dict(rows)
    assert seen["lock_timeout"] == "5000"
    assert 0 < int(seen["statement_timeout"]) <= 600_000
    assert 0 < int(seen["idle_in_transaction_session_timeout"]) <= 600_000


# Timeouts are set by `coop_runtime.database.migration`; counters here are bounded far below 2^31. A
# revision leaves its transaction (`autocommit_block`) to make an index concurrently.
_NEVER = {
    "ban-uncommitted-transaction",
    "transaction-nesting",
    "require-lock-timeout",
    "require-statement-timeout",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
}
# What matters only where a table has rows or clients.
_ON_FULL_TABLES = {
    "adding-required-field",
    "ban-drop-constraint",
    "ban-drop-not-null",
    "ban-drop-table",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "renaming-object",
    "renaming-table",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
}


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"revision_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sql(path: Path) -> str:
    """The statements of a revision's way up."""
    out = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": out}
    )
    with Operations.context(context):
        _module(path).upgrade()
    return out.getvalue()


def _squawk(file: Path, excluded: set[str]) -> str:
    told = subprocess.run(
        [
            str(SQUAWK),
            "--no-error-on-unmatched-pattern",
            "--assume-in-transaction",
            "--pg-version=15",
            "--reporter=gcc",
            f"--exclude={','.join(sorted(excluded))}",
            str(file),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if told.returncode == 0 else told.stdout + told.stderr


@each_schema
def test_migrations_are_safe_to_run(tmp_path: Path, schema: Schema) -> None:
    """Squawk finds nothing in any revision; in those after the first release, nothing that locks a
    full table or breaks what runs."""
    wrong = {}
    for revision in schema.revisions:
        statements = _sql(revision)
        if not statements.strip():
            continue
        file = tmp_path / f"{revision.stem}.sql"
        file.write_text(statements)
        is_new = revision.stem.partition("_")[0] > schema.first_release
        told = _squawk(file, _NEVER if is_new else _NEVER | _ON_FULL_TABLES)
        if told:
            wrong[revision.stem] = told
    assert wrong == {}


@each_schema
def test_what_breaks_the_version_before_is_in_the_notes_on_upgrading(schema: Schema) -> None:
    """A revision after the first release that takes something away, and has squawk look away, says
    in docs/upgrading.md what to do meanwhile."""
    root = Path(__file__).resolve().parents[2]
    notes = (root / "docs" / "upgrading.md").read_text(encoding="utf-8")
    for revision in schema.revisions:
        number = revision.stem.partition("_")[0]
        takes_away = re.search(r"squawk-ignore (ban-drop-(table|column)|renaming-)", _sql(revision))
        if number > schema.first_release and takes_away:
            section = notes.partition(f"migration of `{schema.name}`")[2]
            assert f"\n| {number}, " in section, revision.stem


def test_squawk_would_tell(tmp_path: Path) -> None:
    """The check above notices an index that would block a table's writers."""
    file = tmp_path / "wrong.sql"
    file.write_text("CREATE INDEX a ON review.users (email);\n")
    assert "require-concurrent-index-creation" in _squawk(file, _NEVER)
    file.write_text("CREATE INDEX ON;\n")
    assert "syntax-error" in _squawk(file, _NEVER | _ON_FULL_TABLES)


@each_schema
def test_revisions_are_one_chain(schema: Schema) -> None:
    """Every revision follows the one before it, by number."""
    before = None
    for path in schema.revisions:
        module = _module(path)
        assert module.revision == path.stem.partition("_")[0]
        assert module.down_revision == before
        before = module.revision
