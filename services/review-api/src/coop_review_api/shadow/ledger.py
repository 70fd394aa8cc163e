"""Both sides' verdicts side by side, in a file of SQLite's that is gone afterwards.

    verdict   item, rule     passed here? when, under which revision    passed there? when
    act       item, action                                              done there by which rules
    item      item           how often seen here                        seen there?

Guarantees: what is said twice is one entry; memory does not grow with what is compared; entries
come back in the order of their items.
Must not: be kept: all of it can be read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE verdict (
    type TEXT, item TEXT, rule TEXT,
    ours INTEGER, ours_first REAL, ours_last REAL, revision INTEGER,
    theirs INTEGER, theirs_first REAL, theirs_last REAL, version REAL,
    PRIMARY KEY (type, item, rule)) WITHOUT ROWID;
CREATE TABLE act (
    type TEXT, item TEXT, action TEXT, rule TEXT, first REAL, last REAL,
    PRIMARY KEY (type, item, action, rule)) WITHOUT ROWID;
CREATE TABLE item (
    type TEXT, item TEXT, ours INTEGER NOT NULL DEFAULT 0, theirs INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, item)) WITHOUT ROWID;
CREATE TABLE day (rule TEXT, day INTEGER, type TEXT, item TEXT,
    PRIMARY KEY (rule, day, type, item)) WITHOUT ROWID;
"""

# Passed once is passed; else undecided once is undecided: 2, 1 and 0.
_OURS = """
INSERT INTO verdict (type, item, rule, ours, ours_first, ours_last, revision)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    ours_first = CASE WHEN ours IS NULL OR excluded.ours > ours THEN excluded.ours_first
                      WHEN excluded.ours < ours THEN ours_first
                      ELSE min(ours_first, excluded.ours_first) END,
    ours_last = CASE WHEN ours IS NULL OR excluded.ours > ours THEN excluded.ours_last
                     WHEN excluded.ours < ours THEN ours_last
                     ELSE max(ours_last, excluded.ours_last) END,
    revision = CASE WHEN ours IS NULL OR excluded.ours > ours
                        OR (excluded.ours = ours AND excluded.ours_last >= ours_last)
                    THEN excluded.revision ELSE revision END,
    ours = max(coalesce(ours, 0), excluded.ours)
"""
_THEIRS = """
INSERT INTO verdict (type, item, rule, theirs, theirs_first, theirs_last, version)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    theirs_first = CASE WHEN theirs IS NULL OR excluded.theirs > theirs THEN excluded.theirs_first
                        WHEN excluded.theirs < theirs THEN theirs_first
                        ELSE min(theirs_first, excluded.theirs_first) END,
    theirs_last = CASE WHEN theirs IS NULL OR excluded.theirs > theirs THEN excluded.theirs_last
                       WHEN excluded.theirs < theirs THEN theirs_last
                       ELSE max(theirs_last, excluded.theirs_last) END,
    version = max(coalesce(version, 0), coalesce(excluded.version, 0)),
    theirs = max(coalesce(theirs, 0), excluded.theirs)
"""
_ACT = """
INSERT INTO act VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)
"""
_ITEM = """
INSERT INTO item VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET ours = ours + excluded.ours, theirs = max(theirs, excluded.theirs)
"""
_DAY = 86_400

PASSED, UNDECIDED, FAILED = 2, 1, 0


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """Of a rule on an item. None: nothing was said. Times are in seconds, of the passing ones where
    there are some; `version` is 0 where nobody said."""

    rule_id: str
    ours: int | None
    ours_first: float
    ours_last: float
    revision: int
    theirs: int | None
    theirs_first: float
    theirs_last: float
    version: float

    @classmethod
    def of_nobody(cls, rule_id: str) -> RuleVerdict:
        """Neither side has said anything."""
        return cls(rule_id, None, 0.0, 0.0, 0, None, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Act:
    """An action that was done there, by one rule that asked for it."""

    action_id: str
    rule_id: str
    first: float
    last: float


@dataclass(slots=True)
class Compared:
    """An item about which a rule of one side said something. `seen_here` counts submissions."""

    type_id: str
    item_id: str
    seen_here: int = 0
    seen_there: bool = False
    verdicts: dict[str, RuleVerdict] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)


class Ledger:
    """See above. Rows are taken in batches."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, folder: Path | None = None) -> Iterator[Ledger]:
        """A new one, in a folder of its own."""
        with TemporaryDirectory(prefix="coop-shadow-", dir=folder) as made:
            connection = sqlite3.connect(Path(made) / "ledger", check_same_thread=False)
            try:
                connection.executescript(_SCHEMA)
                yield cls(connection)
            finally:
                connection.close()

    def add_ours(self, rows: Iterable[tuple[str, str, str, int, float, float, int]]) -> None:
        """Verdicts from here: type, item, rule, verdict, first, last, revision."""
        self._connection.executemany(_OURS, rows)

    def add_theirs(
        self, rows: Sequence[tuple[str, str, str, int, float, float, float | None]]
    ) -> None:
        """Verdicts from there: type, item, rule, verdict, first, last, version."""
        self._connection.executemany(_THEIRS, rows)
        self._connection.executemany(
            "INSERT OR IGNORE INTO day VALUES (?, ?, ?, ?)",
            [(row[2], int(row[4] // _DAY), row[0], row[1]) for row in rows if row[3] == PASSED],
        )

    def add_acts(self, rows: Iterable[tuple[str, str, str, str, float, float]]) -> None:
        """Actions from there: type, item, action, rule, first, last."""
        self._connection.executemany(_ACT, rows)

    def add_items(self, rows: Iterable[tuple[str, str, int, int]]) -> None:
        """Items: type, item, how often seen here, whether seen there."""
        self._connection.executemany(_ITEM, rows)

    def items(self) -> Mapping[str, int]:
        """How many `both` saw, and how many one side alone."""
        row = self._connection.execute(
            "SELECT coalesce(sum(ours > 0 AND theirs > 0), 0),"
            " coalesce(sum(ours > 0 AND theirs = 0), 0),"
            " coalesce(sum(ours = 0 AND theirs > 0), 0) FROM item"
        ).fetchone()
        return dict(zip(("both", "ours", "theirs"), row, strict=True))

    def passed_there(self, rule_id: str, at: float) -> int:
        """On how many items of that day (UTC) the rule passed there."""
        found = self._connection.execute(
            "SELECT count(*) FROM day WHERE rule = ? AND day = ?", (rule_id, int(at // _DAY))
        ).fetchone()
        return int(found[0])

    def compared(self) -> Iterator[Compared]:
        """Every item about which something was said, once."""
        rows = self._connection.execute(
            "SELECT type, item, rule, ours, ours_first, ours_last, revision, theirs, theirs_first,"
            " theirs_last, version, NULL FROM verdict"
            " UNION ALL SELECT type, item, rule, NULL, first, last, NULL, NULL, NULL, NULL, NULL,"
            " action FROM act ORDER BY 1, 2"
        )
        for (type_id, item_id), of_item in groupby(rows, key=itemgetter(0, 1)):
            found = Compared(type_id, item_id)
            seen = self._connection.execute(
                "SELECT ours, theirs FROM item WHERE type = ? AND item = ?", (type_id, item_id)
            ).fetchone()
            if seen is not None:
                found.seen_here, found.seen_there = seen[0], bool(seen[1])
            for row in of_item:
                if row[11] is not None:
                    found.acts.append(Act(row[11], row[2], row[4], row[5]))
                else:
                    found.verdicts[row[2]] = _verdict(row)
            yield found


def _verdict(row: Sequence[Any]) -> RuleVerdict:
    return RuleVerdict(
        rule_id=row[2],
        ours=row[3],
        ours_first=row[4] or 0.0,
        ours_last=row[5] or 0.0,
        revision=row[6] or 0,
        theirs=row[7],
        theirs_first=row[8] or 0.0,
        theirs_last=row[9] or 0.0,
        version=row[10] or 0.0,
    )
