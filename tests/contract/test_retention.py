"""Everything that is stored is in the registry of what is kept (`coop_contracts.stored`).

Whoever adds a table, a topic or a family of keys says there what it holds, for how long, what ends
it, and what an erasure does to it; then `make contracts` writes docs/retention.md.
"""

from __future__ import annotations

import importlib
import re
from fnmatch import fnmatchcase
from pathlib import Path

import psycopg
import pytest

from coop_contracts.stored import PLACES, StoredKind, stored_in, topics_stored
from coop_contracts.topic import all_topics
from coop_local.testing import Databases
from coop_runtime.database.engine import bootstrap, migrate
from tests import retention_catalogue
from tests.contract.test_migration import OWNERS, PASSWORDS, SCHEMAS, Schema, owner_url

ROOT = Path(__file__).resolve().parents[2]
KINDS = [(place, kind) for place in PLACES for kind in stored_in(place)]
each_kind = pytest.mark.parametrize(
    "kind", [kind for _, kind in KINDS], ids=[f"{place}.{kind.name}" for place, kind in KINDS]
)
each_schema = pytest.mark.parametrize("schema", SCHEMAS, ids=[one.name for one in SCHEMAS])

# A key in the code: a text that begins with a prefix of ours; what is in braces is any text.
_KEY = re.compile(r"""["`]((?:coop|ingest):[^"`\s]+)["`\s]""")
_BRACES = re.compile(r"\{\{\{.*?\}\}\}|\{[^{}]*\}|<[^<>]*>")
_ENGINES = {"Kafka", "Redis"}


@pytest.fixture(scope="module")
def database(databases: Databases) -> str:
    """A superuser's URL of a database with every schema as the migrations make it."""
    url = databases.make()
    bootstrap(url, PASSWORDS | OWNERS)
    for schema in SCHEMAS:
        migrate(
            owner_url(url, schema.role),
            script_location=f"{schema.package}:migrations",
            schema=schema.name,
        )
    return url


@pytest.mark.engines
@each_schema
def test_every_table_is_in_the_registry(database: str, schema: Schema) -> None:
    """The tables of the migrated database are those that the registry names, and no others."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace"
            " AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
            (schema.name,),
        ).fetchall()
    named = [kind.name for kind in stored_in(schema.name)]
    assert [name for (name,) in tables] == sorted(named), (
        f"say in libs/contracts/src/coop_contracts/retention/{schema.name}.yaml how long it is kept"
    )


@pytest.mark.engines
def test_there_is_no_other_schema(database: str) -> None:
    """A schema of tomorrow is a place of the registry."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'"
        ).fetchall()
    assert {name for (name,) in found} == {schema.name for schema in SCHEMAS}


def test_every_topic_is_in_the_registry() -> None:
    """Each topic has its row, with its days."""
    assert [kind.name for kind in topics_stored()] == [topic.topic for topic in all_topics()]


def test_every_family_of_keys_is_in_the_registry() -> None:
    """What the code names a key of Redis by is covered by a pattern, and each pattern is used."""
    patterns = [kind.name for kind in stored_in("redis")]
    unknown: dict[str, Path] = {}
    used: set[str] = set()
    for path in sorted(ROOT.glob("*/*/src/**/*")):
        if path.suffix not in (".py", ".lua"):
            continue
        for found in _KEY.findall(path.read_text(encoding="utf-8")):
            key = _BRACES.sub("x", found)
            key = key + "x" if key.endswith(":") else key
            covering = {one for one in patterns if fnmatchcase(key, one)}
            used |= covering
            if not covering:
                unknown[found] = path.relative_to(ROOT)
    assert unknown == {}
    assert used == set(patterns)


@each_kind
def test_a_kind_says_what_ends_it(kind: StoredKind) -> None:
    """Either something ends it, which is there to be imported, or it is said why nothing does."""
    if kind.by is None:
        assert kind.note
        return
    if kind.by in _ENGINES:
        return
    module, _, name = kind.by.partition(":")
    assert hasattr(importlib.import_module(module), name), kind.by


@each_kind
def test_a_kind_says_what_an_erasure_does(kind: StoredKind) -> None:
    """What can hold an end user's data says what becomes of it; what stays says why."""
    assert (kind.about == "END_USER") == (kind.erased != "NOTHING")
    assert kind.erased != "STAYS" or kind.note


def test_the_document_is_what_the_registry_says() -> None:
    """docs/retention.md has today's tables: `make contracts` writes them."""
    document = retention_catalogue.PATH.read_text(encoding="utf-8")
    assert document == retention_catalogue.text()
