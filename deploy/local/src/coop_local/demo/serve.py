"""The demo platform as a process: takes webhooks, and sends a little content of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvicorn

from coop_local.demo.platform import Platform
from coop_local.demo.stream import stream


async def serve(
    *, port: int, demo_file: Path, keys_file: Path, ingest_url: str, rate: float
) -> None:
    """Runs until SIGTERM or SIGINT. `rate` is items a second, 0 for none."""
    server = uvicorn.Server(
        uvicorn.Config(
            Platform(keys_file),
            host="127.0.0.1",
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            loop="uvloop",
        )
    )
    sending = asyncio.create_task(stream(demo_file, ingest_url, rate)) if rate > 0 else None
    try:
        await server.serve()
    finally:
        if sending:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
