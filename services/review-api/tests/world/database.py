"""A database with both schemas migrated, and the way to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_local.testing import Databases
from coop_queues.migrations import run as migrate_queues
from coop_queues.order import client_of
from coop_review_api.migrations import run as migrate_review
from coop_runtime.database.engine import bootstrap, engine_of, service_url

ROLES = {
    "coop_review": "review-password",
    "coop_review_owner": "review-owner-password",
    "coop_queues": "queues-password",
    "coop_queues_owner": "queues-owner-password",
}


def migrated(admin_url: str) -> None:
    """Makes the roles and both schemas."""
    bootstrap(admin_url, ROLES)
    migrate_queues(service_url(admin_url, "coop_queues_owner", ROLES["coop_queues_owner"]))
    migrate_review(service_url(admin_url, "coop_review_owner", ROLES["coop_review_owner"]))


@pytest.fixture(scope="session")
def review_admin_url(databases: Databases) -> str:
    """A superuser's URL of a database with both schemas migrated."""
    return databases.make(migrated)


@pytest.fixture(scope="session")
def review_url(review_admin_url: str) -> str:
    return service_url(review_admin_url, "coop_review", ROLES["coop_review"])


@pytest.fixture(scope="session")
async def engine(review_url: str) -> AsyncIterator[AsyncEngine]:
    """One for all tests: its connections stay open, its statements stay compiled."""
    made = engine_of(review_url, pool_size=10, application_name="test")
    yield made
    await made.dispose()


@pytest.fixture
async def owner_engine(review_admin_url: str) -> AsyncIterator[AsyncEngine]:
    """For what no service does with its tables, such as ANALYZE before a plan is looked at."""
    made = engine_of(review_admin_url, pool_size=1, application_name="test-owner")
    yield made
    await made.dispose()


@pytest.fixture(scope="session")
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """One client for all tests."""
    made = client_of(redis_url)
    yield made
    await made.aclose()
