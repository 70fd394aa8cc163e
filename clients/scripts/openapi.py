"""Writes the public API's OpenAPI document, from ingest's application itself: no server is started.

    python clients/scripts/openapi.py FILE

Must not: need a setting, a broker, Redis or a network.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

import httpx
from redis.asyncio import Redis

from coop_ingest.app import build_api
from coop_ingest.settings import Settings
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.redis.key_use import KeyUse

_absent = cast("Any", None)  # what only requests use


async def document() -> dict[str, Any]:
    """The document as a running ingest serves it."""
    application = build_api(
        Settings(),
        table=ConfigTable.of([]),
        publisher=_absent,
        redis=Redis(),
        use=KeyUse(),
        verdicts=_absent,
        lookups=_absent,
    )
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://coop") as client:
        answer = await client.get("/api/v1/openapi.json")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def main(target: Path) -> None:
    """Write it, with its keys in order, so that a difference is a difference of the API."""
    made = asyncio.run(document())
    target.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
