"""Schema migrations with alembic, run inside the process.

Guarantees: two migrators at once do the work once (advisory lock); a migration waits at most 5 s
for a lock, so that it never stands in front of live traffic, and is tried again; each migration is
one transaction; the version table lies inside the service's own schema; a schema that a newer
version has migrated is left as it is, so that going back to this version begins like any start.
Must not: run when a service starts serving; it is a role of its own (`python -m coop_x migrate`).

A service's migrations are a package folder with `versions/`, `script.py.mako` if new ones are to be
generated, and an `env.py` of three lines:

    from coop_runtime.database.migration import run_migrations
    from coop_x.store import metadata
    run_migrations(metadata)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy.exc
from sqlalchemy import Connection, MetaData, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from coop_runtime.process.backoff import Backoff, no_jitter
from coop_runtime.process.log import logger

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

_log = logger(__name__)

VERSION_TABLE = "alembic_version"

_ATTEMPTS = 6
_FIRST_DELAY, _LAST_DELAY = 0.5, 8.0  # seconds between two of them
_TURN, _TURN_EVERY = 600.0, 0.2  # seconds
_LOCK_NOT_AVAILABLE = "55P03"


def migrate(url: str, *, script_location: str, schema: str) -> None:
    """Brings `schema` to the newest revision of `script_location` (`package:folder`).

    `url` is the owner of the schema. Raises alembic's or SQLAlchemy's errors; the revisions before
    the failed one stay applied.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"connect_timeout": 5, "application_name": f"coop-migrate-{schema}"},
    )
    backoff = Backoff(first=_FIRST_DELAY, last=_LAST_DELAY, jitter=no_jitter)
    try:
        for attempt in range(_ATTEMPTS):
            try:
                with engine.connect() as connection:
                    _upgrade(connection, script_location, schema)
                return
            except sqlalchemy.exc.OperationalError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state != _LOCK_NOT_AVAILABLE or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(backoff.next_delay())
    finally:
        engine.dispose()


def _upgrade(connection: Connection, script_location: str, schema: str) -> None:
    # Imported here: only the migrate role pays for alembic's memory.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    connection.execute(text("SET statement_timeout = '10min'"))
    _take_turn(connection, schema)
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text("SET idle_in_transaction_session_timeout = '10min'"))
    connection.commit()

    config = Config()
    config.set_main_option("script_location", script_location.replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    ahead = _ahead(connection, ScriptDirectory.from_config(config), schema)
    if ahead is not None:
        _log.warning("a newer version has migrated this schema: left as it is", revision=ahead)
        return
    command.upgrade(config, "head")


def _ahead(connection: Connection, scripts: ScriptDirectory, schema: str) -> str | None:
    """The schema's revision, where it is a later one than any of ours; they are named so that they
    sort."""
    name = f"{schema}.{VERSION_TABLE}"
    current = None
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None:
        current = connection.scalar(text(f"SELECT version_num FROM {name}"))  # noqa: S608 - ours
    connection.commit()
    head = scripts.get_current_head()
    if current is None or head is None or current <= head:
        return None
    return str(current)


def _take_turn(connection: Connection, schema: str) -> None:
    """Wait until no other migrator of the schema is at work. The lock is the session's: it outlives
    each migration's transaction and ends with the connection.

    Asked for again and again, each time in a transaction of its own: an index that another one
    makes concurrently waits for every transaction, and would wait for one that waits for it.
    """
    deadline = time.monotonic() + _TURN
    while True:
        mine = connection.scalar(
            text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"),
            {"name": f"coop migrate {schema}"},
        )
        connection.commit()
        if mine:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"another migration of {schema} takes longer than {_TURN:g} s")
        time.sleep(_TURN_EVERY)


def run_migrations(metadata: MetaData) -> None:
    """What a service's `env.py` calls: runs the revisions on the connection `migrate` opened."""
    from alembic import context  # noqa: PLC0415

    connection: Connection = context.config.attributes["connection"]
    schema: str = context.config.attributes["schema"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        include_schemas=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
