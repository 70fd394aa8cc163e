"""The demo platform as a process: takes webhooks, shows its pictures, and lives a little: it tells
its story once, and sends some content of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn

from coop_local.demo.platform import Platform
from coop_local.demo.state import known_state
from coop_local.demo.story.telling import Storyteller
from coop_local.demo.stream import stream

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class DemoPlatform:
    """Where it listens and what it reaches. `rate` is items a second, 0 for none; without
    `told_file` no story is told."""

    port: int
    demo_file: Path
    keys_file: Path
    ingest_url: str
    review_url: str
    rate: float
    told_file: Path | None


async def serve(platform: DemoPlatform) -> None:
    """Runs until SIGTERM or SIGINT."""
    server = uvicorn.Server(
        uvicorn.Config(
            Platform(platform.keys_file),
            host="127.0.0.1",
            port=platform.port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            loop="uvloop",
        )
    )
    living = asyncio.create_task(_live(platform))
    try:
        await server.serve()
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


async def _live(platform: DemoPlatform) -> None:
    state = await known_state(platform.demo_file)
    if platform.told_file is not None:
        teller = Storyteller(
            ingest_url=platform.ingest_url,
            review_url=platform.review_url,
            media_url=f"http://127.0.0.1:{platform.port}/media",
            told_file=platform.told_file,
        )
        try:
            await teller.tell(state)
        except Exception:  # noqa: BLE001 - the stack runs without a story
            _log.exception("the story could not be told")
    if platform.rate > 0:
        await stream(
            state, platform.ingest_url, platform.rate, with_story=platform.told_file is not None
        )
