"""Calls between services over HTTP: what is asked, what is answered, where.

    <method> /internal/v1/orgs/{org}/<path>        Authorization: Bearer <the shared secret>

What a call asks is one struct. Its fields that the path names are part of the path; of a GET the
others are parameters of the query, of a POST the members of a JSON object. A refusal is a `Problem`
(RFC 9457): 401 without the secret, 404, 409, 422, 503.

Guarantees: both sides read and write by these structs, whose schemas are frozen (see `frozen/`): an
answer is only added to. A question is added to at the side that answers first, which refuses
members of an object that it does not know.
Must not: know who asks whom; the module of each API does.
"""

from __future__ import annotations

from string import Formatter
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from msgspec import Struct

ROOT: Final = "/internal/v1/orgs"


class Question(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is asked for with GET. A parameter that is None is not sent."""


class Command(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What is to be done, with POST."""


class Answer(Struct, frozen=True, kw_only=True, rename="camel"):
    """Each member is said, also where it is null."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why there is no answer. `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str | None = None


Q = TypeVar("Q", bound=Question | Command)
A = TypeVar("A", bound=Answer)


class Call(NamedTuple, Generic[Q, A]):
    """`path` is below the organisation's; in braces stand names of fields as they are on the
    wire."""

    method: Literal["GET", "POST"]
    path: str
    asks: type[Q]
    answers: type[A]
    status: int = 200

    @property
    def ids(self) -> tuple[str, ...]:
        """The fields that are part of the path."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.path) if name)
