"""What moving in would do, or did: as JSON, and as text for people.

Must not: hold a secret: it is printed, and kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from coop_review_api.moving.mapped import Finding
from coop_review_api.moving.tally import HistoryTally

Deed = Literal["CREATE", "CHANGE", "DRAFT", "SAME", "LEFT", "REFUSED"]
"""`LEFT`: it was changed or deleted here since it was imported, and is left as it is. `REFUSED`: it
cannot be here as Coop has it; a finding says why."""

_SAID = {
    "CREATE": "to be made",
    "CHANGE": "to be changed",
    "DRAFT": "as drafts",
    "SAME": "as they are",
    "LEFT": "changed here, left",
    "REFUSED": "refused",
}
_DONE = {**_SAID, "CREATE": "made", "CHANGE": "changed"}


class MoveOutcome(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing. `fields` are those that differ from what is here, by their names on the wire."""

    kind: str
    id: str
    name: str
    deed: Deed
    fields: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """All of it. `counts` are deeds by kind; `changes` leaves out what is the same, and what there
    is so much of that it is told by number: decisions, comments, jobs."""

    org_id: str
    name: str
    applied: bool
    counts: dict[str, dict[str, int]]
    changes: tuple[MoveOutcome, ...]
    differs: tuple[Finding, ...]
    cannot: tuple[Finding, ...]

    @classmethod
    def of(
        cls,
        *,
        org_id: str,
        name: str,
        applied: bool,
        outcomes: Sequence[MoveOutcome],
        findings: Sequence[Finding],
        history: HistoryTally | None = None,
    ) -> Report:
        counts: dict[str, Counter[str]] = {}
        for one in outcomes:
            counts.setdefault(one.kind, Counter())[one.deed] += 1
        if history is not None:
            counts |= history.counts
            findings = [*findings, *history.findings()]
        return cls(
            org_id=org_id,
            name=name,
            applied=applied,
            counts={kind: dict(sorted(found.items())) for kind, found in counts.items()},
            changes=tuple(one for one in outcomes if one.deed != "SAME"),
            differs=tuple(one for one in findings if one.verdict == "DIFFERS"),
            cannot=tuple(one for one in findings if one.verdict == "CANNOT"),
        )

    @property
    def changed(self) -> int:
        """How many things are not as they were."""
        deeds = ("CREATE", "CHANGE", "DRAFT")
        return sum(found.get(deed, 0) for found in self.counts.values() for deed in deeds)


def as_text(report: Report) -> str:
    """For people: counts, changes, what differs, what cannot be."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    said = _DONE if report.applied else _SAID
    yield f"{report.name} ({report.org_id})"
    for kind, deeds in report.counts.items():
        yield f"  {kind}: " + ", ".join(f"{count} {said[deed]}" for deed, count in deeds.items())
    if report.changes:
        yield "\nWhat was done:" if report.applied else "\nWhat --apply would do:"
        for one in report.changes:
            fields = f" ({', '.join(one.fields)})" if one.fields else ""
            yield f"  {one.deed:<8}{one.kind} {one.id} {short(one.name)}{fields}"
    for title, findings in (
        ("Here with another meaning:", report.differs),
        ("Not taken over, or only in part:", report.cannot),
    ):
        if findings:
            yield f"\n{title}"
            for found in findings:
                draft = " [draft]" if found.is_draft else ""
                at = f" {found.pointer}" if found.pointer else ""
                yield f"  {found.kind} {found.id} {short(found.name)}{at}{draft}: {found.reason}"
    if not report.changed:
        yield "\nNothing is to be done: all of Coop's that can be here is here."


def short(name: str) -> str:
    """Of text from elsewhere: one line, without what moves a terminal's cursor."""
    plain = "".join(character if character.isprintable() else "?" for character in name)
    return plain if len(plain) <= 60 else plain[:59] + "…"
