"""What the benchmark of the history fills tables with: items of 0.9 KB, millions of them."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from coop_contracts.config import Document, Field, FieldRoles, ItemType, Kind, ScalarType
from coop_contracts.event import ItemRef, ItemSubmitted, SubmittedItem
from coop_contracts.ids import item_key as log_key
from coop_contracts.ids import new_id
from coop_queues.reading import item_key
from coop_runtime.kafka.message import Message, message_of

VERSION = "2026-01-01T00:00:00.000000Z"
DAYS = 30
KEYS = 20_000  # users, threads and parents
HEAVY = "heavy"  # the user with many items
HEAVY_ITEMS = 100_000
SEARCHED_DAYS = 7

POST = ItemType(
    id="post",
    name="Post",
    kind="CONTENT",
    version=VERSION,
    fields=(
        Field(name="text", type=ScalarType.STRING, required=True),
        Field(name="author", type=ScalarType.RELATED_ITEM, required=True),
        Field(name="thread", type=ScalarType.RELATED_ITEM),
        Field(name="parent", type=ScalarType.RELATED_ITEM),
        Field(name="said", type=ScalarType.DATETIME, required=True),
        Field(name="ip", type=ScalarType.IP_ADDRESS),
        Field(name="picture", type=ScalarType.IMAGE),
    ),
    field_roles=FieldRoles(
        creator_id="author", thread_id="thread", parent_id="parent", created_at="said"
    ),
)
DOCUMENTS: list[tuple[Kind, Document]] = [(Kind.ITEM_TYPE, POST)]


def message(org_id: str, number: int, dice: random.Random) -> Message:
    """An item as ingest publishes it: author and address always, thread and parent often."""
    data: dict[str, Any] = {
        "text": " ".join(f"{dice.randrange(1 << 32):08x}" for _ in range(50)),
        "author": {"id": f"k{dice.randrange(KEYS)}", "typeId": "member"},
        "said": "2026-01-01T00:00:00.000Z",
        "ip": f"10.{dice.randrange(256)}.{dice.randrange(256)}.1",
    }
    if number % 2:
        data["thread"] = {"id": f"k{dice.randrange(KEYS)}", "typeId": "topic"}
    if number % 4 == 1:
        data["parent"] = {"id": f"k{dice.randrange(KEYS)}", "typeId": "post"}
    if number % 10 == 0:
        data["picture"] = {"url": "https://media.example/a.png"}
    submission_id = new_id()
    event = ItemSubmitted(
        event_id=new_id(),
        org_id=org_id,
        time=datetime.now(UTC),
        correlation_id=submission_id,
        submission_id=submission_id,
        item=SubmittedItem(
            id=submission_id,
            type_id="post",
            type_version=VERSION,
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=ItemRef(**{"id": data["author"]["id"], "type_id": "member"}),
        ),
        request_id="r",
        config_revision=1,
    )
    return message_of(event, key=log_key(org_id, "post", submission_id))


_KEYS = """
    CREATE TABLE review.bench_keys (n int PRIMARY KEY, author uuid, thread uuid, parent uuid)
"""
_FILL = """
    INSERT INTO review.{name} (org_id, item_id, type_id, time, submission_id, source, is_user,
                               has_media, author_key, thread_key, parent_key, said_at, address,
                               item, words)
    SELECT %(org)s, 'i' || g, 'post', %(start)s::timestamptz + g %% 86400 * interval '1 second',
           's' || g, 'ITEM', false, g %% 10 = 0,
           CASE WHEN g %% %(each)s = 0 THEN %(heavy)s::uuid ELSE k.author END,
           CASE WHEN g %% 2 = 1 THEN k.thread END, CASE WHEN g %% 4 = 1 THEN k.parent END,
           %(start)s::timestamptz + g %% 86400 * interval '1 second',
           '10.' || g %% 256 || '.' || g / 256 %% 256 || '.1',
           '{{"id":"i' || n || '","typeId":"post","typeVersion":"v","data":{{"text":"'
               || repeat(md5(g::text), 26) || '"}}}}',
           CASE WHEN %(searched)s THEN array_to_tsvector(ARRAY['org:' || %(org)s,
               'w' || g %% 20000, 'x' || g %% 300, 'y' || g %% 7001, substr(md5(g::text), 1, 5)])
           END
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g
      JOIN review.bench_keys k ON k.n = (g * 7919) %% %(keys)s
"""


def fill(database: psycopg.Connection[Any], org_id: str, *, rows: int, seconds: float) -> int:
    """Fills thirty days with `rows` items, fewer where that takes longer than `seconds`: from the
    newest day on. Returns how many."""
    database.execute(_KEYS)
    keys = [
        (n, *(item_key(kind, f"k{n}") for kind in ("member", "topic", "post"))) for n in range(KEYS)
    ]
    with database.cursor() as cursor, cursor.copy("COPY review.bench_keys FROM STDIN") as copy:
        for row in keys:
            copy.write_row(row)
    database.execute("SET statement_timeout = 0")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    a_day, done, until = rows // DAYS, 0, time.monotonic() + seconds
    for day in range(1, DAYS + 1):
        if time.monotonic() > until:
            break
        start = today - timedelta(days=day)
        name = f"item_versions_p{start:%Y%m%d}"
        database.execute(
            f"CREATE TABLE review.{name} (LIKE review.item_versions INCLUDING DEFAULTS)"
        )
        asked = {
            "org": org_id,
            "start": start,
            "each": rows // HEAVY_ITEMS,
            "heavy": item_key("member", HEAVY),
            "searched": day < SEARCHED_DAYS,
            "first": done,
            "last": done + a_day - 1,
            "keys": KEYS,
        }
        database.execute(_FILL.format(name=name), asked)
        database.execute(
            f"ALTER TABLE review.item_versions ATTACH PARTITION review.{name} FOR VALUES"
            f" FROM ('{start.isoformat()}') TO ('{(start + timedelta(days=1)).isoformat()}')"
        )
        database.execute(f"VACUUM ANALYZE review.{name}")
        done += a_day
    return done
