"""The history on the real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.ids import new_id
from coop_review_api.history.store import ItemStore
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions


@pytest.fixture(scope="session")
async def history_engine(review_url: str) -> AsyncIterator[AsyncEngine]:
    """Connections as the role `history` has them."""
    made = engine_of(review_url, pool_size=5, application_name="test-history")
    yield made
    await made.dispose()


@pytest.fixture
def partitions(history_engine: Any) -> Partitions:
    return Partitions(history_engine)


@pytest.fixture
def store(history_engine: Any, partitions: Partitions) -> ItemStore:
    return ItemStore(history_engine, partitions)


@pytest.fixture
def org_id() -> str:
    return new_id()
