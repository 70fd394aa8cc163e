"""Items for tests of the history, and a model of it in memory: a list, searched plainly."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from coop_contracts.config import Container, Field, FieldRoles, ItemType, OrgSettings, ScalarType
from coop_contracts.event import ItemRef, ItemSubmitted, SubmittedItem
from coop_contracts.ids import new_id
from coop_review_api.history.version import Indexing, ItemShape, ItemVersion, versions_of

TYPE_VERSION = "2026-01-01T00:00:00.000000Z"
POST = ItemType(
    id="post",
    name="Post",
    kind="CONTENT",
    version=TYPE_VERSION,
    fields=(
        Field(name="text", type=ScalarType.STRING),
        Field(name="author", type=ScalarType.RELATED_ITEM),
        Field(name="thread", type=ScalarType.RELATED_ITEM),
        Field(name="parent", type=ScalarType.RELATED_ITEM),
        Field(name="said", type=ScalarType.DATETIME),
        Field(name="ip", type=ScalarType.IP_ADDRESS),
        Field(
            name="pictures",
            type="ARRAY",
            container=Container(container_type="ARRAY", value_scalar_type=ScalarType.IMAGE),
        ),
    ),
    field_roles=FieldRoles(
        creator_id="author", thread_id="thread", parent_id="parent", created_at="said"
    ),
)
NOTE = msgspec.structs.replace(POST, id="note", name="Note")
MEMBER = ItemType(
    id="member",
    name="Member",
    kind="USER",
    version=TYPE_VERSION,
    fields=(
        Field(name="name", type=ScalarType.STRING),
        Field(name="face", type=ScalarType.IMAGE),
    ),
)
TYPES = {one.id: one for one in (POST, NOTE, MEMBER)}
WORDS = ("river", "stone", "cloud", "ember", "grass", "night")


def settings(**more: Any) -> OrgSettings:
    return OrgSettings(id="settings", name="Acme", **more)


def searched(_org_id: str, item: SubmittedItem) -> Indexing:
    """As `Wanted.of` of an organisation that has its texts searched."""
    return Indexing(ItemShape.of(TYPES[item.type_id]), searched=True)


def submitted_item(id_: str, type_id: str = "post", **data: Any) -> SubmittedItem:
    author = data.get("author")
    return SubmittedItem(
        id=id_,
        type_id=type_id,
        type_version=TYPE_VERSION,
        data=msgspec.Raw(msgspec.json.encode(data)),
        creator=None if author is None else ItemRef(author["id"], author["typeId"]),
    )


def submitted(
    org_id: str, item: SubmittedItem, time: datetime, *, submission_id: str | None = None
) -> ItemSubmitted:
    submission_id = submission_id or new_id()
    return ItemSubmitted(
        event_id=new_id(),
        org_id=org_id,
        time=time,
        correlation_id=submission_id,
        submission_id=submission_id,
        item=item,
        request_id="r",
        config_revision=1,
    )


def version(org_id: str, item: SubmittedItem, time: datetime, **more: Any) -> ItemVersion:
    """What the history makes of a submission."""
    return versions_of(submitted(org_id, item, time, **more), searched)[0]


def ref(id_: str, type_id: str = "member") -> dict[str, str]:
    return {"id": id_, "typeId": type_id}


@dataclass
class Model:
    """What was sent, and what each way finds of it."""

    rows: list[tuple[ItemVersion, dict[str, Any]]] = field(default_factory=list)

    def send(self, org_id: str, item: SubmittedItem, time: datetime) -> ItemVersion:
        made = version(org_id, item, time)
        self.rows.append((made, msgspec.json.decode(item.data)))
        return made

    def find(
        self,
        org_id: str,
        which: Callable[[ItemVersion, dict[str, Any]], bool],
        *,
        until: datetime | None = None,
    ) -> list[ItemVersion]:
        """The newest version of each item, where it is one of those."""
        newest: dict[tuple[str, str], tuple[ItemVersion, dict[str, Any]]] = {}
        for row, data in sorted(self.rows, key=lambda one: (one[0].time, one[0].submission_id)):
            if row.org_id == org_id and (until is None or row.time < until):
                newest[row.item_id, row.type_id] = (row, data)
        return [row for row, data in newest.values() if which(row, data)]


def by_time(rows: Iterable[ItemVersion]) -> list[str]:
    """Submissions, the newest first."""
    key = lambda row: (row.time, row.type_id, row.item_id, row.submission_id)  # noqa: E731
    return [row.submission_id for row in sorted(rows, key=key, reverse=True)]


def by_talk(rows: Sequence[ItemVersion], *, reverse: bool = False) -> list[str]:
    """Submissions in the order in which they were said."""
    key = lambda row: (row.said_at, row.item_id, row.type_id, row.time, row.submission_id)  # noqa: E731
    return [row.submission_id for row in sorted(rows, key=key, reverse=reverse)]


def populated(orgs: Sequence[str], now: datetime, *, count: int, seed: int) -> Model:
    """Two organisations that use the same ids: edited items, threads, answers, addresses."""
    dice = random.Random(seed)
    model = Model()
    for _ in range(count):
        org_id = dice.choice(orgs)
        # Some at the very same moment, as those of one request are.
        time = now - timedelta(hours=dice.randrange(24 * 10), seconds=dice.choice((0, 7)))
        if dice.random() < 0.1:
            face = {"face": {"url": "https://x.example/a.png"}} if dice.random() < 0.5 else {}
            item = submitted_item(f"u{dice.randrange(4)}", "member", name="Ann", **face)
        else:
            number = dice.randrange(count // 2)  # half of them are edits
            more: dict[str, Any] = {}
            if number % 3 == 0:
                more["thread"] = ref(f"t{number % 4}", "topic")
            if number % 6 == 0:
                more["parent"] = ref(f"{dice.randrange(5)}", "post")
            if number % 2 == 0:
                more["ip"] = dice.choice(("10.0.0.1", "2001:DB8:0::1", "2001:db8::1", "no address"))
            if number % 5 == 0:
                more["pictures"] = [{"url": "https://x.example/b.png"}]
            item = submitted_item(
                str(number),
                "note" if number % 7 == 0 and dice.random() < 0.5 else "post",
                text=" ".join(dice.sample(WORDS, 2)),
                author=ref(f"u{number % 4}"),
                said=f"2026-01-01T00:{number % 10:02}:00.000Z",
                **more,
            )
        model.send(org_id, item, time)
    return model


NOW = datetime(2026, 5, 20, 15, 30, tzinfo=UTC)
