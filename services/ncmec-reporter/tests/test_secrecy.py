"""Nothing of a medium, a password or a person's words lies anywhere in clear."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from .conftest import (
    PASSWORD,
    PIXELS,
    World,
    in_clear,
    medium,
    on_disk,
    requested,
    settings_of,
    thread,
    user,
)

pytestmark = pytest.mark.engines

WORDS = "a sentence that somebody wrote"


async def test_disk_rows_topics_and_logs_say_nothing(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    """A report with faults on its way, filed; another that needs a person, and one refused: in no
    file, row, event or line of a log are the pixels, their base64, the password, or what the report
    says."""
    caplog.set_level(logging.DEBUG)
    world.plan(
        {"endpoint": "upload", "nth": 1, "do": "html"},
        {"endpoint": "fileinfo", "nth": 1, "do": "code", "code": 1000},
        {"endpoint": "finish", "nth": 1, "do": "truncate", "when": "after"},
    )
    url = world.host.put("/a.png")
    said = user(display_names=(WORDS,), email="somebody@example.com")
    tip = await world.file(requested(medium(url), threads=(thread(WORDS),), user=said))
    assert tip.state == "DONE"
    await world.file(requested(threads=(thread(WORDS),), user=user(2), additional_info=WORDS))
    world.plan({"endpoint": "submit", "nth": 1, "do": "code", "code": 4100})
    await world.file(requested(threads=(thread(WORDS),), user=user(3)))
    world.configure(settings_of(username="stranger"))
    await world.add(requested(threads=(thread(WORDS),), user=user(4)))
    await world.filer.once()

    secrets = [*in_clear(PIXELS), PASSWORD.encode(), WORDS.encode(), b"somebody@example.com"]
    places = on_disk(tmp_path)
    assert places
    tables = await world.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'ncmec' ORDER BY 1"
    )
    for (table,) in tables:
        rows = await world.rows(f"SELECT * FROM ncmec.{table}")
        for row in rows:
            for value in row:
                raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                places[f"{table} {len(places)}"] = raw
    out, err = capfd.readouterr()
    places["log"] = (out + err + caplog.text).encode()
    assert "report waits" in out + err + caplog.text
    for place, content in places.items():
        for secret in secrets:
            assert secret not in content, place
    # That the search finds what there is to find:
    assert any(one in world.host.files["/a.png"] for one in in_clear(PIXELS))
