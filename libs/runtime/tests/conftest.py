"""Fixtures of the runtime's tests: the roles of a fresh database, and an engine of one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_runtime.database.engine import bootstrap, engine_of, service_url

PASSWORDS = {
    "coop_review": "review-password",
    "coop_queues": "queues-password",
    "coop_dispatch": "dispatch-password",
    "coop_review_owner": "review-owner-password",
    "coop_queues_owner": "queues-owner-password",
    "coop_dispatch_owner": "dispatch-owner-password",
}


@pytest.fixture(scope="session")
def role_urls(postgres_admin_url: str) -> dict[str, str]:
    """The URL of each role, on a bootstrapped database."""
    bootstrap(postgres_admin_url, PASSWORDS)
    return {
        role: service_url(postgres_admin_url, role, password)
        for role, password in PASSWORDS.items()
    }


@pytest.fixture
async def engine(role_urls: dict[str, str]) -> AsyncIterator[AsyncEngine]:
    """An engine of the owner of schema review: tests make tables of their own."""
    made = engine_of(role_urls["coop_review_owner"], pool_size=4, application_name="test")
    yield made
    await made.dispose()
