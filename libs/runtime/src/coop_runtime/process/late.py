"""Libraries that a process loads when it first needs them: what few requests need, and what takes
megabytes of every process that only might.

    if TYPE_CHECKING:
        from lxml import etree
    else:
        etree = Late("lxml.etree")

Guarantees: a library that is not installed is found where it is named, at the start of the process,
as with `import`; whoever uses a name of it gets it, from whatever thread, loaded once. That each
can be loaded is tested (`everything`).
Must not: be loaded on the event loop where that can be helped: importing a library of some
megabytes takes 50 ms and more. `loaded` does it in a thread.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

_named: Final[dict[str, None]] = {}


class Late:
    """A module, imported when something of it is first asked for.

    Raises ModuleNotFoundError at once where its distribution is not installed. Its parent is not
    imported to find that out: a module that its package lacks is found when it is loaded.
    """

    def __init__(self, name: str) -> None:
        top = name.partition(".")[0]
        if find_spec(top) is None:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
        _named[name] = None
        self._name = name
        self._loaded = False

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self.load(), attribute)
        setattr(self, attribute, value)  # from now on it is asked for as any attribute
        return value

    def load(self) -> ModuleType:
        """The module. Raises ImportError."""
        module = import_module(self._name)
        self._loaded = True
        return module

    def is_loaded(self) -> bool:
        return self._loaded


async def loaded(*libraries: Any) -> None:
    """Loads those of these `Late` that are not, in a thread, one after the other."""
    for library in libraries:
        if not library.is_loaded():
            await asyncio.to_thread(library.load)


def everything() -> list[str]:
    """The names of all modules that somebody named late, so far."""
    return list(_named)
