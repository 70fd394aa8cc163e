"""What services leave out of what libraries take along."""

from __future__ import annotations

import subprocess
import sys

_WITHOUT = """
import sys
from coop_runtime.process import spare
with spare.imports():
    import httpx, redis.asyncio, structlog
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    import fastapi, fastapi.encoders
left_out = ("rich", "pygments", "opentelemetry.sdk.metrics", "sqlalchemy.orm", "pydantic.v1")
assert not [name for name in left_out if name in sys.modules], list(sys.modules)
redis.asyncio.Redis.from_url("redis://127.0.0.1:1").pipeline()
create_async_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
application = fastapi.FastAPI()
application.get("/")(lambda: {"a": 1})
class Thing:
    def __init__(self):
        self.a = 1
assert fastapi.encoders.jsonable_encoder(Thing()) == {"a": 1}
assert "pydantic.v1" not in sys.modules
from sqlalchemy.dialects import postgresql
try:
    AsyncSession()
except ImportError as error:
    assert "AsyncSession is left out" in str(error)
else:
    raise AssertionError("a session of nothing")
import rich, pygments, opentelemetry.sdk.metrics, sqlalchemy.orm
from sqlalchemy.ext.asyncio.session import AsyncSession
AsyncSession()
from pydantic.v1 import BaseModel
class Old(BaseModel):
    a: int
Old(a=1)
try:
    fastapi.FastAPI().get("/")(lambda old: None)
    fastapi.encoders.jsonable_encoder(Old(a=1))
except fastapi.exceptions.PydanticV1NotSupportedError:
    pass
else:
    raise AssertionError("a model of version 1 was taken")
"""


def test_libraries_do_without_for_the_time_of_a_roles_imports() -> None:
    """They load and work; what was left out says so; whoever wants it later gets it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _WITHOUT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
