"""What an api process is made of, as its routes reach it.

Guarantees: built once by `process.api`; a slice's own part (its desk, its clients) is found by its
type, so that this module knows no slice.
Must not: import a slice, or make anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.session_limit import SessionLimits
from coop_review_api.settings import Settings
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.secret.vault import Vault

P = TypeVar("P")


class FindsSession(Protocol):
    """See `people.session.find`."""

    async def __call__(
        self,
        connection: AsyncConnection,
        token: str,
        *,
        now: datetime,
        limits: SessionLimits,
        touch: bool = True,
    ) -> Principal | None: ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every route may use. `clock` gives the present in UTC; `signals` are those that a rule
    may name; `parts` are what single slices run on, by their types."""

    settings: Settings
    engine: AsyncEngine
    vault: Vault
    clock: Clock
    session_limits: SessionLimits
    find_session: FindsSession
    signals: SignalCatalogue
    parts: Mapping[type, object]

    def part(self, kind: type[P]) -> P:
        """The process's part of this type."""
        part = self.parts[kind]
        assert isinstance(part, kind)
        return part


def context_of(request: Request) -> Context:
    """The process's context."""
    context: Context = request.app.state.context
    return context


def part_of(request: Request, kind: type[P]) -> P:
    """The process's part of this type."""
    return context_of(request).part(kind)
