"""Generates the Python source of a program: one function per input, predicate and condition set.

Guarantees: no text of a user is in the source. Every name in it is made of a letter and a number,
every constant (field names, thresholds, banks) is bound as a global of the namespace.
Must not: evaluate; `compiler` decides what is generated and runs it.

Naming in generated source: `s` the State, `K…` constants, `i…` inputs, `g…` scans, `p…` predicates,
`n…` condition sets, `R…` rules. A predicate or set gives True, False or None (unknown).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coop_contracts.config import ItemType, ScalarType
from coop_rules.model import Conjunction, CoopInput
from coop_rules.predicate import OPERATORS, Predicate, PredicateKind, Values
from coop_rules.threshold import Family, read_time

_CHUNK_LINES = 200


class Source:
    """Source under construction, and the namespace it runs in."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__builtins__": {}}
        self._functions: list[list[str]] = []
        self._constants: dict[tuple[type, Any], str] = {}

    def constant(self, value: Any) -> str:
        """A name bound to the value. Equal hashable values of one type share a name."""
        key = (type(value), value if value.__hash__ is not None else id(value))
        if key not in self._constants:
            name = f"K{len(self._constants)}"
            self._constants[key] = name
            self.namespace[name] = value
        return self._constants[key]

    def function(self, name: str, body: Sequence[str]) -> None:
        self._functions.append([f"def {name}(s):", *("    " + line for line in body)])

    def run(self) -> dict[str, Any]:
        """Executes everything; gives the namespace.

        In pieces, because `compile` holds the interpreter for as long as it takes, and an event
        loop beside it must not stand still.
        """
        piece: list[str] = []
        for function in [*self._functions, []]:
            if piece and (not function or len(piece) + len(function) > _CHUNK_LINES):
                code = compile("\n".join(piece), "<coop rules>", "exec")
                exec(code, self.namespace)  # noqa: S102  # only names of our own making are in it
                piece = []
            piece += function
        return self.namespace


def identifier_of(value: object) -> str | None:
    """The id of a user or item reference `{id, typeId}`; None if it is none."""
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def url_of(value: object) -> str | None:
    """The URL of a media value `{url, …}` or a plain string; None if it is neither."""
    found = value.get("url") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def family_of(values: Values) -> Family:
    """How the values that an input function gives compare: the author comes as a plain id."""
    return Family.TEXT if values.coop is CoopInput.AUTHOR else values.family


def write_input(source: Source, name: str, index: int, values: Values, item_type: ItemType) -> None:
    """`i…(s)`: the values an item provides, as a list without nulls; made once for an item."""
    body = [f"v = s.inputs[{index}]", "if v is not None: return v"]
    body += _input_body(source, values, item_type)
    source.function(name, [*body, f"s.inputs[{index}] = r", "return r"])


def _input_body(source: Source, values: Values, item_type: ItemType) -> list[str]:
    for builtin in (str, list, dict):
        source.namespace[builtin.__name__] = builtin
    match values.coop:
        case None:
            return ["r = []", *_field_lines(source, values.name, values.container, "r")]
        case CoopInput.AUTHOR:
            return ["r = [] if s.creator is None else [s.creator.id]"]
        case CoopInput.POLICY:
            return ["r = list(s.policy_ids)"]
        case CoopInput.SOURCE:
            return ["r = [] if s.source is None else [s.source]"]
        case CoopInput.ALL_TEXT:
            lines = ["t = []"]
            for field, container in _fields_of(item_type, (ScalarType.STRING,)):
                lines += _field_lines(source, field, container, "t")
            space = source.constant(" ")
            lines.append(f"t = {space}.join([v for v in t if v and v.__class__ is str])")
            return [*lines, "r = [t] if t else []"]
        case _:
            lines = ["r = []"]
            for field, container in _fields_of(item_type, (values.scalar, ScalarType.MEDIA)):
                lines += _field_lines(source, field, container, "r")
            if values.scalar in (ScalarType.IMAGE, ScalarType.VIDEO):
                # A MEDIA value says itself what it is, or that nobody knows.
                source.namespace["is_media"] = is_media
                lines.append(f"r = [v for v in r if is_media(v, {source.constant(values.scalar)})]")
            return lines


def is_media(value: object, scalar: str) -> bool:
    """Whether a media value may be counted as an image (or video): its type says so, or it is of a
    field that holds nothing else and so has no type."""
    return not isinstance(value, dict) or value.get("mediaType", scalar) == scalar


def _fields_of(item_type: ItemType, scalars: Sequence[ScalarType]) -> list[tuple[str, str | None]]:
    wanted = scalars if scalars[0] in (ScalarType.IMAGE, ScalarType.VIDEO) else scalars[:1]
    found: list[tuple[str, str | None]] = []
    for field in item_type.fields:
        container = field.container
        scalar = field.type if container is None else container.value_scalar_type
        if scalar in wanted:
            found.append((field.name, container.container_type if container else None))
    return found


def _field_lines(source: Source, field: str, container: str | None, into: str) -> list[str]:
    lines = [f"v = s.data.get({source.constant(field)})"]
    # Data of an older version of the item type may have another shape: then it is one value, and
    # the predicate says that its type is wrong.
    if container == "ARRAY":
        lines.append(f"if v.__class__ is list: {into} += [e for e in v if e is not None]")
        lines.append(f"elif v is not None: {into}.append(v)")
    elif container == "MAP":
        lines.append(f"if v.__class__ is dict: {into} += [e for e in v.values() if e is not None]")
        lines.append(f"elif v is not None: {into}.append(v)")
    else:
        lines.append(f"if v is not None: {into}.append(v)")
    return lines


def write_scan(source: Source, name: str, index: int, input_name: str, scanner: object) -> None:
    """`g…(s)`: for each value the Hits of one scanner, None where the value is no text."""
    scan = source.constant(scanner) + ".scan"
    source.function(
        name,
        [
            f"h = s.scans[{index}]",
            "if h is None:",
            f"    h = s.scans[{index}] = "
            f"[{scan}(v) if v.__class__ is str else None for v in {input_name}(s)]",
            "return h",
        ],
    )


def value_test(source: Source, predicate: Predicate) -> tuple[list[str], str, str]:
    """Lines that make `x` of a raw value `v`; the test of its type; the comparison."""
    assert predicate.values is not None
    assert predicate.comparator is not None
    family = family_of(predicate.values)
    threshold = source.constant(predicate.threshold)
    compare = f"x {OPERATORS[predicate.comparator]} {threshold}"
    for builtin in (int, float, bool, str):
        source.namespace[builtin.__name__] = builtin
    match family:
        case Family.NUMBER:
            return ["x = v"], "(x.__class__ is int or x.__class__ is float)", compare
        case Family.BOOLEAN:
            return ["x = v"], "x.__class__ is bool", compare
        case Family.TEXT:
            return ["x = v"], "x.__class__ is str", compare
    convert = {Family.DATETIME: read_time, Family.REFERENCE: identifier_of, Family.MEDIA: url_of}
    return [f"x = {source.constant(convert[family])}(v)"], "x is not None", compare


def write_compare(source: Source, name: str, input_name: str, predicate: Predicate) -> None:
    """`p…(s)`: whether any value compares; None if none does and one has the wrong type."""
    values = predicate.values
    assert values is not None
    convert, typed, compare = value_test(source, predicate)
    if values.coop is None and values.container is None:
        body = [f"v = s.data.get({source.constant(values.name)})", "if v is None: return False"]
        body += [*convert, f"return {compare} if {typed} else None"]
    else:
        body = ["r = False", f"for v in {input_name}(s):", *("    " + line for line in convert)]
        body += [f"    if not {typed}: r = None", f"    elif {compare}: return True", "return r"]
    source.function(name, body)


def write_match(source: Source, name: str, scan: str, position: int, *, found: bool) -> None:
    """`p…(s)`: whether in any value the pattern set at `position` is found (or is not)."""
    test = "in" if found else "not in"
    body = ["r = False", f"for h in {scan}(s):", "    if h is None: r = None"]
    source.function(name, [*body, f"    elif {position} {test} h: return True", "return r"])


def write_other(
    source: Source, name: str, input_name: str, scan: str | None, predicate: Predicate
) -> None:
    """`p…(s)` of the predicates that compare nothing."""
    match predicate.kind:
        case PredicateKind.CONSTANT:
            body = [f"return {predicate.constant}"]
        case PredicateKind.BROKEN:
            body = ["return None"]
        case PredicateKind.NOT_PROVIDED:
            body = [f"return not {input_name}(s)"]
        case _ if scan is not None:
            body = [f"for h in {scan}(s):", "    if h is None: return True", "return False"]
        case _:
            body = ["return False"]  # a field is there or not; only a signal can be unavailable
    source.function(name, body)


def write_set(source: Source, name: str, conjunction: Conjunction, children: Sequence[str]) -> None:
    """`n…(s)`: three-valued logic over the children, in their order, with short-circuit."""
    match conjunction:
        case Conjunction.AND:
            body = ["r = True"]
            for child in children:
                body += [f"v = {child}(s)", "if v is False: return False", "if v is None: r = None"]
        case Conjunction.OR:
            body = ["r = False"]
            for child in children:
                body += [f"v = {child}(s)", "if v: return True", "if v is None: r = None"]
        case Conjunction.XOR:
            body = ["r = False", "u = False"]
            for child in children:
                body += [f"v = {child}(s)", "if v:", "    if r: return False", "    r = True"]
                body += ["elif v is None: u = True"]
            body.append("if u: return None")
    source.function(name, [*body, "return r"])
