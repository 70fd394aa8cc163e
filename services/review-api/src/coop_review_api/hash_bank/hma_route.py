"""The Hasher-Matcher-Actioner that hash banks are matched with, where the operator named one.

    GET /v1/hasher-matcher-actioner     asks it now

Guarantees: only the organisation's banks are named.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from coop_contracts.hash_bank import TRY_HMA, HmaAnswered, HmaQuestion
from coop_review_api.configuration.document_resource import HASH_BANK_RESOURCE
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.http.body import Model
from coop_review_api.http.context import part_of
from coop_review_api.kernel.principal import Principal

router = APIRouter(prefix="/v1", tags=["hash banks"])

Reader = Annotated[Principal, Depends(HASH_BANK_RESOURCE.read)]


class HmaBankView(Model):
    """A bank of the organisation there. `ratio`: of the submissions that it is matched for; null
    where it was not made there (yet)."""

    bank_id: str
    name: str
    ratio: float | None


class HmaAccountView(Model):
    """Where it is, whether it is asked with a token, how many milliseconds its answer took, or why
    there is none; `banks` where it answered."""

    host: str
    has_token: bool
    milliseconds: int | None
    fault: str | None
    banks: list[HmaBankView]


class HmaView(Model):
    """`account`: null where only Coop's own banks are asked."""

    account: HmaAccountView | None

    @classmethod
    def of(cls, told: HmaAnswered) -> HmaView:
        """As the bridge says it."""
        if told.account is None:
            return cls(account=None)
        found = told.account
        return cls(
            account=HmaAccountView(
                host=found.host,
                has_token=found.has_token,
                milliseconds=found.milliseconds,
                fault=found.fault,
                banks=[
                    HmaBankView(bank_id=one.bank_id, name=one.name, ratio=one.ratio)
                    for one in found.banks
                ],
            )
        )


@router.get(
    "/hasher-matcher-actioner",
    operation_id="tryHasherMatcherActioner",
    response_model=HmaView,
)
async def try_hma(request: Request, principal: Reader) -> HmaView:
    """Whether a Hasher-Matcher-Actioner is asked beside Coop's own banks, and what it answers
    now."""
    bridge = part_of(request, HashBridge)
    return HmaView.of(await bridge.ask(principal.org_id, TRY_HMA, HmaQuestion()))
