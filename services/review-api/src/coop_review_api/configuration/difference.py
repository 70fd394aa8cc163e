"""What differs between two states of a document, field by field.

    {"a": 1, "tags": ["x"]}  →  {"a": 2, "tags": ["y"]}
        replace /a 1 → 2
        entries /tags +y -x

Guarantees: applying every change turns the old state into the new one, but for the order of lists
that are compared as sets (tags, ids, the entries of a bank); pointers are RFC 6901, of the new
state where the place is there, of the old one otherwise.
Must not: know kinds of documents: a list of texts is a set, a list of objects with `id` or `name`
is told apart by that, any other list by position.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from coop_contracts.error import pointer

MAX_ENTRIES = 1000
"""Of one change of a list: the counts are whole, the entries are the first."""

_DEPTH = 50
_ABSENT: Any = object()


class FieldChange(Struct, frozen=True, kw_only=True):
    """One change. `entries` (of a list that is compared as a set) has added and removed ones."""

    op: Literal["add", "remove", "replace", "entries"]
    path: str
    old: Any = None
    new: Any = None
    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()
    added_count: int = 0
    removed_count: int = 0


def difference(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[FieldChange]:
    """The changes from one state, as JSON values, to the other; None: it was not there."""
    return list(_of_objects(old or {}, new or {}, (), 0))


def _of_values(
    old: Any, new: Any, path: tuple[str | int, ...], depth: int
) -> Iterator[FieldChange]:
    if old is _ABSENT:
        yield FieldChange(op="add", path=pointer(*path), new=new)
    elif new is _ABSENT:
        yield FieldChange(op="remove", path=pointer(*path), old=old)
    elif type(old) is type(new) and old == new:
        return
    elif isinstance(old, dict) and isinstance(new, dict) and depth < _DEPTH:
        yield from _of_objects(old, new, path, depth + 1)
    elif isinstance(old, list) and isinstance(new, list) and depth < _DEPTH:
        yield from _of_lists(old, new, path, depth + 1)
    else:
        yield FieldChange(op="replace", path=pointer(*path), old=old, new=new)


def _of_objects(
    old: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str | int, ...], depth: int
) -> Iterator[FieldChange]:
    for key in [*new, *(key for key in old if key not in new)]:
        yield from _of_values(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key), depth)


def _of_lists(
    old: list[Any], new: list[Any], path: tuple[str | int, ...], depth: int
) -> Iterator[FieldChange]:
    if all(isinstance(entry, str) for entry in (*old, *new)):
        yield _of_sets(old, new, path)
        return
    for key in ("id", "name"):
        before, after = _by(key, old), _by(key, new)
        if before is not None and after is not None:
            places = {entry[key]: index for index, entry in enumerate(new)}
            gone = {entry[key]: index for index, entry in enumerate(old)}
            for name in [*after, *(name for name in before if name not in after)]:
                place = places.get(name, gone.get(name, 0))
                was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
                yield from _of_values(was, now, (*path, place), depth)
            return
    yield from _by_position(old, new, path, depth)


def _by(key: str, entries: Sequence[Any]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for entry in entries:
        name = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in found:
            return None
        found[name] = entry
    return found


def _of_sets(old: list[str], new: list[str], path: tuple[str | int, ...]) -> FieldChange:
    before, after = set(old), set(new)
    added = [entry for entry in dict.fromkeys(new) if entry not in before]
    removed = [entry for entry in dict.fromkeys(old) if entry not in after]
    return FieldChange(
        op="entries",
        path=pointer(*path),
        added=tuple(added[:MAX_ENTRIES]),
        removed=tuple(removed[:MAX_ENTRIES]),
        added_count=len(added),
        removed_count=len(removed),
    )


def _by_position(
    old: list[Any], new: list[Any], path: tuple[str | int, ...], depth: int
) -> Iterator[FieldChange]:
    """What is the same at both ends is left out, so that one inserted condition is one change."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    for offset in range(max(len(before), len(after))):
        was = before[offset] if offset < len(before) else _ABSENT
        now = after[offset] if offset < len(after) else _ABSENT
        yield from _of_values(was, now, (*path, head + offset), depth)
