"""Roles and schemas: who owns what in the one PostgreSQL.

    coop_review     uses schema review     review-api; a member of coop_queues
    coop_queues     uses schema queues     routing, and review-api through its membership
    coop_dispatch   uses schema dispatch   action-dispatcher
    coop_hashes     uses schema hashes     hma-bridge
    coop_ncmec      uses schema ncmec      ncmec-reporter
    coop_…_owner    owns the schema, and all that is in it: the command `migrate`, and nobody else

Guarantees: repeating it, also at the same moment from two processes, leaves the same state, and
takes what a service's own role made before there were owners from it; a service's role reads and
writes the rows of its schema, and makes, changes and drops nothing there (what it needs of that are
functions of the owner); it reads no other role's schema; every role has statement, lock and
idle-in-transaction timeouts.
Must not: send a password in clear text to the server (its log might keep it), or drop anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import psycopg
from psycopg import Connection, errors, sql
from sqlalchemy.engine import make_url

ROLES: dict[str, str] = {
    "coop_review": "review",
    "coop_queues": "queues",
    "coop_dispatch": "dispatch",
    "coop_hashes": "hashes",
    "coop_ncmec": "ncmec",
}
"""The schema that each service's role uses."""


def owner_of(role: str) -> str:
    """The role that owns the schema of a service's role."""
    return f"{role}_owner"


_MEMBERSHIPS = (("coop_queues", "coop_review"),)  # (group, member)

_ROLE_SETTINGS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}

# psql carries out what the row says, where there is one.
_MAKE_ROLE = "SELECT {} WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {}) \\gexec"

_LOCK = 0x636F6F70_626F6F74  # the advisory lock of bootstrap; any number that nobody else takes
_ATTEMPTS = 10
# Advisory locks end at the database, roles do not: two databases of one server can still collide.
_COLLISIONS = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)


def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Creates the roles of `passwords` (role name to password), their schemas and their limits.

    Owners are made with their schema's role; one without a password of its own signs in nowhere.
    `admin_url` belongs to a superuser, or to the owner of the database who may create roles
    (CREATEROLE), as managed databases have it; such a one becomes a member of the roles, as it has
    to be to give them anything. Raises ValueError for a role that is neither in `ROLES` nor the
    owner of one that is given, psycopg errors when the database refuses.
    """
    roles = [role for role in passwords if role in ROLES]
    unknown = set(passwords) - set(roles) - {owner_of(role) for role in roles}
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


def bootstrap_script(database: str) -> str:
    """The same as SQL for `psql`, to be read and run by whoever may: all roles, and no password;
    each is asked for by psql, which sends a verifier."""
    lines = ["BEGIN;"]
    for role in _with_owners(ROLES):
        name = sql.Identifier(role)
        make = sql.SQL(_MAKE_ROLE).format(
            sql.Literal(f"CREATE ROLE {name.as_string(None)}"), sql.Literal(role)
        )
        lines += [make.as_string(None), f"ALTER ROLE {name.as_string(None)} LOGIN;"]
    lines += [f"{one.as_string(None)};" for one in _grants(sql.Identifier(database), list(ROLES))]
    lines += ["COMMIT;", *(f"\\password {role}" for role in _with_owners(ROLES))]
    return "\n".join(lines) + "\n"


def _bootstrap(connection: Connection, passwords: Mapping[str, str]) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    roles = [role for role in passwords if role in ROLES]
    for role in _with_owners(roles):
        _create_role(connection, role, passwords.get(role))
    if not _is_superuser(connection):
        for role in _with_owners(roles):
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
    for statement in _grants(sql.Identifier(connection.info.dbname), roles):
        connection.execute(statement)


def _with_owners(roles: Iterable[str]) -> list[str]:
    return [one for role in roles for one in (role, owner_of(role))]


def _is_superuser(connection: Connection) -> bool:
    found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return found.fetchone() == (True,)


def _create_role(connection: Connection, role: str, password: str | None) -> None:
    found = connection.execute(
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = %s", (role,)
    ).fetchone()
    name = sql.Identifier(role)
    if found is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    elif found[0]:
        # Only a superuser may say so, also where it changes nothing.
        connection.execute(
            sql.SQL("ALTER ROLE {} NOSUPERUSER NOCREATEDB NOCREATEROLE").format(name)
        )
    if password is None:
        return
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(verifier.decode()))
    )


def _grants(database: sql.Identifier, roles: Sequence[str]) -> Iterator[sql.Composed]:
    """What makes schemas of roles that exist; repeating it changes nothing. Nobody enters the
    database, or its public schema, without a grant."""
    for group, member in _MEMBERSHIPS:
        if group in roles and member in roles:
            yield sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member))
    yield sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database)
    yield sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC").format()
    for role in roles:
        yield from _schema(database, role, ROLES[role])
        for one in (role, owner_of(role)):
            yield from _limits(database, one, ROLES[role])


def _schema(database: sql.Identifier, role: str, schema: str) -> Iterator[sql.Composed]:
    names = {
        "database": database,
        "role": sql.Identifier(role),
        "owner": sql.Identifier(owner_of(role)),
        "schema": sql.Identifier(schema),
    }
    rows = "SELECT, INSERT, UPDATE, DELETE"
    for statement in (
        "GRANT CONNECT ON DATABASE {database} TO {role}, {owner}",
        "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}",
        "ALTER SCHEMA {schema} OWNER TO {owner}",
        "REASSIGN OWNED BY {role} TO {owner}",
        "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {role}",
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT {rows} ON ALL TABLES IN SCHEMA {{schema}} TO {{role}}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
        f" GRANT {rows} ON TABLES TO {{role}}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
        " GRANT USAGE, SELECT ON SEQUENCES TO {role}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
        " GRANT EXECUTE ON FUNCTIONS TO {role}",
    ):
        yield sql.SQL(statement).format(**names)


def _limits(database: sql.Identifier, role: str, schema: str) -> Iterator[sql.Composed]:
    names = {"database": database, "role": sql.Identifier(role)}
    for setting, value in {"search_path": schema, **_ROLE_SETTINGS}.items():
        yield sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET {setting} = {value}").format(
            **names, setting=sql.Identifier(setting), value=sql.Literal(value)
        )
