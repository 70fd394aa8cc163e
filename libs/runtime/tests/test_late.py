"""Libraries that are loaded when they are first needed."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from coop_runtime.process.late import Late, everything, loaded

_THREAD = "import threading, time\ntime.sleep(0.05)\nBY = threading.get_ident()\nTIMES = [0]\n"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that takes a while to load and says who loaded it."""
    name = f"slow_library_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(_THREAD)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_it_is_loaded_by_whoever_first_uses_a_name_of_it(library: str) -> None:
    """Not when it is named; then it is the module that `import` gives, loaded once."""
    late = Late(library)
    assert library not in sys.modules
    assert library in everything()
    late.TIMES.append(1)
    assert sys.modules[library].TIMES == [0, 1]
    with pytest.raises(AttributeError):
        _ = late.NOTHING_OF_THE_KIND


def test_one_that_is_not_installed_is_found_where_it_is_named() -> None:
    """At the start of the process, as with `import`, and not at the first request."""
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        Late("no_such_library.part")


async def test_it_is_loaded_beside_the_event_loop(library: str) -> None:
    """In a thread, for all who wait at once; the loop goes on meanwhile."""
    late = Late(library)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while not late.is_loaded():
            turns += 1
            await asyncio.sleep(0)

    await asyncio.gather(loaded(late), loaded(late), turn())
    assert threading.get_ident() != late.BY
    assert turns > 1
