"""Roles and schemas: who owns what in the one PostgreSQL.

    coop_review   owns schema review     review-api; a member of coop_queues
    coop_queues   owns schema queues     routing, and review-api through its membership
    coop_dispatch owns schema dispatch   action-dispatcher

Guarantees: repeating it, also at the same moment from two processes, leaves the same state; a role
reads no other role's schema; every role has statement, lock and idle-in-transaction timeouts.
Must not: send a password in clear text to the server (its log might keep it), or drop anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg
from psycopg import Connection, errors, sql
from sqlalchemy.engine import make_url

ROLES: dict[str, str] = {
    "coop_review": "review",
    "coop_queues": "queues",
    "coop_dispatch": "dispatch",
}
"""The schema that each role owns."""

_MEMBERSHIPS = (("coop_queues", "coop_review"),)  # (group, member)

_ROLE_SETTINGS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}

_LOCK = 0x636F6F70_626F6F74  # the advisory lock of bootstrap; any number that nobody else takes
_ATTEMPTS = 10
# Advisory locks end at the database, roles do not: two databases of one server can still collide.
_COLLISIONS = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)


def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Creates the roles of `passwords` (role name to password), their schemas and their limits.

    `admin_url` belongs to a superuser or the owner of the database. Raises ValueError for a role
    that is not in `ROLES`, psycopg errors when the database refuses.
    """
    unknown = set(passwords) - set(ROLES)
    if unknown:
        raise ValueError(f"unknown roles: {', '.join(sorted(unknown))}")
    conninfo = make_url(admin_url).set(drivername="postgresql")
    with psycopg.connect(
        conninfo.render_as_string(hide_password=False), connect_timeout=5, autocommit=True
    ) as connection:
        connection.execute("SET statement_timeout = '60s'")
        for attempt in range(_ATTEMPTS):
            try:
                with connection.transaction():
                    _bootstrap(connection, passwords)
            except _COLLISIONS:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.05 * (attempt + 1))
            else:
                return


def _bootstrap(connection: Connection, passwords: Mapping[str, str]) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    for role, password in passwords.items():
        _create_role(connection, role, password)
    for group, member in _MEMBERSHIPS:
        if group in passwords and member in passwords:
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member))
            )
    _close_database(connection)
    for role in passwords:
        _create_schema(connection, role, ROLES[role])


def _create_role(connection: Connection, role: str, password: str) -> None:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if not found:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier.decode())
        )
    )


def _database(connection: Connection) -> sql.Identifier:
    return sql.Identifier(connection.info.dbname)


def _close_database(connection: Connection) -> None:
    """Nobody enters the database, or its public schema, without a grant."""
    connection.execute(
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(_database(connection))
    )
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")


def _create_schema(connection: Connection, role: str, schema: str) -> None:
    names = {
        "database": _database(connection),
        "role": sql.Identifier(role),
        "schema": sql.Identifier(schema),
    }
    for statement in (
        "GRANT CONNECT ON DATABASE {database} TO {role}",
        "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {role}",
        "ALTER SCHEMA {schema} OWNER TO {role}",
        "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC",
        "ALTER ROLE {role} IN DATABASE {database} SET search_path = {schema}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {role} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    ):
        connection.execute(sql.SQL(statement).format(**names))
    for setting, value in _ROLE_SETTINGS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET {setting} = {value}").format(
                **names, setting=sql.Identifier(setting), value=sql.Literal(value)
            )
        )
