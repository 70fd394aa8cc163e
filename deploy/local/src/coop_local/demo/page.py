"""What the demo platform shows to people: the webhooks that came, as a page.

Guarantees: whatever a webhook says is text here, never markup.
Must not: keep anything, or need a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>Demo platform</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  color-scheme: light dark }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #8886 }
td { overflow-wrap: anywhere }
.refused { color: #b3261e }
</style></head><body>
"""


class Shown(NamedTuple):
    """One webhook. `said` is its body; `problem` says why it was refused, and then nothing of it is
    believed. `at` is Unix seconds."""

    at: float
    said: Mapping[str, Any] | None = None
    webhook_id: str = ""
    problem: str = ""


def page(shown: Sequence[Shown], *, total: int, refused: int, times: Mapping[str, int]) -> str:
    """The newest first; `times` says how often one came, where more than once."""
    rows = "".join(_row(one, times.get(one.webhook_id, 1)) for one in shown)
    table = (
        "<table><thead><tr><th>time (UTC)</th><th>action</th><th>item</th><th>why</th>"
        f"<th>more</th></tr></thead><tbody>{rows}</tbody></table>"
        if shown
        else "<p>Nothing came yet. The demo organisation's rules act on what is sent to ingest.</p>"
    )
    return (
        f"{_HEAD}<h1>Demo platform</h1><p>Webhooks with valid signatures: {total}. Refused:"
        f" {refused}. The last {len(shown)}, the newest first; as JSON: <a"
        f' href="/received?itemPrefix=demo-">/received?itemPrefix=…</a></p>{table}</body></html>\n'
    )


def _row(one: Shown, times: int) -> str:
    when = datetime.fromtimestamp(one.at, UTC).strftime("%H:%M:%S")
    if one.said is None:
        return (
            f'<tr class="refused"><td>{when}</td><td colspan="4">refused: {escape(one.problem)}'
            "</td></tr>"
        )
    said = one.said
    item, action = _object(said.get("item")), _object(said.get("action"))
    cells = (
        when,
        _text(action.get("name"), action.get("id")),
        _text(item.get("id")) + f" ({_text(item.get('typeName'), item.get('typeId'))})",
        "; ".join(_why(said)),
        "; ".join(_more(said, times)),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _why(said: Mapping[str, Any]) -> Iterator[str]:
    rules = _names(said.get("rules"))
    policies = _names(said.get("policies"))
    if rules:
        yield "rules: " + ", ".join(rules)
    if policies:
        yield "policies: " + ", ".join(policies)
    if said.get("actorEmail"):
        yield "by " + _text(said["actorEmail"])


def _more(said: Mapping[str, Any], times: int) -> Iterator[str]:
    if said.get("trial") is True:
        yield "a test request: nothing was done"
    if times > 1:
        yield f"came {times} times"
    for name, value in _object(said.get("custom")).items():
        yield f"{_text(name)} = {_text(value)}"


def _names(found: Any) -> list[str]:
    entries: Iterable[Any] = found if isinstance(found, list) else ()
    return [_text(_object(one).get("name"), _object(one).get("id")) for one in entries]


def _object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(*found: Any) -> str:
    """The first that says something, as text of a page."""
    said = next((one for one in found if one not in (None, "")), "")
    return escape(str(said)[:300])
