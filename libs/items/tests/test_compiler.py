"""Generated validators: equal to a plain interpreter, safe with any name, exact in their errors."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from coop_contracts.config import Container, Field, FieldRoles, ItemType, ScalarType
from coop_contracts.event import ItemRef
from coop_items import InvalidItemType, check_item_type_definition, compile_item_type
from coop_items.check import Variant

_spec = importlib.util.spec_from_file_location(
    "items_reference", Path(__file__).with_name("reference.py")
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

KNOWN = frozenset({"user", "thread", "post"})
BASE = "/items/3/data"

HOSTILE_NAMES = [
    'a"; import os; os._exit(1) #',
    "'''\nraise SystemExit\n'''",
    "{v}",
    "out",
    "data",
    "Refused",
    "n0",
    "__builtins__",
    "a/b~c",
    "\\",
    "a\r\nb",
    "имя поля",
    "\u202ename",
    "🙂",
    "%s {0} {{",
    "lambda: 1",
]


def item_type(*fields: Field, **more: Any) -> ItemType:
    return ItemType(
        id="post", name="Post", kind=more.pop("kind", "CONTENT"), fields=fields, version="v", **more
    )


def compiled(*fields: Field, **more: Any) -> Any:
    return compile_item_type(item_type(*fields, **more), is_known_type=KNOWN.__contains__)


def scalar(name: str, kind: ScalarType, *, required: bool = False) -> Field:
    return Field(name=name, type=kind, required=required)


def array(name: str, kind: ScalarType, *, required: bool = False) -> Field:
    container = Container(container_type="ARRAY", value_scalar_type=kind)
    return Field(name=name, type="ARRAY", required=required, container=container)


def mapping(name: str, key: ScalarType, value: ScalarType, *, required: bool = False) -> Field:
    container = Container(container_type="MAP", key_scalar_type=key, value_scalar_type=value)
    return Field(name=name, type="MAP", required=required, container=container)


KEYS = [
    k
    for k in ScalarType
    if k not in ("USER_ID", "RELATED_ITEM", "IMAGE", "VIDEO", "AUDIO", "MEDIA")
]
names = st.one_of(
    st.sampled_from(HOSTILE_NAMES),
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
    ).filter(str.strip),
)


@st.composite
def item_types(draw: st.DrawFn) -> ItemType:
    fields = []
    for name in draw(st.lists(names, min_size=1, max_size=5, unique=True)):
        required = draw(st.booleans())
        kind = draw(st.sampled_from(ScalarType))
        match draw(st.sampled_from(["scalar", "ARRAY", "MAP"])):
            case "scalar":
                fields.append(scalar(name, kind, required=required))
            case "ARRAY":
                fields.append(array(name, kind, required=required))
            case _:
                key = draw(st.sampled_from(KEYS))
                fields.append(mapping(name, key, kind, required=required))
    return item_type(*fields)


plausible = st.sampled_from(
    [
        None, "", "x", "true", "0", "1.5", " 12 ", True, False, 0, 1, -3, 2.5, 10**30, 2**53 + 1,
        float("nan"), float("inf"), "NaN", "http://example.com/a.png",
        "https://example.com/v.MP4?x=1",
        "http://127.0.0.1/", "http://[::1]/", "2024-05-01T10:00:00Z", "2024-02-31T10:00:00Z",
        1714557600000, "ezs42", "1.2.3.4", " ::1 ", "me@example.com", "me@",
        "fe80::1%eth0", "\0", "a\0b", "\ud800",
        {"id": "u1", "typeId": "user"}, {"id": "", "typeId": "user"}, {"id": "u1", "typeId": "no"},
        {"id": "u", "typeId": "user", "name": 3}, {"id": "u", "typeId": "user", "x": {"y": "\0"}},
        {"url": "http://example.com/x.mp3"}, {"url": "http://example.com/x", "mediaType": "VIDEO"},
        {"url": "x"}, "é", "日本",
    ]
)  # fmt: skip
json_values = st.recursive(
    plausible | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=4) | plausible.filter(lambda v: isinstance(v, str)), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@st.composite
def types_with_data(draw: st.DrawFn) -> tuple[ItemType, dict[str, Any]]:
    kind = draw(item_types())
    data = {
        field.name: draw(json_values)
        for field in kind.fields
        if draw(st.integers(0, 9))  # one in ten is absent
    }
    data |= draw(st.dictionaries(st.text(max_size=5), json_values, max_size=2))
    return kind, data


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(types_with_data(), st.booleans())
def test_the_generated_validator_equals_the_plain_interpreter(
    case: tuple[ItemType, dict[str, Any]], partial: bool
) -> None:
    """For every item type and data the generated code gives the interpreter's data and errors."""
    kind, data = case
    variant: Variant = "partial" if partial else "original"
    checked = compile_item_type(kind, is_known_type=KNOWN.__contains__).check(data, BASE, variant)
    out, pointers, unknown, doubtful = reference.interpret(
        kind, data, BASE, partial=partial, known=KNOWN
    )
    encodable = {p.encode("utf-8", "replace").decode() for p in pointers}
    assert {error.pointer for error in checked.errors} == encodable
    assert set(checked.unknown_fields) == unknown
    if not pointers:
        assert checked.data == out
        assert set(checked.doubtful) == doubtful
        assert msgspec.json.decode(msgspec.json.encode(checked.data)) == out
    msgspec.json.encode(checked.errors)


@given(names)
@example('"]; raise SystemExit  #')
@example("\n    raise SystemExit\n")
def test_no_field_name_becomes_code(name: str) -> None:
    """A field may have any name; the validator still reads exactly that field."""
    check = compiled(scalar(name, ScalarType.STRING, required=True)).check
    assert check({name: "value"}, BASE).data == {name: "value"}
    assert len(check({}, BASE).errors) == 1


@given(json_values)
def test_data_that_is_no_object_is_an_error(value: Any) -> None:
    """Data of any other JSON type is refused at its own pointer."""
    if isinstance(value, dict):
        return
    checked = compiled(scalar("a", ScalarType.STRING)).check(value, BASE)
    assert [error.pointer for error in checked.errors] == [BASE]


def test_all_errors_of_an_item_are_listed_with_exact_pointers() -> None:
    """Each wrong field, element and entry has its own error that points to it."""
    check = compiled(
        scalar("bio", ScalarType.STRING, required=True),
        array("tags", ScalarType.STRING),
        mapping("map", ScalarType.STRING, ScalarType.NUMBER),
        scalar("author", ScalarType.USER_ID),
        scalar("a/b~c", ScalarType.NUMBER),
    ).check
    data = {
        "tags": ["ok", None, 7],
        "map": {"x/y": "no", "z": 1},
        "author": {"id": "u", "typeId": "nobody"},
        "a/b~c": "",
        "extra": {"deep": ["\0"]},
    }
    checked = check(data, BASE)
    assert [error.pointer for error in checked.errors] == [
        "/items/3/data/bio",
        "/items/3/data/tags/1",
        "/items/3/data/tags/2",
        "/items/3/data/map/x~1y",
        "/items/3/data/author/typeId",
        "/items/3/data/a~1b~0c",
        "/items/3/data/extra/deep/0",
    ]
    assert all(error.status == 400 for error in checked.errors)
    assert checked.errors[0].detail == 'The field "bio" is required.'


MAYBE = ScalarType.EMAIL_ADDRESS
DOUBTFUL_FIELDS = {
    "mail": scalar("mail", MAYBE),
    "mails": array("mails", MAYBE),
    "map": mapping("map", MAYBE, ScalarType.DATETIME),
}
DOUBTFUL_DATA = {
    "mail": " n/a ",
    "mails": ["me@example.com", "unknown"],
    "map": {"unknown": "2024-02-30T00:00:00Z", "me@example.com": "2024-05-01T10:00Z"},
}


def test_a_doubtful_value_of_an_optional_field_is_kept_and_named() -> None:
    """It stays as text (a day that does not exist rolls over), and its place is told."""
    checked = compiled(*DOUBTFUL_FIELDS.values()).check(DOUBTFUL_DATA, BASE)
    assert checked.errors == []
    assert checked.data == {
        "mail": "n/a",
        "mails": ["me@example.com", "unknown"],
        "map": {
            "unknown": "2024-03-01T00:00:00.000Z",
            "me@example.com": "2024-05-01T10:00:00.000Z",
        },
    }
    assert set(checked.doubtful) == {
        "/items/3/data/mail",
        "/items/3/data/mails/1",
        "/items/3/data/map/unknown",
    }


def test_a_doubtful_value_of_a_required_field_is_refused() -> None:
    """Whoever requires an address has to get one; a partial item requires nothing."""
    required = [msgspec.structs.replace(f, required=True) for f in DOUBTFUL_FIELDS.values()]
    checked = compiled(*required).check(DOUBTFUL_DATA, BASE)
    assert [error.pointer for error in checked.errors] == [
        "/items/3/data/mail",
        "/items/3/data/mails/1",
        "/items/3/data/map/unknown",
    ]
    assert compiled(*required).check(DOUBTFUL_DATA, BASE, "partial").errors == []


def test_the_argument_is_never_changed() -> None:
    """Checking leaves the sent data as it was."""
    data = {"tags": ["a", ""], "n": "1", "extra": [1]}
    before = msgspec.json.encode(data)
    checked = compiled(array("tags", ScalarType.STRING), scalar("n", ScalarType.NUMBER)).check(
        data, BASE
    )
    assert checked.data == {"tags": ["a", ""], "n": 1, "extra": [1]}
    assert msgspec.json.encode(data) == before


def test_unknown_fields_are_kept_and_named() -> None:
    """Fields the item type lacks are kept as sent, except nulls, and are named."""
    checked = compiled(scalar("a", ScalarType.STRING)).check(
        {"a": "x", "b": {"c": [1, None]}, "d": None}, BASE
    )
    assert checked.data == {"a": "x", "b": {"c": [1, None]}}
    assert checked.unknown_fields == ("b",)


def test_a_null_or_empty_value_of_a_required_field_is_missing() -> None:
    """Null, absent, and '' where it means null are all the same "required" error."""
    check = compiled(scalar("u", ScalarType.URL, required=True)).check
    for data in ({}, {"u": None}, {"u": ""}):
        errors = check(data, BASE).errors
        assert [error.detail for error in errors] == ['The field "u" is required.']
    assert check({}, BASE, "partial").errors == []


def test_unknown_fields_nest_at_most_32_deep() -> None:
    """32 containers inside each other pass, 33 do not, and the pointer leads to the innermost."""
    check = compiled(scalar("a", ScalarType.STRING)).check

    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    assert check({"x": nested(32)}, BASE).errors == []
    (error,) = check({"x": nested(33)}, BASE).errors
    assert error.pointer == BASE + "/x" + "/0" * 32


def test_errors_of_a_container_are_bounded() -> None:
    """A list of a million bad elements lists the first hundred and says that there are more."""
    checked = compiled(array("a", ScalarType.STRING)).check({"a": [1] * 1_000_000}, BASE)
    assert len(checked.errors) == 101
    assert checked.errors[-1].pointer == BASE + "/a"


THREADED = (
    scalar("thread", ScalarType.RELATED_ITEM),
    scalar("parent", ScalarType.RELATED_ITEM),
    scalar("at", ScalarType.DATETIME),
    scalar("author", ScalarType.RELATED_ITEM),
)
ROLES = FieldRoles(thread_id="thread", parent_id="parent", created_at="at", creator_id="author")
THREAD_REF = {"id": "t1", "typeId": "thread"}
POST_REF = {"id": "p1", "typeId": "post"}


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({}, []),
        ({"at": 0}, []),
        ({"thread": THREAD_REF, "at": 0}, []),
        ({"parent": POST_REF, "thread": THREAD_REF, "at": 0}, []),
        ({"thread": THREAD_REF}, ["/at"]),
        ({"parent": POST_REF, "at": 0}, ["/thread"]),
        ({"parent": POST_REF}, ["/thread", "/at"]),
        ({"thread": THREAD_REF, "at": "yesterday"}, ["/at"]),
        ({"thread": THREAD_REF, "at": ""}, ["/at"]),
    ],
)
def test_a_parent_needs_thread_and_time_and_a_thread_needs_time(
    data: dict[str, Any], pointers: list[str]
) -> None:
    """A reply without thread or time, and a thread without time, are errors at what is missing."""
    errors = compiled(*THREADED, field_roles=ROLES).check(data, BASE).errors
    assert [error.pointer for error in errors] == [BASE + p for p in pointers]


def test_the_creator_is_the_value_of_its_role() -> None:
    """The creatorId role gives the creator of CONTENT and THREAD."""
    check = compiled(*THREADED, field_roles=ROLES).check
    assert check({"author": {"id": "u1", "typeId": "user", "name": "N"}}, BASE).creator == ItemRef(
        "u1", "user"
    )
    assert check({}, BASE).creator is None


def test_a_wrong_definition_cannot_be_compiled() -> None:
    """Compiling says what is wrong instead of making a validator that lies."""
    with pytest.raises(InvalidItemType) as caught:
        compiled(scalar("a", ScalarType.STRING), scalar("a", ScalarType.NUMBER))
    assert [error.pointer for error in caught.value.errors] == ["/fields/1/name"]


@given(item_types())
def test_item_types_of_the_other_properties_are_valid(kind: ItemType) -> None:
    """The generator of item types makes only valid ones, so that the properties above mean it."""
    assert check_item_type_definition(kind) == []
