"""JSON that somebody else answered: one reader for platforms, identity providers and models.

Guarantees: what is given is JSON of the wanted form, in UTF-8, at most `MAX_DEPTH` deep, so that
whoever handles it may recurse; anything else is an UnreadableAnswer that says which of these it is
not, and never quotes what was answered.
Must not: bound the size; `EgressGuard.client` does, before anything is here.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar, overload

import msgspec

from coop_contracts.json_text import BOM, is_utf8, storable, walk

T = TypeVar("T")

MAX_DEPTH: Final = 64  # lists and objects inside one another


class UnreadableAnswer(Exception):
    """`str(error)` goes on after "the answer": "is not JSON"."""


@overload
def read_answer(content: bytes, *, mended: bool = False) -> Any: ...
@overload
def read_answer(content: bytes, form: type[T], *, mended: bool = False) -> T: ...
def read_answer(content: bytes, form: Any = Any, *, mended: bool = False) -> Any:
    """The answer's value. `mended`: a text that cannot be kept is kept with U+FFFD, as in what
    platforms send us; else it is refused, for it may be what something is known by.

    Raises UnreadableAnswer.
    """
    text = storable(content) if mended else content.removeprefix(BOM)
    if not is_utf8(text):
        raise UnreadableAnswer("is not in UTF-8")
    try:
        value = msgspec.json.decode(text, type=form)
    except msgspec.ValidationError:
        raise UnreadableAnswer("is of another form") from None
    except RecursionError:
        raise UnreadableAnswer(_TOO_DEEP) from None
    except (msgspec.MsgspecError, ValueError):
        raise UnreadableAnswer("is not JSON") from None
    # Where there are fewer brackets than that, there is nothing to look for.
    if form is Any and text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    return value


_TOO_DEEP: Final = f"nests deeper than {MAX_DEPTH}"


def _check_depth(value: Any) -> None:
    for path, _, inner in walk(value):
        if len(path) >= MAX_DEPTH - 1 and isinstance(inner, dict | list):
            raise UnreadableAnswer(_TOO_DEEP)
