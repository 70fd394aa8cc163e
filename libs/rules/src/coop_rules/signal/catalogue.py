"""The catalogue of the signals that rules may name.

Guarantees: every signal of Coop has an entry, or is in `builtin.RETIRED`; no two have one name.
Must not: change once it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from coop_rules.signal.builtin import BUILTIN
from coop_rules.signal.signal import LANES, SignalType


class SignalCatalogue(Mapping[str, SignalType]):
    """Signals by name. Immutable."""

    __slots__ = ("_derivations", "_types")

    def __init__(self, types: Iterable[SignalType]) -> None:
        """Raises ValueError where two signals have one name or a lane is none."""
        self._types: dict[str, SignalType] = {}
        for found in types:
            if found.name in self._types:
                raise ValueError(f"there are two signals {found.name}")
            if found.lane not in LANES:
                raise ValueError(f"signal {found.name} has no lane {found.lane}")
            self._types[found.name] = found
        self._derivations = {t.derivation: t for t in self._types.values() if t.derivation}

    @staticmethod
    @cache
    def builtin() -> SignalCatalogue:
        """Coop's signals, and ours: always the same object."""
        return SignalCatalogue(BUILTIN)

    def with_plugins(self, types: Iterable[SignalType]) -> SignalCatalogue:
        """This catalogue and more signals. Raises ValueError where a name is taken."""
        return SignalCatalogue([*self._types.values(), *types])

    def deriving(self, derivation: str) -> SignalType | None:
        """The signal that gives a derived field."""
        return self._derivations.get(derivation)

    def __getitem__(self, name: str) -> SignalType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)
