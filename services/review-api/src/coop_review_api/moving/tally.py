"""Many things of one kind, told by their numbers: decisions, comments, jobs that wait.

Must not: keep more of them than a report can show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from coop_review_api.moving.mapped import Finding, Verdict

_SHOWN: Final = 100


@dataclass
class _Group:
    count: int = 0
    ids: list[str] = field(default_factory=list)


class HistoryTally:
    """What became of them, by kind; and what is to be told, once for all it is true of."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self._groups: dict[tuple[Verdict, str, str], _Group] = {}

    def count(self, kind: str, deed: str, number: int = 1) -> None:
        """So many had that done to them."""
        if number:
            self.counts.setdefault(kind, Counter())[deed] += number

    def tell(
        self, verdict: Verdict, kind: str, reason: str, thing_id: str | None, number: int = 1
    ) -> None:
        """That is true of this one, or of so many of which no id is known."""
        group = self._groups.setdefault((verdict, kind, reason), _Group())
        group.count += number
        if thing_id is not None and len(group.ids) < _SHOWN:
            group.ids.append(thing_id)

    def findings(self) -> Iterator[Finding]:
        """One a reason, with the ids of the first hundred."""
        for (verdict, kind, reason), group in self._groups.items():
            name = kind if group.count == 1 else f"{kind}s"
            yield Finding(
                verdict=verdict,
                kind=kind,
                id=group.ids[0] if group.ids else "",
                name=f"{group.count:,} {name}",
                reason=reason,
                source={"count": group.count, "ids": group.ids} if group.ids else None,
            )
