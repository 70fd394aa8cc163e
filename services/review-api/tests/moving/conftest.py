"""Coop's database beside ours, each test with its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_local.testing import Databases
from coop_review_api.moving.history_mover import HistoryMover
from coop_review_api.moving.history_reader import HistoryReader
from coop_review_api.moving.mapped import Mapped, MappedPerson
from coop_review_api.moving.mapper import Known, mapped
from coop_review_api.moving.mover import Destination, Mover, Thing
from coop_review_api.moving.reader import read
from coop_review_api.moving.review_job import CoopNames
from coop_review_api.moving.waiting import Waiting
from coop_review_api.process.document_check import document_checks
from coop_review_api.settings import Settings
from coop_runtime.database.engine import engine_of, service_url
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.secret.vault import Vault
from coop_signals import InstalledSignals

from ..world.database import ROLES, migrated
from .coop_world import prepare

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def coop_url(databases: Databases) -> Iterator[str]:
    """Coop's database, a superuser's URL."""
    made = databases.make(prepare)
    yield made
    databases.drop(made)


@pytest.fixture
def new_admin_url(databases: Databases) -> Iterator[str]:
    """Our own database, with nobody in it; a superuser's URL."""
    made = databases.make(migrated)
    yield made
    databases.drop(made)


@pytest.fixture
def new_url(new_admin_url: str) -> str:
    """The same, as review-api uses it."""
    return service_url(new_admin_url, "coop_review", ROLES["coop_review"])


@pytest.fixture
async def new_engine(new_url: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(new_url, pool_size=3, application_name="test-moving")
    yield made
    await made.dispose()


@pytest.fixture
def here(new_engine: AsyncEngine, vault: Vault, installed_signals: InstalledSignals) -> Destination:
    guard = EgressGuard.of(Settings.load())
    return Destination(
        engine=new_engine,
        vault=vault,
        signals=installed_signals.catalogue,
        checks=document_checks(guard),
        clock=lambda: NOW,
    )


class Moving:
    """Runs of the importer, each with what Coop's database has now."""

    def __init__(self, coop_url: str, here: Destination, installed: InstalledSignals) -> None:
        self.coop_url = coop_url
        self.here = here
        self.kinds: frozenset[Kind] | None = None  # people and these alone, where less will do
        self._installed = installed

    async def mover(
        self,
        org_id: str,
        *,
        past: bool = False,
        waiting: Waiting | None = None,
        **more: object,
    ) -> Mover:
        source = await read(self.coop_url, org_id)
        known = Known(
            manifests=self._installed.manifests, now=NOW, saml_entity_id="https://idp.example/me"
        )
        things = [one for one in mapped(source, known) if self._is_wanted(one)]
        name = source.one("public.orgs")["name"]
        if past or waiting is not None:
            more["history"] = HistoryMover(
                org_id=org_id,
                reader=HistoryReader(self.coop_url, org_id),
                named=CoopNames.of(source),
                past=past,
                waiting=waiting,
            )
        return Mover(here=self.here, org_id=org_id, name=name, things=things, **more)  # type: ignore[arg-type]

    def _is_wanted(self, one: Thing) -> bool:
        if self.kinds is None or isinstance(one, MappedPerson):
            return True
        return isinstance(one, Mapped) and one.kind in self.kinds

    async def ids(self, table: str, org_id: str) -> list[str]:
        """What Coop has of an organisation in a table."""
        query = f"SELECT id::text FROM {table} WHERE org_id = %s"
        async with await psycopg.AsyncConnection.connect(self.coop_url) as connection:
            found = await connection.execute(query, [org_id])
            return [row[0] for row in await found.fetchall()]

    def coop(self, statement: str, *values: object) -> None:
        """Somebody changes something in Coop."""
        with psycopg.connect(self.coop_url) as connection:
            connection.execute(statement, values)


@pytest.fixture
def moving(coop_url: str, here: Destination, installed_signals: InstalledSignals) -> Moving:
    return Moving(coop_url, here, installed_signals)
