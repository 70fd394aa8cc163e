"""Which dead letters were replayed: kept with the broker, as the committed offset of a group (all
before it) and the offset's metadata (ranges after it, `12-14,20-20`, as many as fit).

Guarantees: a letter that is said to be replayed was; one of which that was forgotten is only
replayed again, and the ids make that harmless. Tansu keeps no metadata: there the ranges are
forgotten.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

GROUP = "coop-dlq-replay"
_METADATA_CHARACTERS = 4000  # the broker's default bound is 4096 bytes


@dataclass
class Replayed:
    """Which offsets were replayed: all before `next_offset`, and `beyond` of those after."""

    next_offset: int = 0
    beyond: set[int] = field(default_factory=set)

    def __contains__(self, offset: int) -> bool:
        return offset < self.next_offset or offset in self.beyond

    def add(self, offsets: Collection[int]) -> None:
        self.beyond.update(offset for offset in offsets if offset >= self.next_offset)
        while self.next_offset in self.beyond:
            self.beyond.remove(self.next_offset)
            self.next_offset += 1

    def forget_before(self, first: int) -> None:
        """The topic begins at `first`: what was before is gone."""
        if first > self.next_offset:
            self.next_offset = first
            self.beyond = {offset for offset in self.beyond if offset >= first}
            self.add(())

    def to_metadata(self) -> str:
        """The ranges beyond, newest first, as many as fit: an old one forgotten is only replayed
        again, and the ids make that harmless."""
        ranges: list[list[int]] = []
        for offset in sorted(self.beyond):
            if ranges and ranges[-1][1] == offset - 1:
                ranges[-1][1] = offset
            else:
                ranges.append([offset, offset])
        text = ""
        for first, last in reversed(ranges):
            more = f"{first}-{last}" if not text else f"{text},{first}-{last}"
            if len(more) > _METADATA_CHARACTERS:
                break
            text = more
        return text

    @classmethod
    def of(cls, next_offset: int, metadata: str | None) -> Replayed:
        """What was committed. Raises ValueError for metadata of someone else's."""
        replayed = cls(max(next_offset, 0))
        for part in (metadata or "").split(","):
            if part:
                first, _, last = part.partition("-")
                replayed.beyond.update(range(int(first), int(last) + 1))
        replayed.add(())
        return replayed
