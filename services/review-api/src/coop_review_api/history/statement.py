"""The statements by which the history is read: one a way, each by its own index.

Guarantees: every one names the organisation; positions are compared by columns of the index, with
values that are always there, so that a page begins where the one before ended; the newest day is
read first, and the next only where that was not enough.
Must not: be made of anything but names of ours.

`:horizon` is where the retention begins, `:now` where texts are searched from. `newest` says
whether no later version of the row's item was sent before `:until`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import TextClause, text

from coop_review_api.history.table import item_versions, kept_items

_COLUMNS: Final = "item_id, type_id, time, submission_id, source, said_at, item"
_VERSIONS: Final = item_versions.fullname
_KEPT: Final = kept_items.fullname
_BEHIND_TIME: Final = """
    time <= CAST(:at AS timestamptz)
    AND (time, type_id, item_id, submission_id) < (CAST(:at AS timestamptz),
        CAST(:at_type AS text), CAST(:at_item AS text), CAST(:at_submission AS text))
"""
_BY_TIME: Final = "time DESC, type_id DESC, item_id DESC, submission_id DESC"
_SPAN: Final = "time >= CAST(:since AS timestamptz) AND time < CAST(:until AS timestamptz)"


def _position(sign: str) -> str:
    """Before or behind a position in the order of a conversation."""
    return f"""
    said_at {sign}= CAST(:at AS timestamptz)
    AND (said_at, item_id, type_id, time, submission_id) {sign} (CAST(:at AS timestamptz),
        CAST(:at_item AS text), CAST(:at_type AS text), CAST(:at_time AS timestamptz),
        CAST(:at_submission AS text))
    """


def _known(where: str, order: str, *, kept: bool = True) -> str:
    """So many rows, from where the page begins: each source gives its own by its index."""
    sources = [
        f"(SELECT {_COLUMNS} FROM {_VERSIONS}"  # noqa: S608 - names of our own
        f" WHERE org_id = :org AND time >= CAST(:horizon AS timestamptz) AND {where}"
        f" ORDER BY {order} LIMIT :limit)"
    ]
    if kept:
        sources.append(
            f"(SELECT {_COLUMNS} FROM {_KEPT}"  # noqa: S608
            f" WHERE org_id = :org AND {where} ORDER BY {order} LIMIT :limit)"
        )
    union = " UNION ALL ".join(sources)
    return f"SELECT * FROM ({union}) AS known ORDER BY {order} LIMIT :limit"  # noqa: S608


def _no_newer(table: str, more: str) -> str:
    return f"""NOT EXISTS (
        SELECT 1 FROM {table} n
         WHERE n.org_id = :org AND n.item_id = k.item_id AND n.type_id = k.type_id
           AND n.time >= k.time AND (n.time, n.submission_id) > (k.time, k.submission_id)
           AND n.time < CAST(:until AS timestamptz){more})"""  # noqa: S608


_NEWEST: Final = " AND ".join(
    (_no_newer(_VERSIONS, " AND n.time >= CAST(:horizon AS timestamptz)"), _no_newer(_KEPT, ""))
)


def _way(where: str, *, at: str, order: str) -> str:
    return f"SELECT k.*, k.{at} AS at, {_NEWEST} AS newest FROM ({_known(where, order)}) AS k ORDER BY {_of('k', order)}"  # noqa: S608, E501


def _of(alias: str, order: str) -> str:
    return ", ".join(f"{alias}.{one}" for one in order.split(", "))


def _newest_first(where: str) -> str:
    return _way(f"{where} AND {_SPAN} AND {_BEHIND_TIME}", at="time", order=_BY_TIME)


def _conversation(where: str, sign: str) -> str:
    down = " DESC" if sign == "<" else ""
    order = ", ".join(
        one + down for one in ("said_at", "item_id", "type_id", "time", "submission_id")
    )
    return _way(f"{where} AND {_position(sign)}", at="said_at", order=order)


_AUTHOR: Final = "author_key = CAST(:author AS uuid)"
_THREAD: Final = "thread_key = CAST(:thread AS uuid)"
_ITEM: Final = """
    item_id = CAST(:item_id AS text) AND type_id = CAST(:type_id AS text)
    AND (time, submission_id) < (CAST(:at AS timestamptz), CAST(:at_submission AS text))
"""
_OF_ITEM: Final = _known(_ITEM, "time DESC, submission_id DESC")

VERSIONS: Final = text(
    f"SELECT k.*, k.time AS at, k.time < CAST(:until AS timestamptz) AS newest"  # noqa: S608
    f" FROM ({_OF_ITEM}) AS k"
)
BY_AUTHOR: Final = text(_newest_first(_AUTHOR))
BY_AUTHOR_AND_TYPE: Final = text(_newest_first(f"{_AUTHOR} AND type_id = CAST(:type_id AS text)"))
MEDIA_OF: Final = text(_newest_first(f"{_AUTHOR} AND has_media"))
BY_ADDRESS: Final = text(_newest_first("address = CAST(:address AS text)"))
BEFORE: Final = text(_conversation(_THREAD, "<"))
AFTER: Final = text(_conversation(_THREAD, ">"))
BY_PARENT: Final = text(_conversation("parent_key = CAST(:parent AS uuid)", ">"))

# The organisation is a word of each text: an index of words finds its own alone. It knows no order
# of time, so all that a day has are read before the newest of them are known: days are asked one
# after the other, and none once there are enough.
_WORDS: Final = """
    words @@ (CAST(quote_literal('org:' || :org) AS tsquery)
        && websearch_to_tsquery('simple', CAST(:words AS text)))
    AND time >= days.day AND time < days.day + interval '24 hours'
"""
_DAYS: Final = """
    generate_series(
        date_trunc('day', least(CAST(:at AS timestamptz), CAST(:until AS timestamptz),
            CAST(:now AS timestamptz)), 'UTC'),
        date_trunc('day', CAST(:since AS timestamptz), 'UTC'),
        interval '-24 hours') AS days (day)
"""
_OF_A_DAY: Final = _known(f"{_WORDS} AND {_SPAN} AND {_BEHIND_TIME}", _BY_TIME, kept=False)

BY_TEXT: Final = text(
    f"""
    SELECT k.*, k.time AS at, {_NEWEST} AS newest
      FROM (SELECT f.* FROM {_DAYS} CROSS JOIN LATERAL ({_OF_A_DAY}) AS f LIMIT :limit) AS k
     ORDER BY {_of("k", _BY_TIME)}
    """  # noqa: S608
)

_FIRST_TYPE: Final = f"""
    SELECT min(type_id) FROM (
        (SELECT type_id FROM {_VERSIONS} WHERE org_id = :org AND item_id = CAST(:item_id AS text)
            AND time >= CAST(:horizon AS timestamptz) AND type_id > %s ORDER BY type_id LIMIT 1)
        UNION ALL
        (SELECT type_id FROM {_KEPT} WHERE org_id = :org AND item_id = CAST(:item_id AS text)
            AND type_id > %s ORDER BY type_id LIMIT 1)) AS following
"""  # noqa: S608
_LATEST_OF_TYPE: Final = _known(
    "item_id = CAST(:item_id AS text) AND type_id = t.type_id", "time DESC, submission_id DESC"
).replace(":limit", "1")

OF_ID: Final = text(
    # From type to type by the index: an item with many versions costs no more than one.
    f"""
    WITH RECURSIVE types (type_id) AS (
        ({_FIRST_TYPE.replace("%s", "''")})
        UNION ALL
        SELECT ({_FIRST_TYPE.replace("%s", "t.type_id")})
          FROM types t WHERE t.type_id IS NOT NULL
    )
    SELECT k.*, k.time AS at, true AS newest
      FROM (SELECT type_id FROM types WHERE type_id IS NOT NULL LIMIT :limit) AS t
     CROSS JOIN LATERAL ({_LATEST_OF_TYPE}) AS k
    """  # noqa: S608
)

LATEST_OF: Final = text(
    f"""
    SELECT k.*, k.time AS at, true AS newest
      FROM unnest(CAST(:item_ids AS text[]), CAST(:type_ids AS text[])) AS t (item_id, type_id)
     CROSS JOIN LATERAL ({
        _known(
            "item_id = t.item_id AND type_id = t.type_id", "time DESC, submission_id DESC"
        ).replace(":limit", "1")
    }) AS k
    """  # noqa: S608
)


def _edge(function: str, order: str) -> str:
    """The first or the last moment of an author, by the ends of the indexes."""
    known = _known(_AUTHOR, order).replace(_COLUMNS, "time").replace(":limit", "1")
    return f"(SELECT {function}(k.time) FROM ({known}) AS k)"  # noqa: S608


SEEN: Final = text(f"SELECT {_edge('min', 'time')} AS first, {_edge('max', 'time DESC')} AS last")

SPANNED: Final = frozenset({BY_AUTHOR, BY_AUTHOR_AND_TYPE, MEDIA_OF, BY_ADDRESS, BY_TEXT})
"""The ways in which a span of time may be asked for."""

UPWARD: Final = frozenset({AFTER, BY_PARENT})
"""The ways that begin with the oldest."""


def positions(way: TextClause) -> tuple[str, ...]:
    """The parameters in which a way takes the position behind which a page begins."""
    if way is VERSIONS:
        return ("at", "at_submission")
    if way in SPANNED:
        return ("at", "at_item", "at_type", "at_submission")
    return ("at", "at_item", "at_type", "at_time", "at_submission")
