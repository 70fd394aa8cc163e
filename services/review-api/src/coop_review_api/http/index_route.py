"""What is at the address that somebody tries first.

    GET /v1     what this is, and where its description and a session are

What is not below it is the console's (`http.console`).

Guarantees: says nothing of who asks, and needs nothing.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from coop_review_api.http.authentication import public
from coop_review_api.http.body import Model
from coop_review_api.http.openapi import TITLE

router = APIRouter(tags=["index"], dependencies=[Depends(public)])


class IndexView(Model):
    """Addresses are below this one."""

    title: str
    description: Annotated[str, "The OpenAPI description."]
    session: Annotated[str, "POST signs in, GET says who one is."]


_INDEX = IndexView(title=TITLE, description="/v1/openapi.json", session="/v1/session")


@router.get("/v1", operation_id="getIndex", response_model=IndexView)
async def get_index() -> IndexView:
    """What this is, and where to go."""
    return _INDEX
