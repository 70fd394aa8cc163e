"""An entry of a hash bank, and what a look-up says of those that match.

Must not: know where entries are kept.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Algorithm = Literal["pdq", "md5"]
"""PDQ of a picture; MD5 of the whole file, as exchanges have it of videos and of pictures."""

HASH_BYTES: Final[dict[str, int]] = {"pdq": 32, "md5": 16}

ACTIVE: Final = 1
DISABLED: Final = 2
REMOVED: Final = 3


class Change(NamedTuple):
    """An entry as it is now. `number` rises with every change of the schema's entries."""

    number: int
    entry_id: int
    bank: int
    algorithm: Algorithm
    hash: bytes
    state: int


class Match(NamedTuple):
    """A bank (by its number) that has an entry which matches, and how far that is, in bits."""

    bank: int
    entry_id: int
    distance: int
