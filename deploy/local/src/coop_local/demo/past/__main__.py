"""`python -m coop_local.demo.past DEMO_FILE PAST_FILE MEDIA_URL`: loads the month before the story.

Guarantees: killed in the middle, the next run goes on with the same month; loaded, it does nothing.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from coop_local.demo.past.loader import PastLoader
from coop_local.demo.past.plan import month_before
from coop_local.demo.past.state import PastState
from coop_local.demo.state import DemoState
from coop_review_api.settings import ProjectorSettings
from coop_runtime.database.engine import engine_of


async def load(demo_file: Path, past_file: Path, media_url: str) -> None:
    """What is not there yet, into the database of the environment."""
    demo = msgspec.json.decode(demo_file.read_bytes(), type=DemoState)
    past = PastState.of(past_file)
    if past.loaded:
        return
    past.keep(past_file)
    engine = engine_of(ProjectorSettings().postgres, pool_size=2, application_name="coop-demo-past")
    try:
        loader = PastLoader(engine, demo, end=past.end, media_url=media_url)
        await loader.load(month_before(past.end))
    finally:
        await engine.dispose()
    past.loaded = True
    past.keep(past_file)


if __name__ == "__main__":
    demo_path, past_path, media = sys.argv[1:]
    asyncio.run(load(Path(demo_path), Path(past_path), media))
