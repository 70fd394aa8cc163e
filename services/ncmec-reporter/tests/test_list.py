"""The list of reports, page by page."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from fastapi import HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter import attempt_store, store
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


@pytest.mark.engines
async def test_reports_are_found_by_progress_and_by_user(engine: AsyncEngine) -> None:
    """On their way, in need of a person, filed; those about one user alone."""
    ids: dict[str, str] = {}
    states = {"OPEN": "HOLDING", "NEEDS_ATTENTION": "NEEDS_ATTENTION", "FILED": "FILED"}
    async with transaction(engine) as connection:
        for number, (progress, state) in enumerate(states.items()):
            request = requested(user=user(number))
            ids[progress] = request.cybertip_id
            await store.add(connection, VAULT, request, now=AT)
            await connection.execute(
                text(
                    "UPDATE ncmec.cybertips SET state = :state, filed_at = :filed "
                    "WHERE cybertip_id = CAST(:id AS uuid)"
                ),
                {
                    "state": state,
                    "filed": AT if progress == "FILED" else None,
                    "id": request.cybertip_id,
                },
            )
    for number, (progress, cybertip_id) in enumerate(ids.items()):
        async with transaction(engine) as connection:
            so_far = await store.newest(
                connection,
                ORG,
                after=None,
                limit=9,
                progress=progress,  # type: ignore[arg-type]
            )
            about = await store.newest(
                connection, ORG, after=None, limit=9, user=requested(user=user(number)).user.user
            )
        assert [str(one.cybertip_id) for one in so_far] == [cybertip_id]
        assert [str(one.cybertip_id) for one in about] == [cybertip_id]
    async with transaction(engine) as connection:
        tip = await store.find(connection, ORG, ids["OPEN"])
        assert tip is not None
        for step in ("submit", "upload", "finish"):
            await attempt_store.note_call(
                connection,
                tip,
                step,
                outcome="ok",
                status=200,
                code=0,
                request_id="r",
                milliseconds=5,
                now=AT,
            )
        calls, before = await attempt_store.calls(connection, tip, limit=2)
        assert ([one.step for one in calls], before) == (["upload", "finish"], 1)
        assert (await attempt_store.calls(connection, tip, limit=9))[1] == 0
