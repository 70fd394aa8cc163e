"""YAML as our files have it: JSON's data, one way to write it, no surprises when it is read.

Guarantees: what is written is read back the same, by this module and by any YAML 1.1 or 1.2 reader;
the same data is the same bytes. When reading, `no`, `on`, `2026-01-01` and `1:20` are text; a key
that is there twice, a tag, and data that JSON has not are refused, with the line.
Must not: be used for what people write with comments that shall stay: they are not kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z_]")
# What some reader takes for something else than text.
_RESERVED = frozenset(
    "y n yes no on off true false null nan inf".split()  # noqa: SIM905 - a list of words
)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+][0-9]+)?)?")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class YamlError(ValueError):
    """Text that is no YAML of ours; the message has the line."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """JSON's data only. `<<` and `=` are keys like any other."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), list(_first)
    )


def _mapping(loader: Any, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {}
    yield found
    for key_node, value_node in node.value:
        key: Hashable = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise YamlError(f"line {line}: a key must be text")
        if key in found:
            raise YamlError(f"line {line}: {key} is there twice")
        found[key] = loader.construct_object(value_node, deep=True)


_KNOWN = ("bool", "null", "int", "float", "str", "seq")
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in _KNOWN  # None: what refuses the others
}
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(text: str) -> Any:
    """The data in the text. Raises YamlError."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it makes JSON's data only
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise YamlError(f"{line}{error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(str(error).splitlines()[0]) from None


def write_yaml(data: Mapping[str, Any]) -> str:
    """The text of an object, in the order of its keys."""
    return "".join(f"{line}\n" for line in _block(data, ""))


def _block(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", child, indent + "  ")
    else:
        for child in value:
            yield from _item(child, indent)


def _entry(head: str, child: Any, indent: str) -> Iterator[str]:
    if isinstance(child, Mapping | list | tuple) and child:
        yield head
        yield from _block(child, indent)
    else:
        yield f"{head} {_scalar(child)}"


def _item(child: Any, indent: str) -> Iterator[str]:
    if not isinstance(child, Mapping | list | tuple) or not child:
        yield f"{indent}- {_scalar(child)}"
        return
    lines = _block(child, indent + "  ")
    yield f"{indent}- {next(lines)[len(indent) + 2 :]}"
    yield from lines


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case str():
            return _text(value)
        case Mapping():
            return "{}"
        case list() | tuple():
            return "[]"
    raise TypeError(f"{type(value).__name__} is no data of JSON")


def _float(value: float) -> str:
    text = repr(value)
    if "e" in text and "." not in text:
        # YAML 1.1 takes 1e+20 for text.
        text = text.replace("e", ".0e")
    if _NUMBER.fullmatch(text) is None:
        raise TypeError(f"{text} is no number of JSON")
    return text


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    # JSON's strings are YAML's, but for a few characters that YAML wants escaped.
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
