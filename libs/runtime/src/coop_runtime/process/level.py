"""Gauges that say how they are to be read.

    counted    moved by what happens in this process: 0 before anything did, and after a restart
    measured   set now and then: no sample before the first measurement, so that a process that
               does not measure it, or has not yet, says nothing where 0 would mean "all is well"

Guarantees: every gauge says what several processes' readings are together, and what it shows when
what it measures is gone; the metric catalogue has it beside the meaning.
Must not: keep a reading that nobody renews: who stops measuring calls `forget`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from prometheus_client import Gauge
from prometheus_client.samples import Sample

Together = Literal["sum", "same", "each"]
"""sum: each process tells of its own part; same: each tells of the whole, so any is the system's;
each: of the process alone."""


class Level(Gauge):
    """`together`: how several processes' readings are one; `gone`: what is shown when what is
    measured is no longer there."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        *,
        measured: bool = False,
        together: Together = "same",
        gone: str = "",
        **kwargs: Any,
    ) -> None:
        self.measured, self.together, self.gone = measured, together, gone
        self._silent = measured
        super().__init__(name, documentation, labelnames, **kwargs)
        # A child of labels is made as its parent was.
        self._kwargs |= {"measured": measured, "together": together, "gone": gone}

    def set(self, value: float) -> None:
        super().set(value)
        self._silent = False

    def inc(self, amount: float = 1) -> None:
        super().inc(amount)
        self._silent = False

    def dec(self, amount: float = 1) -> None:
        super().dec(amount)
        self._silent = False

    def set_function(self, f: Callable[[], float]) -> None:
        super().set_function(f)
        self._silent = False

    def forget(self) -> None:
        """Say nothing until it is measured again."""
        self._silent = True

    def _samples(self) -> Iterable[Sample]:
        if self._silent and (self._labelvalues or not self._labelnames):
            return ()
        return super()._samples()
