"""What a request asks for in its address: all parameters of a query as one model.

Guarantees: camelCase names, and no others (`http.address` refuses what is not known); a list is the
parameter given several times, `MAX_VALUES` at most.
Must not: be used for what decides who the caller is.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

MAX_VALUES = 50
"""Of one filter."""

V = TypeVar("V")

AnyOf = Annotated[list[V], Field(max_length=MAX_VALUES, default_factory=list)]
"""A filter of which one value fits; none: all do."""


class QueryModel(BaseModel):
    """The parameters of a query. A route takes it as `Annotated[…, Query()]`."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)
