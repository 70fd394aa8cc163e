"""The kinds of panels that dashboards are made of."""

from __future__ import annotations

from .panel import Panel, Query, Unit

RATE = "$__rate_interval"
"""The window that Grafana chooses, so that no sample is left out."""


def lines(
    title: str,
    expression: str,
    legend: str = "",
    *,
    unit: Unit = "short",
    width: int = 12,
    alarm: float | None = None,
    description: str = "",
) -> Panel:
    """One query over time."""
    return Panel(
        title,
        [Query(expression, legend)],
        unit=unit,
        width=width,
        alarm=alarm,
        description=description,
    )


def rate(counter: str, by: str = "") -> str:
    """How often something happens a second, by labels."""
    total = f"sum by ({by})" if by else "sum"
    return f"{total} (rate({counter}[{RATE}]))"


def rates(title: str, counter: str, by: str = "", *, unit: Unit = "short") -> Panel:
    """How often something happens a second, a line for each value of the labels."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(",")) if by else title
    return lines(title, rate(counter, by), legend, unit=unit)


def times(title: str, histogram: str, by: str = "", *, selector: str = "") -> Panel:
    """Half of them are faster than the one line, all but one in a hundred than the other."""
    labels = f"le, {by}" if by else "le"
    shown = f" {{{{{by}}}}}" if by else ""
    inside = f"sum by ({labels}) (rate({histogram}_bucket{selector}[{RATE}]))"
    return Panel(
        title,
        [
            Query(f"histogram_quantile(0.5, {inside})", f"half{shown}"),
            Query(f"histogram_quantile(0.99, {inside})", f"99 of 100{shown}"),
        ],
        unit="s",
    )


def figure(
    title: str,
    expression: str,
    *,
    unit: Unit = "short",
    alarm: float | None = None,
    description: str = "",
) -> Panel:
    """The last value, as a number."""
    return Panel(
        title,
        [Query(expression)],
        unit=unit,
        shape="stat",
        width=4,
        height=4,
        alarm=alarm,
        description=description,
    )
