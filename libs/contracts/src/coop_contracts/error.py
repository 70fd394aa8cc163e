"""The errors of the public API, as on the wire.

    {"errors": [{"status", "type": ["/errors/…"], "title", "detail"?, "pointer"?, "requestId"?}]}

The HTTP status of an answer is its first error's status.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct


class ErrorType(StrEnum):
    UNRECOGNIZED_CONTENT_TYPE = "/errors/unrecognized-content-type"
    DATA_INVALID_FOR_ITEM_TYPE = "/errors/data-invalid-for-item-type"
    FIELD_ROLES_INVALID_FOR_ITEM_TYPE = "/errors/field-roles-invalid-for-item-type"
    INVALID_USER_INPUT = "/errors/invalid-user-input"
    NOT_FOUND = "/errors/not-found"
    CONFLICT = "/errors/conflict"
    AUTHENTICATION_FAILED = "/errors/authentication-failed-or-missing"
    AUTHORIZATION_FAILED = "/errors/authorization-failed"
    RATE_LIMITED = "/errors/rate-limited"
    SERVICE_UNAVAILABLE = "/errors/service-unavailable"
    INTERNAL = "/errors/internal-server-error"


class ApiError(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One error. `pointer` is an RFC 6901 JSON pointer to the exact field in the request body."""

    status: int
    type: tuple[ErrorType, ...]
    title: str
    detail: str | None = None
    pointer: str | None = None
    request_id: str | None = None


class ErrorBody(Struct, frozen=True):
    errors: tuple[ApiError, ...]


_encoder = msgspec.json.Encoder()


def encode_errors(errors: tuple[ApiError, ...] | list[ApiError]) -> bytes:
    """The error body's bytes."""
    return _encoder.encode(ErrorBody(errors=tuple(errors)))


def pointer(*parts: str | int) -> str:
    """An RFC 6901 JSON pointer: `pointer("items", 3, "a/b")` is `/items/3/a~1b`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
