"""What review-api does with the queue store's tables, it does through `coop_queues.reading`."""

from __future__ import annotations

import re
from pathlib import Path

import coop_review_api
from coop_queues import reading
from coop_queues.table import metadata

_SOURCES = sorted(Path(coop_review_api.__file__).parent.rglob("*.py"))
_TABLES = "|".join(table.name for table in metadata.sorted_tables)
_NAMED = re.compile(rf"\bqueues\.({_TABLES})\b|schema=.queues.")


def test_no_source_names_a_table_of_the_queue_store() -> None:
    """No statement names such a table by a literal: it would break unseen when that changes."""
    named = [
        f"{path.name}:{number}: {line.strip()}"
        for path in _SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _NAMED.search(line)
    ]
    assert named == []
    assert len(_SOURCES) > 100
    assert _NAMED.search(f"SELECT 1 FROM {reading.JOBS} j")
