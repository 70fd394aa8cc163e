"""The list of reports, page by page."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from fastapi import HTTPException
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter import store
from coop_ncmec_reporter.api.cursor import decode_cursor, encode_cursor
from coop_runtime.database.engine import transaction

from .conftest import ORG, VAULT, requested, user

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.engines
async def test_every_report_is_on_one_page(engine: AsyncEngine) -> None:
    """Also of those that were requested at the same moment."""
    ids = []
    for number in range(5):
        request = requested(user=user(number))
        ids.append(request.cybertip_id)
        async with transaction(engine) as connection:
            await store.add(connection, VAULT, request, now=AT)
    seen: list[str] = []
    cursor = None
    while len(seen) < len(ids):
        async with transaction(engine) as connection:
            page = await store.newest(connection, ORG, after=decode_cursor(cursor), limit=2)
        assert page
        seen += [str(one.cybertip_id) for one in page]
        cursor = encode_cursor(store.ListPlace(page[-1].requested_at, page[-1].cybertip_id))
    assert sorted(seen) == sorted(ids)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", f"{AT.isoformat()}", f"2026-03-01T12:00:00/{uuid.UUID(int=1)}"],
    ids=["empty", "word", "half", "no zone"],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """422, whatever it is."""
    with pytest.raises(HTTPException) as refused:
        decode_cursor(cursor)
    assert refused.value.status_code == 422
