"""Jobs of a queue that are alike: by author, rule, medium or text; for who decides many at once.

    the first `EXAMINED` jobs that are free, in the order in which they are handed out
      ──▶ a key of each ──▶ groups of two and more, the largest first

Guarantees: the work is bounded by `EXAMINED`, whatever waits; nothing is written where jobs are
placed, so that placing costs the same; what is about child safety, an NCMEC job or an appeal is in
no group. Two texts are near the same when they have the same words, whatever their order, case,
digits, signs, links and repetition (Unicode compatibility forms are one).
Must not: claim anything.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import RuleRef, SubmittedItem
from coop_queues import store
from coop_queues.job import JobKind, JobSummary
from coop_queues.reading import SUMMARY_COLUMNS, entries, is_grave, jobs, summary_of

By = Literal["HASH", "AUTHOR", "RULE", "TEXT"]

EXAMINED: Final = 1000
GROUPS: Final = 100
SAMPLE: Final = 200
"""Jobs of a group that are named: as many as one decision may be on."""

_TEXT: Final = 4096  # characters
_MOST: Final = 2000  # values of an item
_ENTRIES: Final = 10_000
_LINK = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, kw_only=True)
class JobGroup:
    """`label` is for people: the beginning of the text, the rule's name, the address of the medium,
    the author's id. `job_ids` are up to `SAMPLE`, in their turn."""

    key: str
    label: str
    count: int
    oldest: datetime
    job_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class JobGroups:
    """`more`: further jobs wait that were not looked at."""

    groups: tuple[JobGroup, ...]
    examined: int
    more: bool


class _Entry(msgspec.Struct, rename="camel"):
    """What is read of an entry."""

    rules: tuple[RuleRef, ...] = ()


_entry = msgspec.json.Decoder(_Entry)


async def groups_of(connection: AsyncConnection, org_id: str, queue_id: str, by: By) -> JobGroups:
    """The queue's jobs that are alike."""
    now = func.clock_timestamp()
    query = (
        select(*SUMMARY_COLUMNS)
        .where(
            jobs.c.org_id == org_id,
            jobs.c.queue_id == queue_id,
            jobs.c.state == "PENDING",
            jobs.c.kind == JobKind.DEFAULT,
            ~is_grave(jobs),
            or_(jobs.c.lease_expires_at.is_(None), jobs.c.lease_expires_at <= now),
            or_(jobs.c.kept_until.is_(None), jobs.c.kept_until <= now),
        )
        .order_by(jobs.c.rank, jobs.c.job_id)
        .limit(EXAMINED + 1)
    )
    rows = (await connection.execute(query)).mappings()
    found = [summary_of(dict(row)) for row in rows]
    looked_at = found[:EXAMINED]
    keys = await _keys(connection, org_id, looked_at, by)
    return JobGroups(
        groups=tuple(_grouped(looked_at, keys)),
        examined=len(looked_at),
        more=len(found) > EXAMINED,
    )


def _grouped(
    found: Sequence[JobSummary], keys: Mapping[str, Iterable[tuple[str, str]]]
) -> list[JobGroup]:
    members: dict[str, list[JobSummary]] = {}
    labels: dict[str, str] = {}
    for job in found:
        for key, label in keys.get(job.job_id, ()):
            members.setdefault(key, []).append(job)
            labels.setdefault(key, label)
    groups = [
        JobGroup(
            key=key,
            label=labels[key],
            count=len(alike),
            oldest=min(job.created_at for job in alike),
            job_ids=tuple(job.job_id for job in alike[:SAMPLE]),
        )
        for key, alike in members.items()
        if len(alike) > 1
    ]
    groups.sort(key=lambda group: (-group.count, group.oldest, group.key))
    return groups[:GROUPS]


async def _keys(
    connection: AsyncConnection, org_id: str, found: Sequence[JobSummary], by: By
) -> dict[str, list[tuple[str, str]]]:
    """Keys and labels, by job id."""
    if by == "RULE":
        return await _rules(connection, org_id, found)
    items = await store.newest_items(connection, org_id, found)
    read = {"AUTHOR": _author, "TEXT": _text, "HASH": _media}[by]
    return {job_id: list(dict(read(item)).items()) for job_id, item in items.items()}


async def _rules(
    connection: AsyncConnection, org_id: str, found: Sequence[JobSummary]
) -> dict[str, list[tuple[str, str]]]:
    job_of = {part: job.job_id for job in found for part in (*job.moved_from, job.job_id)}
    query = (
        select(entries.c.job_id, entries.c.body)
        .where(entries.c.org_id == org_id, entries.c.job_id.in_(list(job_of)))
        .order_by(entries.c.position.desc())
        .limit(_ENTRIES)
    )
    keys: dict[str, dict[str, str]] = {}
    for row in await connection.execute(query):
        for rule in _entry.decode(row.body).rules:
            keys.setdefault(job_of[str(row.job_id)], {})[rule.id] = rule.name
    return {job_id: list(rules.items()) for job_id, rules in keys.items()}


def _author(item: SubmittedItem) -> Iterator[tuple[str, str]]:
    if item.creator is not None:
        yield _digest(item.creator.type_id, item.creator.id), item.creator.id


def _media(item: SubmittedItem) -> Iterator[tuple[str, str]]:
    for value in _values(item):
        if isinstance(value, dict):
            yield _digest("medium", str(value["url"])), str(value["url"])[:200]


def _text(item: SubmittedItem) -> Iterator[tuple[str, str]]:
    said = " ".join(value for value in _values(item) if isinstance(value, str))[:_TEXT]
    words = words_of(said)
    if words:
        yield _digest("text", *sorted(words)), " ".join(said.split())[:200]


def words_of(text: str) -> frozenset[str]:
    """What makes two texts near the same."""
    plain = unicodedata.normalize("NFKC", _LINK.sub(" ", text[:_TEXT])).casefold()
    return frozenset(_WORD.findall(plain))


def _digest(*parts: str) -> str:
    named = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(named.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _values(item: SubmittedItem) -> Iterator[str | dict[str, Any]]:
    """Texts and media of the item, in order. A stack, not recursion: how deep unknown fields nest
    is up to who submitted them."""
    stack: list[Any] = [msgspec.json.decode(item.data)]
    for _ in range(_MOST):
        if not stack:
            return
        match stack.pop():
            case str() as text:
                yield text
            case {"url": str()} as medium:
                yield medium
            case {"id": _, "typeId": _}:
                continue
            case dict() as inner:
                stack.extend(list(inner.values())[::-1])
            case list() as inner_list:
                stack.extend(inner_list[::-1])
