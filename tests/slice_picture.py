"""Draws docs/images/inside-review-api.svg: the slices of review-api as floors.

python -m tests.slice_picture

Guarantees: the floors are those that the import contract enforces; what a slice is for is said here.
"""

# ruff: noqa: E501 - lines of SVG

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).resolve().parents[1]
PATH: Final = ROOT / "docs/images/inside-review-api.svg"

_LINES: Final = {
    "process": "wires the roles api, relay, projector, history",
    "shadow": "Coop on the same traffic, compared",
    "moving": "Coop's organisations, moved in",
    "organisation": "made, and its settings",
    "erasure": "end users, erased",
    "export": "the decision log as a file",
    "analytics": "figures over time",
    "bootstrap": "what a page starts with",
    "search": "whatever has this id or name",
    "job_context": "a job with all that is around it",
    "timeline": "what happened, in one order",
    "decision_log": "what was decided, in one order",
    "automation": "what is carried out without a person",
    "queue": "what is in one, and removing it",
    "quality": "second reviews",
    "enforcement": "bulk, reversals",
    "explanation": "why, and again",
    "backtest": "rules on the past",
    "comment": "on items",
    "note": "on users",
    "live": "what changes now",
    "saved_view": "shared by people",
    "partial_item": "asked of platforms",
    "delivery": "webhooks, strikes",
    "hash_bank": "what hash banks hold",
    "rule_proposal": "changes that two people make",
    "cybertip": "how the organisation reports to NCMEC",
    "investigation": "items looked up",
    "media": "veiled, and revealed",
    "review": "claims, decisions, undo: a job's decision is made here",
    "single_sign_on": "SAML, OpenID Connect",
    "people": "accounts, sessions, invitations, second factors",
    "notification": "told in the console, told by mail",
    "signal": "accounts with providers",
    "audit": "the log, its anchors",
    "projection": "the log, as rows",
    "history": "every item, as sent",
    "media_value": "where they are",
    "configuration": "the log of documents: the one door through which they change",
    "http": "the edge that all routes share: gate, bodies, problems",
    "directory": "who there is",
    "tally": "how often things happened",
    "settings": "the environment",
    "kernel": "what every slice knows: principal, errors, clock, audit record, outbox",
    "translation": "read in one's language",
}
_CLASSES: Final = {"review": "hot", "configuration": "keep"}
_LEFT, _WIDTH, _GAP = 104, 944, 12
_BOX, _ROW, _FLOOR = 44, 50, 54
_MOST_A_ROW: Final = 5


def floors() -> list[list[str]]:
    """The slices of each floor, the highest first, as the contract has them."""
    contract = (ROOT / ".importlinter").read_text().partition("contract:review-api-floors]")[2]
    layers = re.search(r"^layers =\n((?:    .*\n)+)", contract, re.MULTILINE)
    assert layers is not None
    return [line.strip().split(" | ") for line in layers[1].splitlines()]


def picture() -> str:
    """The SVG."""
    boxes: list[str] = []
    top = 16
    for floor in floors():
        for row in _rows(floor):
            boxes += _drawn(row, top)
            top += _ROW
        top += _FLOOR - _ROW
    height = top + 6
    arrow = (
        f'  <path class="soft" d="M56 20 L56 {top - 14}" marker-end="url(#tip)"/>\n'
        f'  <text class="line" text-anchor="middle" transform="translate(44 {top // 2}) '
        f'rotate(-90)">imports go down only</text>\n'
    )
    page = f'  <rect class="page" width="1080" height="{height}" rx="10"/>\n'
    return _head(height) + page + "".join(boxes) + arrow + "</svg>\n"


def _rows(floor: Sequence[str]) -> Iterator[Sequence[str]]:
    """As even as can be."""
    count = -(-len(floor) // _MOST_A_ROW)
    for number in range(count):
        yield floor[number * len(floor) // count : (number + 1) * len(floor) // count]


def _drawn(row: Sequence[str], top: int) -> Iterator[str]:
    width = (_WIDTH - _GAP * (len(row) - 1)) / len(row)
    for number, name in enumerate(row):
        left = _LEFT + number * (width + _GAP)
        middle = f'x="{left + width / 2:g}"'
        kind = _CLASSES.get(name, "box")
        yield (
            f'  <rect class="{kind}" x="{left:g}" y="{top}" width="{width:g}" height="{_BOX}" '
            f'rx="8"/>\n'
            f'  <text class="name" {middle} y="{top + 20}" text-anchor="middle">{name}</text>\n'
            f'  <text class="line" {middle} y="{top + 37}" text-anchor="middle">'
            f"{escape(_LINES[name])}</text>\n"
        )


def _head(height: int) -> str:
    return (
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1080 {height}" width="1080" height="{height}" role="img" aria-labelledby="title desc">
  <title id="title">Inside review-api</title>
  <desc id="desc">The slices as floors: each imports from those below it only. process on top, kernel at the bottom.</desc>
"""
        + _STYLE
    )


_STYLE: Final = """  <style>
    .page { fill: #ffffff; }
    .box { fill: #eef3f8; stroke: #46617c; stroke-width: 1.5; }
    .out { fill: #ffffff; stroke: #8a8f98; stroke-width: 1.5; stroke-dasharray: 5 4; }
    .keep { fill: #f7f0dd; stroke: #8a6d1f; stroke-width: 1.5; }
    .hot { fill: #e5f2e5; stroke: #3f7a3f; stroke-width: 1.5; }
    .way { fill: none; stroke: #46617c; stroke-width: 1.6; }
    .soft { fill: none; stroke: #8a8f98; stroke-width: 1.4; stroke-dasharray: 5 4; }
    .tip { fill: #46617c; }
    .name { font: bold 14px sans-serif; fill: #16202b; }
    .line { font: 12px sans-serif; fill: #33404e; }
    .code { font: 12px monospace; fill: #33404e; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #14181d; }
      .box { fill: #1f2a36; stroke: #86a6c6; }
      .out { fill: #14181d; stroke: #8a8f98; }
      .keep { fill: #33290f; stroke: #d3b461; }
      .hot { fill: #1b2f1d; stroke: #7fbf83; }
      .way { stroke: #86a6c6; }
      .tip { fill: #86a6c6; }
      .name { fill: #f2f5f8; }
      .line, .code { fill: #c5ced8; }
    }
  </style>
  <defs>
    <marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
      <path class="tip" d="M0 0 L10 5 L0 10 z"/>
    </marker>
  </defs>
"""


if __name__ == "__main__":
    PATH.write_text(picture(), encoding="utf-8")
