"""Says whether a new version of an event can be read by old readers, and old events by new readers.

Works on JSON Schemas as `coop_contracts.export` writes them. Both directions are held, because
during a roll-out old and new processes read each other's events, and the log keeps old ones.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What in `new` breaks readers or data of `old`; empty when both directions hold.

    Each entry names the place by dotted path and the reason.
    """
    problems: list[str] = []
    _compare(_resolve(old, old), _resolve(new, new), old, new, "$", problems, frozenset())
    return problems


def _resolve(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        schema = root["$defs"][name]
    return schema


def _compare(
    old: Schema,
    new: Schema,
    old_root: Schema,
    new_root: Schema,
    path: str,
    problems: list[str],
    seen: frozenset[tuple[int, int]],
) -> None:
    if (id(old), id(new)) in seen:
        return
    seen |= {(id(old), id(new))}
    if "anyOf" in old or "anyOf" in new:
        _compare_options(old, new, old_root, new_root, path, problems, seen)
        return
    if _types(old) != _types(new):
        problems.append(f"{path}: type changed from {_types(old)} to {_types(new)}")
        return
    _compare_values(old, new, path, problems)
    _compare_properties(old, new, old_root, new_root, path, problems, seen)
    for key in ("items", "additionalProperties"):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            _compare(
                _resolve(before, old_root),
                _resolve(after, new_root),
                old_root,
                new_root,
                f"{path}[]",
                problems,
                seen,
            )


def _types(schema: Schema) -> Any:
    kind = schema.get("type")
    return sorted(kind) if isinstance(kind, list) else kind


def _compare_values(old: Schema, new: Schema, path: str, problems: list[str]) -> None:
    before, after = set(old.get("enum", ())), set(new.get("enum", ()))
    for gone in sorted(map(str, before - after)):
        problems.append(f"{path}: value {gone!r} was removed; old data has it")
    if before:
        for added in sorted(map(str, after - before)):
            problems.append(f"{path}: value {added!r} was added; old readers refuse it")
    for key in ("minLength", "minimum", "minItems", "maxLength", "maximum", "pattern", "format"):
        if old.get(key) != new.get(key):
            problems.append(f"{path}: {key} changed from {old.get(key)!r} to {new.get(key)!r}")


def _compare_properties(
    old: Schema,
    new: Schema,
    old_root: Schema,
    new_root: Schema,
    path: str,
    problems: list[str],
    seen: frozenset[tuple[int, int]],
) -> None:
    before, after = old.get("properties", {}), new.get("properties", {})
    old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(new_required - old_required):
        problems.append(f"{path}.{name}: became required; old data may lack it")
    for name in sorted(old_required - new_required):
        problems.append(f"{path}.{name}: is no longer required; old readers need it")
    for name in sorted(set(before) - set(after)):
        problems.append(f"{path}.{name}: was removed; what it said is lost to new readers")
    for name in sorted(set(before) & set(after)):
        _compare(
            _resolve(before[name], old_root),
            _resolve(after[name], new_root),
            old_root,
            new_root,
            f"{path}.{name}",
            problems,
            seen,
        )


def _compare_options(
    old: Schema,
    new: Schema,
    old_root: Schema,
    new_root: Schema,
    path: str,
    problems: list[str],
    seen: frozenset[tuple[int, int]],
) -> None:
    before = [_resolve(option, old_root) for option in old.get("anyOf", [old])]
    after = [_resolve(option, new_root) for option in new.get("anyOf", [new])]
    by_type = {str(_types(option)): option for option in after}
    if {str(_types(option)) for option in before} != set(by_type):
        problems.append(f"{path}: the possible types changed")
        return
    for option in before:
        _compare(option, by_type[str(_types(option))], old_root, new_root, path, problems, seen)
