"""What one process of the role `api` is made of, built once in `app` and handed to every route."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.trial import Trials


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the routes need."""

    engine: AsyncEngine
    trials: Trials
    redis: Redis


def context_of(request: Request) -> Context:
    """The process's context."""
    found: Context = request.app.state.context
    return found
