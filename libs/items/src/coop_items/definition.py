"""Whether an item type is one: what is checked when its definition is saved.

Guarantees: every problem is listed, each with a pointer into the item type's JSON document.
Must not: know the organisation's other item types (names unique per organisation are the saver's).
"""

from __future__ import annotations

from typing import Final

from coop_contracts.config import Field, ItemType, ScalarType
from coop_contracts.error import ApiError, ErrorType, pointer
from coop_items.refusal import NotAnItemValue, name_of
from coop_items.text import check_text

MAX_NAME: Final = 255  # characters
MAX_DESCRIPTION: Final = 255  # characters
MAX_FIELDS: Final = 500

_SCALARS: Final = frozenset(ScalarType)
# A key of a JSON object is a string: scalars that become objects cannot be keys.
_KEY_SCALARS: Final = _SCALARS - {
    ScalarType.USER_ID,
    ScalarType.RELATED_ITEM,
    ScalarType.IMAGE,
    ScalarType.VIDEO,
    ScalarType.AUDIO,
    ScalarType.MEDIA,
}

_ALL: Final = frozenset({"CONTENT", "USER", "THREAD"})
_ROLES: Final[dict[str, tuple[str, frozenset[str], ScalarType]]] = {
    "creator_id": ("creatorId", frozenset({"CONTENT", "THREAD"}), ScalarType.RELATED_ITEM),
    "thread_id": ("threadId", frozenset({"CONTENT"}), ScalarType.RELATED_ITEM),
    "parent_id": ("parentId", frozenset({"CONTENT"}), ScalarType.RELATED_ITEM),
    "created_at": ("createdAt", _ALL, ScalarType.DATETIME),
    "display_name": ("displayName", _ALL, ScalarType.STRING),
    "is_deleted": ("isDeleted", _ALL, ScalarType.BOOLEAN),
    "ip_address": ("ipAddress", _ALL, ScalarType.IP_ADDRESS),
    "profile_icon": ("profileIcon", frozenset({"USER"}), ScalarType.IMAGE),
    "background_image": ("backgroundImage", frozenset({"USER"}), ScalarType.IMAGE),
    "email": ("email", frozenset({"USER"}), ScalarType.EMAIL_ADDRESS),
}


def check_item_type_definition(item_type: ItemType) -> list[ApiError]:
    """Every problem of the definition; empty when it may be saved."""
    errors = _text_errors("name", item_type.name, MAX_NAME)
    if len(item_type.description) > MAX_DESCRIPTION:
        errors.append(
            _error(f"The description is longer than {MAX_DESCRIPTION} characters.", "description")
        )
    errors += structure_errors(item_type)
    names = {field.name for field in item_type.fields}
    errors += [
        _error(f"There is no field {name_of(hidden)}.", "hiddenFields", index)
        for index, hidden in enumerate(item_type.hidden_fields)
        if hidden not in names
    ]
    return errors


def structure_errors(item_type: ItemType) -> list[ApiError]:
    """The problems that keep an item type from being compiled: fields and roles."""
    errors = []
    if not item_type.fields:
        errors.append(_error("An item type needs at least one field.", "fields"))
    if len(item_type.fields) > MAX_FIELDS:
        errors.append(_error(f"An item type has at most {MAX_FIELDS} fields.", "fields"))
    first: dict[str, int] = {}
    for index, field in enumerate(item_type.fields):
        errors += _text_errors("fields", field.name, MAX_NAME, index, "name")
        errors += _container_errors(index, field)
        if first.setdefault(field.name, index) != index:
            errors.append(
                _error(f"Two fields are named {name_of(field.name)}.", "fields", index, "name")
            )
    return errors + _role_errors(item_type)


def _text_errors(where: str, text: str, longest: int, *more: str | int) -> list[ApiError]:
    if not text.strip():
        return [_error("A name must not be empty.", where, *more)]
    if len(text) > longest:
        return [_error(f"The name is longer than {longest} characters.", where, *more)]
    try:
        check_text(text)
    except NotAnItemValue as error:
        return [_error(f"The name cannot be used: {error.reason}.", where, *more)]
    return []


def _container_errors(index: int, field: Field) -> list[ApiError]:
    at = ("fields", index, "container")
    container = field.container
    if field.type in _SCALARS:
        if container is None:
            return []
        return [_error(f"A field of type {field.type} has no container.", *at)]
    if container is None:
        return [_error(f"A field of type {field.type} needs a container.", *at)]
    errors = []
    if container.container_type != field.type:
        errors.append(
            _error(f"The container must repeat the type {field.type}.", *at, "containerType")
        )
    key = container.key_scalar_type
    if container.container_type == "ARRAY" and key is not None:
        errors.append(_error("A list has no keys.", *at, "keyScalarType"))
    if container.container_type == "MAP" and (key is None or key not in _KEY_SCALARS):
        errors.append(
            _error("A map needs keys of a scalar type that is text.", *at, "keyScalarType")
        )
    return errors


def _role_errors(item_type: ItemType) -> list[ApiError]:
    fields = {field.name: field for field in item_type.fields}
    roles = item_type.field_roles
    errors = []
    for attribute, (role, kinds, scalar) in _ROLES.items():
        name = getattr(roles, attribute)
        if name is None:
            continue
        field = fields.get(name)
        if item_type.kind not in kinds:
            errors.append(
                _role_error(f"An item type of kind {item_type.kind} has no {role}.", role)
            )
        elif field is None:
            errors.append(_role_error(f"There is no field {name_of(name)}.", role))
        elif field.type != scalar or field.container is not None:
            errors.append(_role_error(f"The field of {role} must be of type {scalar}.", role))
    if roles.parent_id is not None and roles.thread_id is None:
        errors.append(_role_error("parentId needs threadId.", "parentId"))
    for dependent, role in ((roles.parent_id, "parentId"), (roles.thread_id, "threadId")):
        if dependent is not None and roles.created_at is None:
            errors.append(_role_error(f"{role} needs createdAt.", role))
    return errors


def _error(detail: str, *path: str | int) -> ApiError:
    return ApiError(
        status=400,
        type=(ErrorType.INVALID_USER_INPUT,),
        title="Invalid item type",
        detail=detail,
        pointer=pointer(*path),
    )


def _role_error(detail: str, role: str) -> ApiError:
    return ApiError(
        status=400,
        type=(ErrorType.FIELD_ROLES_INVALID_FOR_ITEM_TYPE, ErrorType.INVALID_USER_INPUT),
        title="Invalid field roles for item type",
        detail=detail,
        pointer=pointer("fieldRoles", role),
    )
