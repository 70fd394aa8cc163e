"""Items, held against what Coop's own code makes of the same fields and data.

Every difference has exactly one cause, and each cause a sentence in docs/wire.md. A difference
without a cause, and a cause without a difference, fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from coop_contracts.config import Container, Field, ItemType, ScalarType
from coop_contracts.json_text import storable
from coop_items import Checked, compile_item_type

VECTORS = Path(__file__).parent / "vectors/item-coercion.jsonl"
DOCUMENT = Path(__file__).parents[3] / "docs/wire.md"

_ABOUT, *ROWS = (json.loads(line) for line in VECTORS.read_text().splitlines())
_KNOWN = frozenset(_ABOUT["typeIds"])


class Case(NamedTuple):
    """A row on which we and Coop differ. `sent` and `coop` are the value of the row's field; `ours`
    is None where we refuse."""

    scalars: frozenset[str]
    required: bool
    sent: Any
    accepted: bool
    coop: Any
    ours: Any
    reason: str

    @property
    def more(self) -> bool:
        """Whether we accept what Coop refuses."""
        return not self.accepted and self.ours is not None

    @property
    def less(self) -> bool:
        """Whether we refuse what Coop accepts."""
        return self.accepted and self.ours is None

    @property
    def other(self) -> bool:
        """Whether both accept, and keep something else."""
        return self.accepted and self.ours is not None


class Cause(NamedTuple):
    """Why there are differences; `sentence` is how docs/wire.md says it."""

    sentence: str
    explains: Callable[[Case], bool]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, the names too."""
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from texts(one)
        case dict():
            for key, one in value.items():
                yield key
                yield from texts(one)


def leaves(value: Any) -> list[Any]:
    """Every value that holds no other."""
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]


def in_doubles(value: Any) -> Any:
    """The value with the digits that a double has, as Coop has them."""
    match value:
        case list():
            return [in_doubles(one) for one in value]
        case dict():
            return {key: in_doubles(one) for key, one in value.items()}
        case int() if not isinstance(value, bool):
            return float(value)
        case str() if value.isdigit() and len(value) > 15:
            return float(value)
        case _:
            return value


_URLS = frozenset({"URL", "IMAGE", "VIDEO", "AUDIO", "MEDIA"})
_DOUBTFUL = frozenset({"EMAIL_ADDRESS", "IP_ADDRESS", "DATETIME"})
_UNSTORABLE = frozenset("\0\ud800")

CAUSES = (
    Cause(
        "A doubtful value of a required field is refused.",
        lambda c: c.less and c.required and bool(c.scalars & _DOUBTFUL) and not _in_year_0(c.sent),
    ),
    Cause(
        "An empty text is not the number 0.",
        lambda c: c.less and "NUMBER" in c.scalars and any(not t.strip() for t in texts(c.sent)),
    ),
    Cause(
        "A list is not a boolean, though it may hold one.",
        lambda c: c.less and c.scalars == {"BOOLEAN"} and isinstance(c.sent, list),
    ),
    Cause(
        "Integers keep the digits that were sent",
        lambda c: c.other and c.ours != c.coop and in_doubles(c.ours) == in_doubles(c.coop),
    ),
    Cause(
        "An id has 512 characters at most.",
        lambda c: (
            c.less and "512 characters" in c.reason and any(len(t) > 512 for t in texts(c.sent))
        ),
    ),
    Cause(
        "Private and loopback hosts are refused in every spelling",
        lambda c: c.less and bool(c.scalars & _URLS) and "must not be private" in c.reason,
    ),
    Cause(
        "A URL is kept as a browser reads it: trimmed, without line breaks and tabs, with two"
        " slashes after the scheme, `\\` in its path as `/`",
        lambda c: (
            c.other
            and bool(c.scalars & _URLS)
            and [_bare(t) for t in texts(c.ours)] == [_bare(t) for t in texts(c.coop)]
        ),
    ),
    Cause(
        "Half of a surrogate pair and U+0000 become U+FFFD.",
        lambda c: (
            c.other
            and any(_UNSTORABLE & set(t) for t in texts(c.sent))
            and _replaced(c.coop) == c.ours
        ),
    ),
    Cause(
        "More forms of times are accepted, and numbers as milliseconds.",
        lambda c: c.more and "DATETIME" in c.scalars and None not in leaves(c.sent),
    ),
    Cause(
        "A fraction of a second of more than nine digits is cut, not misread.",
        lambda c: c.other and "DATETIME" in c.scalars and any(len(t) > 30 for t in texts(c.sent)),
    ),
    Cause(
        "There is no year 0.",
        lambda c: (
            c.less and "DATETIME" in c.scalars and any(t[:4] == "0000" for t in texts(c.sent))
        ),
    ),
    Cause(
        "A medium may be an object with its `mediaType`.",
        lambda c: c.more and c.scalars >= {"MEDIA"} and "url" in texts(c.sent),
    ),
    Cause(
        "A related item's `name` may be null.",
        lambda c: c.more and "RELATED_ITEM" in c.scalars and "name" in texts(c.sent),
    ),
)


def _in_year_0(sent: Any) -> bool:
    return any(text.startswith("0000") for text in texts(sent))


def _bare(url: str) -> str:
    """A URL without what browsers are lenient about."""
    return "".join(c for c in url if not c.isspace() and c not in "/\\")


def _replaced(value: Any) -> Any:
    return json.loads(storable(json.dumps(value).encode()))


def _type_of(row: dict[str, Any]) -> ItemType:
    fields = []
    for one in row["fields"]:
        held = one["container"]
        container = held and Container(
            container_type=held["containerType"],
            value_scalar_type=ScalarType(held["valueScalarType"]),
            key_scalar_type=held["keyScalarType"] and ScalarType(held["keyScalarType"]),
        )
        kind = one["type"] if held else ScalarType(one["type"])
        fields.append(
            Field(name=one["name"], type=kind, required=one["required"], container=container)
        )
    return ItemType(id="t", name="T", kind="CONTENT", version="v", fields=tuple(fields))


def _check(row: dict[str, Any]) -> Checked:
    """The row's data, read as a body is read."""
    data = json.loads(storable(json.dumps(row["data"]).encode()))
    return compile_item_type(_type_of(row), is_known_type=_KNOWN.__contains__).check(data, "")


def _differs(row: dict[str, Any], checked: Checked) -> bool:
    kept = bool(row["ok"] and checked.data != row["out"])
    return bool(row["ok"]) == bool(checked.errors) or kept


def _case(row: dict[str, Any], checked: Checked) -> Case:
    (field,) = row["fields"]
    held = field["container"] or {"valueScalarType": field["type"], "keyScalarType": None}
    name = field["name"]
    return Case(
        scalars=frozenset(filter(None, (held["valueScalarType"], held["keyScalarType"])))
        - ({"STRING"} if held["keyScalarType"] == "STRING" != held["valueScalarType"] else set()),
        required=field["required"],
        sent=row["data"].get(name),
        accepted=row["ok"],
        coop=row["out"].get(name) if row["ok"] else None,
        ours=None if checked.errors else checked.data.get(name),
        reason=" ".join(error.detail or "" for error in checked.errors),
    )


DIFFERENCES = [_case(row, checked) for row in ROWS if _differs(row, checked := _check(row))]


@pytest.mark.parametrize("row", ROWS, ids=map(str, range(1, len(ROWS) + 1)))
def test_items_are_read_as_by_coop(row: dict[str, Any]) -> None:
    """The same is accepted and kept, or exactly one cause explains why it is not."""
    checked = _check(row)
    if _differs(row, checked):
        case = _case(row, checked)
        assert [cause.sentence for cause in CAUSES if cause.explains(case)] != [], case
        assert sum(cause.explains(case) for cause in CAUSES) == 1, case


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.sentence for cause in CAUSES])
def test_every_cause_explains_something_and_is_documented(cause: Cause) -> None:
    """The list holds no cause that is gone, and the document says each of them."""
    assert any(map(cause.explains, DIFFERENCES))
    assert cause.sentence in " ".join(DOCUMENT.read_text().split())


def test_the_vectors_are_there() -> None:
    """All of them were read, and most agree."""
    assert len(ROWS) == 1908
    assert len(DIFFERENCES) < 300
