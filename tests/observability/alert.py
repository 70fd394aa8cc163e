"""An alert: when it fires, for how long that has to be so, how soon somebody has to look, what to
do, and the series by which it is tested.

Guarantees: what fires by its test's series fires in Prometheus, and is silent by the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

Severity = Literal["page", "ticket"]
"""`page`: somebody looks now, at night too. `ticket`: on the next working day."""


@dataclass(frozen=True)
class Alert:
    """`fires` and `silent` are samples, a minute apart, by series, in promtool's notation; they are
    looked at `after` so many minutes. `runbook` is a heading of a file in docs/runbooks."""

    name: str
    expression: str
    _: KW_ONLY
    wait: str
    severity: Severity
    summary: str
    runbook: str
    fires: Mapping[str, str]
    silent: Mapping[str, str]
    after: int = 45


def grew(counter: str, window: str, *, by: str = "") -> str:
    """How often a counter rose in a window. One that was not there before counts from zero: a
    counter with labels appears with its first event, and `increase` does not see that one."""
    total = f"sum by ({by})" if by else "sum"
    return (
        f"{total} (({counter} unless {counter} offset {window}) or increase({counter}[{window}]))"
    )
