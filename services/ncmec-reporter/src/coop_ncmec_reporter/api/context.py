"""What the routes need, built once in `app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.destroyer import Destroyer
from coop_ncmec_reporter.filer import Clock
from coop_ncmec_reporter.keeping import Keeping
from coop_ncmec_reporter.place import Places
from coop_runtime.secret.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of one process."""

    engine: AsyncEngine
    vault: Vault
    wake: Callable[[], None]
    clock: Clock
    keeping: Keeping
    destroyer: Destroyer
    places: Places
    check: DocumentCheck


def context_of(request: Request) -> Context:
    """The process's context."""
    found: Context = request.app.state.context
    return found
