"""What the routes need, built once in `app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_hma_bridge.exchange_desk import Exchanges
from coop_hma_bridge.file_hash import Hasher
from coop_hma_bridge.follower import Follower
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.matcher import Matcher
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.error import Retryable


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of one process. `ready`: the banks and their documents were read. `hma`: where a
    Hasher-Matcher-Actioner is asked as well."""

    ready: Callable[[], bool]
    engine: AsyncEngine
    matcher: Matcher
    hasher: Hasher
    follower: Follower
    exchanges: Exchanges
    config: ConfigTable
    hma: Hma | None


def context_of(request: Request) -> Context:
    """The process's context."""
    found: Context = request.app.state.context
    return found


def when_ready(request: Request) -> None:
    """A dependency of routes. Raises Retryable before anything can be said of banks."""
    if not context_of(request).ready():
        raise Retryable("the banks are being read")
