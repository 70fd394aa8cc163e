"""Writes the tables of docs/retention.md from the registry of what is stored.

python -m tests.retention_catalogue
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from coop_contracts.stored import PLACES, StoredKind, days_of_topics, stored_in, topics_stored

PATH = Path(__file__).resolve().parents[1] / "docs" / "retention.md"
BEGIN, END = "<!-- written by `make contracts` -->", "<!-- to here -->"

_TITLES = {
    "review": "PostgreSQL, schema `review` (review-api)",
    "queues": "PostgreSQL, schema `queues` (the queue store)",
    "dispatch": "PostgreSQL, schema `dispatch` (action-dispatcher)",
    "hashes": "PostgreSQL, schema `hashes` (hma-bridge)",
    "ncmec": "PostgreSQL, schema `ncmec` (ncmec-reporter)",
    "redis": "Redis",
    "files": "Files",
}
_ABOUT = {"NOBODY": "nobody", "STAFF": "the organisation's people", "END_USER": "end users"}
_ERASED = {
    "NOTHING": "–",
    "GOES": "goes",
    "EMPTIED": "emptied",
    "PSEUDONYM": "under a pseudonym",
    "EXPIRES": "goes by itself",
    "STAYS": "stays",
}


def tables() -> str:
    """The tables as Markdown."""
    lines: list[str] = []
    for place in PLACES:
        lines += _section(_TITLES[place], stored_in(place))
    lines += _section("Kafka", topics_stored())
    lines += [
        f"After {days_of_topics()} days no topic has anything of an erased user any more.",
        "",
    ]
    return "\n".join(lines)


def text() -> str:
    """The document with today's tables in it."""
    before, _, rest = PATH.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def _section(title: str, kinds: Iterable[StoredKind]) -> Iterator[str]:
    yield from (
        f"### {title}",
        "",
        "| what | holds | of whom | kept | ended by | at an erasure |",
        "|---|---|---|---|---|---|",
    )
    for kind in kinds:
        kept = kind.kept if kind.setting is None else f"{kind.kept} ({_setting(kind.setting)})"
        ended = f"`{kind.by.rpartition(':')[2]}`" if kind.by else f"nothing: {kind.note}"
        row = (f"`{kind.name}`", kind.what, _ABOUT[kind.about], kept, ended, _ERASED[kind.erased])
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _setting(setting: str) -> str:
    return f"`{setting}`" if setting.startswith("COOP_") else setting


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
