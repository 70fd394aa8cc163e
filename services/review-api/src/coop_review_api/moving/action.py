"""Coop's actions, the built-in ones under the ids that rules name.

Guarantees: a parameter that Coop's own reader passes over is passed over; a header that cannot be
sent is left out and told by its name.
Must not: put an address or a header's value into a finding: they may hold secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from coop_contracts.config import Action, ActionParameter, ActionType, Kind
from coop_contracts.error import pointer
from coop_review_api.configuration.action import check_headers
from coop_review_api.configuration.parameter import check_parameters
from coop_review_api.moving.mapped import Finding, Mapped, Noter
from coop_review_api.moving.source import CoopSource, Row

_TYPES: Final = frozenset({"STRING", "NUMBER", "BOOLEAN", "SELECT", "MULTISELECT"})
_OPTIONAL: Final = {
    "defaultValue": "default_value",
    "min": "min",
    "max": "max",
    "maxLength": "max_length",
    "description": "description",
}


def actions(source: CoopSource) -> Iterator[Mapped | Finding]:
    """Every action that Coop's server can read."""
    types = source.grouped("public.actions_and_item_types", "action_id", "item_type_id")
    there = source.ids("public.item_types")
    for row in source.of("public.actions"):
        note = Noter(Kind.ACTION, row["id"], row["name"])
        if row["action_type"] not in ActionType.__members__:
            note.cannot(
                f"is of type {row['action_type']}, which Coop's server does not read either"
            )
            yield note.findings[-1]
            continue
        item_type_ids = note.known(types.get(row["id"], []), there, "item type", "/itemTypeIds")
        yield _action(row, item_type_ids, note)


def _action(row: Row, item_type_ids: tuple[str, ...], note: Noter) -> Mapped:
    parameters = _parameters(row.get("custom_mrt_api_params") or (), note)
    body = row["callback_url_body"]
    if body is not None and not isinstance(body, dict):
        note.cannot("its body is no JSON object: left out", "/callbackUrlBody", body)
    body = dict(body) if isinstance(body, dict) else {}
    for name in sorted({one.name for one in parameters} & body.keys()):
        at = pointer("callbackUrlBody", name)
        note.differs("a parameter has the same name: the parameter's value is sent", at)
        del body[name]
    headers = headers_of(row["callback_url_headers"], note, "/callbackUrlHeaders")
    return Mapped(
        kind=Kind.ACTION,
        document=Action(
            id=row["id"],
            name=row["name"],
            description=row["description"] or "",
            action_type=ActionType(row["action_type"]),
            item_type_ids=item_type_ids,
            applies_to_all_items_of_kind=tuple(
                dict.fromkeys(row["applies_to_all_items_of_kind"] or ())
            ),
            callback_url=row["callback_url"] or None,
            callback_url_body=body,
            parameters=parameters,
            apply_user_strikes=bool(row.get("apply_user_strikes")),
            penalty=row["penalty"] or "NONE",
        ),
        secrets={"callback_url_headers": headers} if headers else {},
        findings=tuple(note.findings),
        source={
            "description": row["description"],
            "appliesToAllItemsOfKind": row["applies_to_all_items_of_kind"],
            "itemTypeIds": item_type_ids,
            "parameters": row.get("custom_mrt_api_params"),
        },
    )


def headers_of(given: Any, note: Noter, at: str) -> str | None:
    """The headers that can be sent, as JSON; None where there is none."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        note.cannot("the headers are no JSON object: left out", at)
        return None
    headers: dict[str, str] = {}
    for name, value in given.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if isinstance(value, dict | list) or value is None:
            note.differs(f"the header {name} is no text: left out", at)
            continue
        faults = list(check_headers({**headers, name: text}, at))
        if faults:
            note.differs(f"the header {name} is left out: {faults[0].reason}", at)
        else:
            headers[name] = text
    return msgspec.json.encode(headers).decode() if headers else None


def _parameters(given: Any, note: Noter) -> tuple[ActionParameter, ...]:
    kept: list[ActionParameter] = []
    for index, entry in enumerate(given):
        at = pointer("parameters", index)
        if not _is_read(entry):
            note.cannot("Coop's own reader passes over this parameter: left out", at, entry)
            continue
        try:
            parameter = msgspec.convert(
                {
                    **{name: value for name, value in entry.items() if value is not None},
                    "required": entry.get("required") is True,
                },
                ActionParameter,
            )
        except msgspec.ValidationError as error:
            note.cannot(f"the parameter cannot be read: {error}: left out", at, entry)
            continue
        good = _without_faults(parameter, kept, note, at)
        if good is not None:
            kept.append(good)
    return tuple(kept)


def _is_read(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("displayName"), str)
        and entry.get("type") in _TYPES
    )


def _without_faults(
    parameter: ActionParameter, before: list[ActionParameter], note: Noter, at: str
) -> ActionParameter | None:
    """Without what our check refuses of it; None where that is the parameter itself."""
    place = pointer("parameters", len(before)) + "/"
    for _ in range(len(_OPTIONAL) + 1):
        faults = list(check_parameters([*before, parameter]))
        if not faults:
            return parameter
        fault = faults[0]
        part = fault.pointer.removeprefix(place).split("/")[0]
        if part not in _OPTIONAL:
            note.cannot(f"the parameter {parameter.name} is left out: {fault.reason}", at)
            return None
        note.differs(f"{part} of the parameter {parameter.name} is left out: {fault.reason}", at)
        none = "" if part == "description" else None
        parameter = structs.replace(parameter, **{_OPTIONAL[part]: none})
    return None
