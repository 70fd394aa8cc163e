"""Item types compiled to generated Python source, once per version.

Guarantees: field names never reach the source; they are constants bound in its namespace, so that
no name, however hostile, can become code. The generated function does per item only what this item
type needs.
Must not: be called per item.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from coop_contracts.config import Container, Field, FieldRoles, ItemType, ScalarType
from coop_contracts.error import ApiError, pointer
from coop_contracts.event import ItemRef
from coop_items import check as parts
from coop_items.check import Checked, CompiledItemType, Validator
from coop_items.definition import structure_errors
from coop_items.medium import media_fields
from coop_items.refusal import DoubtfulValue, NotAnItemValue
from coop_items.scalar import Coercer, key_coercer, scalar_coercers


class InvalidItemType(ValueError):
    """The item type's definition is wrong; `errors` say where."""

    def __init__(self, errors: list[ApiError]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        self.errors = errors


# What can be kept without calling the coercer, by scalar; anything else takes the long way.
_FAST: Final = {
    ScalarType.STRING: "type({v}) is str and {v}.isascii() and NUL not in {v}",
    ScalarType.ID: "type({v}) is str and {v}.isascii() and NUL not in {v}",
    ScalarType.POLICY_ID: "type({v}) is str and {v}.isascii() and NUL not in {v}",
    ScalarType.BOOLEAN: "{v} is True or {v} is False",
    ScalarType.NUMBER: (
        "(type({v}) is int and -EXACT <= {v} <= EXACT)"
        " or (type({v}) is float and {v} - {v} == 0.0)"  # neither infinite nor NaN
    ),
}

# Whose values may be doubtful: kept in optional fields, refused in required ones.
_DOUBTFUL: Final = frozenset({ScalarType.DATETIME, ScalarType.IP_ADDRESS, ScalarType.EMAIL_ADDRESS})


def compile_item_type(
    item_type: ItemType,
    *,
    is_known_type: Callable[[str], bool],
    allow_private_hosts: bool = False,
) -> CompiledItemType:
    """The item type as validators.

    `is_known_type` is asked at check time whether an item type id belongs to the organisation.
    Raises InvalidItemType when the definition is wrong.
    """
    errors = structure_errors(item_type)
    if errors:
        raise InvalidItemType(errors)
    coercers = scalar_coercers(is_known_type, allow_private_hosts=allow_private_hosts)
    return CompiledItemType(
        item_type=item_type,
        original=_validator(item_type, coercers, partial=False),
        partial=_validator(item_type, coercers, partial=True),
        media=media_fields(item_type),
    )


def _validator(
    item_type: ItemType, coercers: dict[ScalarType, Coercer], *, partial: bool
) -> Validator:
    namespace: dict[str, Any] = {
        "NUL": "\0",
        "EXACT": 2**53,
        "NotAnItemValue": NotAnItemValue,
        "Checked": Checked,
        "ItemRef": ItemRef,
        "known": frozenset(field.name for field in item_type.fields),
        "add_missing": parts.add_missing,
        "add_refused": parts.add_refused,
        "add_element_refused": parts.add_element_refused,
        "keep_entry": parts.keep_entry,
        "pointer": pointer,
        "DoubtfulValue": DoubtfulValue,
        "too_many": parts.too_many,
        "keep_unknown": parts.keep_unknown,
        "check_roles": parts.check_roles,
        "not_a_list": NotAnItemValue("it must be a list"),
        "not_a_map": NotAnItemValue("it must be an object"),
        "same_key": "two keys are the same once read",
        "no_null": "it must not be null",
    }
    lines = [
        "def validate(data, base):",
        "    out = {}",
        "    errors = []",
        "    get = data.get",
        "    doubtful = []",
        "    seen = 0",
    ]
    for index, field in enumerate(item_type.fields):
        _bind(namespace, index, field, coercers)
        lines += _field_source(index, field, required=field.required and not partial)
    lines += _closing_source(item_type, namespace)
    # The source holds only the lines written below and integers.
    exec(compile("\n".join(lines), "<item type>", "exec"), namespace)  # noqa: S102
    validator: Validator = namespace["validate"]
    return validator


def _bind(
    namespace: dict[str, Any], index: int, field: Field, coercers: dict[ScalarType, Coercer]
) -> None:
    """Give the source its constants: n = name, p = pointer, c = coercer, k = coercer of keys."""
    namespace[f"n{index}"] = field.name
    namespace[f"p{index}"] = pointer(field.name)
    container = field.container
    if container is None:
        namespace[f"c{index}"] = coercers[ScalarType(field.type)]
        return
    namespace[f"c{index}"] = coercers[container.value_scalar_type]
    if container.key_scalar_type is not None:
        namespace[f"k{index}"] = key_coercer(coercers[container.key_scalar_type])


def _field_source(index: int, field: Field, *, required: bool) -> list[str]:
    n, p = f"n{index}", f"p{index}"
    missing = [f"add_missing(errors, base + {p}, {n})"] if required else []
    absent = [f"if {n} in data:", "    seen += 1", *missing]
    if field.container is None:
        present = _scalar_source(index, ScalarType(field.type), missing)
    elif field.container.container_type == "ARRAY":
        present = _list_source(index, field.container, required=required)
    else:
        present = _map_source(index, field.container, required=required)
    return [
        f"    v = get({n})",
        "    if v is None:",
        *_indent(absent, 2),
        "    else:",
        "        seen += 1",
        *_indent(present, 2),
    ]


def _scalar_source(index: int, scalar: ScalarType, missing: list[str]) -> list[str]:
    n, p = f"n{index}", f"p{index}"
    keeps = [
        "except DoubtfulValue as value:",
        f"    out[{n}] = value.kept",
        f"    doubtful.append(base + {p})",
    ]
    slow = [
        "try:",
        f"    r = c{index}(v)",
        *(keeps if scalar in _DOUBTFUL and not missing else ()),
        "except NotAnItemValue as refused:",
        f"    add_refused(errors, base + {p}, {n}, v, refused)",
        "else:",
        "    if r is not None:",
        f"        out[{n}] = r",
    ]
    if missing:
        slow += ["    else:", *_indent(missing, 2)]
    fast = _FAST.get(scalar)
    if fast is None:
        return slow
    return [f"if {fast.format(v='v')}:", f"    out[{n}] = v", "else:", *_indent(slow, 1)]


def _list_source(index: int, container: Container, *, required: bool) -> list[str]:
    n, p = f"n{index}", f"p{index}"
    keeps = [
        "except DoubtfulValue as value:",
        "    kept.append(value.kept)",
        f"    doubtful.append(base + {p} + pointer(i))",
    ]
    slow = [
        "try:",
        "    if e is None:",
        "        raise NotAnItemValue(no_null)",
        f"    r = c{index}(e)",
        *(keeps if container.value_scalar_type in _DOUBTFUL and not required else ()),
        "except NotAnItemValue as refused:",
        "    bad += 1",
        f"    add_element_refused(errors, base + {p}, {n}, i, e, refused)",
        f"    if too_many(errors, base + {p}, {n}, bad):",
        "        break",
        "else:",
        "    if r is not None:",
        "        kept.append(r)",
    ]
    fast = _FAST.get(container.value_scalar_type)
    if fast is not None:
        slow = [f"if {fast.format(v='e')}:", "    kept.append(e)", "else:", *_indent(slow, 1)]
    return [
        "if type(v) is list:",
        "    kept = []",
        "    bad = 0",
        "    for i, e in enumerate(v):",
        *_indent(slow, 2),
        "    if not bad:",
        f"        out[{n}] = kept",
        "else:",
        f"    add_refused(errors, base + {p}, {n}, v, not_a_list)",
    ]


def _map_source(index: int, container: Container, *, required: bool) -> list[str]:
    n, p = f"n{index}", f"p{index}"
    read = [f"key = k{index}(i)", f"r = c{index}(e)"]
    if not required and not _DOUBTFUL.isdisjoint(
        (container.key_scalar_type, container.value_scalar_type)
    ):
        read = [
            "try:",
            *_indent(read, 1),
            "except DoubtfulValue:",
            f"    key, r = keep_entry(k{index}, c{index}, (i, e), doubtful, base + {p})",
        ]
    return [
        "if type(v) is dict:",
        "    kept = {}",
        "    bad = 0",
        "    for i, e in v.items():",
        "        try:",
        "            if e is None:",
        "                raise NotAnItemValue(no_null)",
        *_indent(read, 3),
        "            if key is None or r is None:",
        "                continue",
        "            if key in kept:",
        "                raise NotAnItemValue(same_key)",
        "        except NotAnItemValue as refused:",
        "            bad += 1",
        f"            add_element_refused(errors, base + {p}, {n}, i, e, refused)",
        f"            if too_many(errors, base + {p}, {n}, bad):",
        "                break",
        "        else:",
        "            kept[key] = r",
        "    if not bad:",
        f"        out[{n}] = kept",
        "else:",
        f"    add_refused(errors, base + {p}, {n}, v, not_a_map)",
    ]


def _closing_source(item_type: ItemType, namespace: dict[str, Any]) -> list[str]:
    """Unknown fields, roles, creator."""
    lines = [
        "    if seen == len(data):",
        "        unknown = ()",
        "    else:",
        "        unknown = keep_unknown(data, known, out, errors, base)",
    ]
    needs = _needs(item_type.field_roles) if item_type.kind == "CONTENT" else ()
    if needs:
        namespace["needs"] = needs
        conditions = []
        for position, (field, needed) in enumerate(needs):
            namespace[f"f{position}"], namespace[f"g{position}"] = field, needed
            conditions.append(f"f{position} in out and g{position} not in out")
        lines.append(f"    if {' or '.join(conditions)}:")
        lines.append("        check_roles(out, errors, base, needs)")
    if item_type.field_roles.creator_id is None or item_type.kind == "USER":
        lines.append("    return Checked(out, errors, unknown, None, tuple(doubtful))")
        return lines
    namespace["creator_field"] = item_type.field_roles.creator_id
    return [
        *lines,
        "    v = out.get(creator_field)",
        "    creator = None if v is None else ItemRef(v['id'], v['typeId'])",
        "    return Checked(out, errors, unknown, creator, tuple(doubtful))",
    ]


def _needs(roles: FieldRoles) -> tuple[tuple[str, str], ...]:
    """Pairs (field, field that must have a value when the first has one)."""
    needs = []
    if roles.parent_id is not None and roles.thread_id is not None:
        needs.append((roles.parent_id, roles.thread_id))
    if roles.created_at is not None:
        needs += [
            (field, roles.created_at)
            for field in (roles.parent_id, roles.thread_id)
            if field is not None
        ]
    return tuple(needs)


def _indent(lines: list[str], levels: int) -> list[str]:
    return ["    " * levels + line for line in lines]
