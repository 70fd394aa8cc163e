"""What libraries take along where it is installed, and no service of ours uses: left out.

    structlog          rich, for tracebacks on a terminal    ours are text before they are rendered
    httpx              rich and pygments, for its command
    redis              OpenTelemetry's metrics               ours are Prometheus'
                       its client of clusters                ours is of one server
    sqlalchemy's async its ORM, with the sessions            ours is SQL by tables
    its postgresql     dialects of asyncpg and pg8000        ours is psycopg's
    fastapi            pydantic's models of its version 1    ours are of version 2

Guarantees: a role's own imports go without these, each of which its library can do without; once
they are through, anybody may import everything, such as a plugin of the operator's.
Must not: leave out what a library answers differently without.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, Final

ABSENT: Final = ("rich", "pygments", "opentelemetry.sdk.metrics")
"""As if they were not installed."""

EMPTY: Final = (
    "sqlalchemy.ext.asyncio.session",
    "sqlalchemy.ext.asyncio.scoping",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.postgresql.pg8000",
    "redis.cluster",
    "redis.asyncio.cluster",
)
"""Their packages name what is in them and use none of it."""


class _NoModel:
    """What FastAPI compares each annotation and each answer with: nobody derives from it."""


class _Empty(ModuleType):
    """A module that has every name. Whatever is asked of one of them raises."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        class LeftOut:
            def __init__(self, *_: object, **__: object) -> None:
                raise ImportError(f"{name} is left out of the processes of services")

        LeftOut.__name__ = name
        return LeftOut


@contextmanager
def imports() -> Iterator[None]:
    """Whoever imports meanwhile goes without. What is loaded already stays.

    FastAPI looks for models of pydantic's version 1 as long as it runs, and takes none: it goes
    without them for good. Who imports `pydantic.v1` gets it, and FastAPI sees it then.
    """
    if "pydantic.v1" not in sys.modules:
        import pydantic  # noqa: PLC0415 - a process that loads nothing of it pays nothing

        pydantic.v1 = SimpleNamespace(BaseModel=_NoModel)
    stand_in: dict[str, ModuleType | None] = dict.fromkeys(ABSENT)
    stand_in |= {name: _Empty(name) for name in EMPTY}
    ours = {name: module for name, module in stand_in.items() if name not in sys.modules}
    sys.modules.update(ours)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in ours.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
