"""What people wrote, in the reader's language.

    POST /v1/translations

Guarantees: only what the reader may see is translated, and nothing that is about child safety: it
does not leave; a passage that could not be translated says why, the others are there.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.signal.signals import Signals
from coop_review_api.translation.passage import MAX_PASSAGES, Passage, texts_of
from coop_review_api.translation.translator import NotTranslated, Translator
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["jobs"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]
Id = Annotated[str, Field(min_length=1, max_length=512)]


class PassageItemBody(Body):
    """An item of the platform."""

    id: Id
    type_id: Id


class PassageBody(Body):
    """A text by its JSON pointer: within the job's `payload`, or within the data of `item`."""

    pointer: Annotated[str, Field(max_length=512, pattern=r"^/")]
    item: PassageItemBody | None = None


class TranslationBody(Body):
    """`to` is a BCP 47 language tag, such as `en` or `pt-BR`."""

    job_id: Annotated[str, Field(min_length=1, max_length=128)]
    to: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
    passages: Annotated[list[PassageBody], Field(min_length=1, max_length=MAX_PASSAGES)]


class TranslationView(Model):
    """`language` is that of the original, `und` where there is none; `text` the translation. Where
    there is none, `problem` says why."""

    language: str | None
    text: str | None
    problem: str | None


class TranslationList(Model):
    """In the order of the passages."""

    items: list[TranslationView]


_body = JsonBody(TranslationBody)


@router.post(
    "/translations",
    operation_id="translatePassages",
    response_model=TranslationList,
    openapi_extra=_body.openapi(),
)
async def translate_passages(
    request: Request, principal: Reviewer, body: Annotated[TranslationBody, Depends(_body)]
) -> TranslationList:
    """Passages of a job in another language, by the organisation's account with OpenAI; refused for
    what is about child safety."""
    context = context_of(request)
    passages = [
        Passage(one.pointer, None if one.item is None else ItemRef(one.item.id, one.item.type_id))
        for one in body.passages
    ]
    texts = await texts_of(context, principal, body.job_id, passages)
    async with transaction(context.engine) as connection:
        await context.part(Signals).learn(connection, principal.org_id)
    made = await context.part(Translator).translate(principal.org_id, texts, body.to)
    return TranslationList(
        items=[
            TranslationView(language=None, text=None, problem=one.reason)
            if isinstance(one, NotTranslated)
            else TranslationView(language=one.language, text=one.text, problem=None)
            for one in made
        ]
    )
