"""A glance at a job's item for lists: some words, and how many media it has.

Guarantees: what is about child safety has no preview; hidden fields are left out; the media
themselves are not looked at.
Must not: be a look at a job: who wants more opens it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Field, ItemType, Kind, ScalarType
from coop_contracts.event import SubmittedItem
from coop_queues import store
from coop_queues.job import JobSummary
from coop_review_api.configuration.catalogue import load_documents

MAX_TEXT: Final = 200  # characters
_NO_WORDS: Final = frozenset(
    {
        ScalarType.DATETIME,
        ScalarType.GEOHASH,
        ScalarType.ID,
        ScalarType.IP_ADDRESS,
        ScalarType.POLICY_ID,
        ScalarType.USER_ID,
    }
)
"""Texts that nobody wrote: a list is read for what people said."""
_MOST: Final = 2000  # values of an item that are looked at


@dataclass(frozen=True, kw_only=True)
class JobPreview:
    """`text` is the beginning of the item's words, `media` how many media it has."""

    text: str
    media: int


async def previews_of(
    connection: AsyncConnection, org_id: str, jobs: Sequence[JobSummary]
) -> dict[str, JobPreview]:
    """By job id; of what is about child safety none."""
    shown = [job for job in jobs if not job.csam]
    items = await store.newest_items(connection, org_id, shown)
    wanted = {(Kind.ITEM_TYPE, item.type_id) for item in items.values()}
    catalogue = await load_documents(connection, org_id, wanted)
    types = catalogue.all(Kind.ITEM_TYPE, ItemType)
    return {job_id: preview_of(item, types.get(item.type_id)) for job_id, item in items.items()}


def preview_of(item: SubmittedItem, item_type: ItemType | None) -> JobPreview:
    """The item at a glance; of an item type that is gone all fields are looked at."""
    data: Any = msgspec.json.decode(item.data)
    fields: Mapping[str, Any] = data if isinstance(data, dict) else {}
    names = list(fields)
    if item_type is not None:
        hidden = set(item_type.hidden_fields)
        names = [one.name for one in item_type.fields if one.name not in hidden and _is_said(one)]
    words: list[str] = []
    media = 0
    for value in _values([fields[name] for name in names if name in fields]):
        if isinstance(value, dict):
            media += 1
        elif sum(map(len, words)) < MAX_TEXT:
            words.append(" ".join(value[: 4 * MAX_TEXT].split()))
    text = " · ".join(word for word in words if word)
    return JobPreview(text=text[:MAX_TEXT], media=media)


def _is_said(field: Field) -> bool:
    kind = field.container.value_scalar_type if field.container else field.type
    return kind not in _NO_WORDS


def _values(found: list[Any]) -> Iterator[str | dict[str, Any]]:
    """Texts and media (`{"url": …}`) in the order of the fields. A stack, not recursion: how deep
    unknown fields nest is up to who submitted them."""
    stack = found[::-1]
    for _ in range(_MOST):
        if not stack:
            return
        match stack.pop():
            case str() as text:
                yield text
            case {"url": str()} as medium:
                yield medium
            case {"id": _, "typeId": _}:
                continue  # another item
            case dict() as inner:
                stack.extend(list(inner.values())[::-1])
            case list() as entries:
                stack.extend(entries[::-1])
