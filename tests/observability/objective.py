"""What users of Coop may rely on, and how fast the allowance for failing it is used up.

Each objective is a share of bad events (or of bad time), recorded over five windows, and two
alerts: `…BurnsFast` where the allowance of thirty days would be gone within five days or two,
`…BurnsSlowly` where it would not last them. Windows and factors: Google, The Site Reliability
Workbook, chapter 5 (multiwindow, multi-burn-rate alerts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .alert import Alert

WINDOWS = ("5m", "30m", "1h", "6h", "3d")
WINDOW = "WINDOW"
"""What stands in an expression for the window."""


@dataclass(frozen=True)
class Objective:
    """`bad` is the share of what was bad within WINDOW; `allowed` how much of it may be. `broken`
    and `kept` are samples, a minute apart, with and without failures."""

    name: str
    title: str
    promise: str
    bad: str
    allowed: float
    broken: Mapping[str, str]
    kept: Mapping[str, str]

    def recorded(self, window: str) -> str:
        """The series of the share within a window."""
        return f"coop:objective_bad:ratio{window}{{objective='{self.name}'}}".replace("'", '"')


def _slower(histogram: str, seconds: str) -> str:
    within = f'sum(rate({histogram}_bucket{{le="{seconds}"}}[{WINDOW}]))'
    return f"1 - {within} / sum(rate({histogram}_count[{WINDOW}]))"


def _samples(histogram: str, seconds: str, *, within: int) -> dict[str, str]:
    return {
        f'{histogram}_bucket{{le="{seconds}"}}': f"0+{within}x5000",
        f"{histogram}_count": "0+1000x5000",
    }


def _timed(histogram: str, seconds: str) -> tuple[str, dict[str, str], dict[str, str]]:
    return (
        _slower(histogram, seconds),
        _samples(histogram, seconds, within=500),
        _samples(histogram, seconds, within=1000),
    )


def _objective(
    name: str,
    title: str,
    promise: str,
    allowed: float,
    measured: tuple[str, dict[str, str], dict[str, str]],
) -> Objective:
    return Objective(name, title, promise, measured[0], allowed, measured[1], measured[2])


OBJECTIVES = (
    _objective(
        "evaluated",
        "Evaluation",
        "99.9 % of accepted items are evaluated by the fast lane within 5 s",
        0.001,
        _timed("coop_rules_seconds", "5.0"),
    ),
    _objective(
        "delivered",
        "Delivery",
        "95 % of webhooks are answered with 2xx within 30 s of their request",
        0.05,
        _timed("coop_delivery_seconds", "30.0"),
    ),
    _objective(
        "claimed",
        "Claim",
        "99 % of claims are answered within 250 ms",
        0.01,
        _timed("coop_queue_claim_seconds", "0.25"),
    ),
    _objective(
        "clocks",
        "Clock",
        "99 % of jobs are decided before their deadline",
        0.01,
        (
            f"sum(rate(coop_queue_jobs_overdue_total[{WINDOW}]))"
            f" / sum(rate(coop_routing_jobs_created_total[{WINDOW}]))",
            {
                "coop_queue_jobs_overdue_total": "0+5x5000",
                "coop_routing_jobs_created_total": "0+10x5000",
            },
            {
                "coop_queue_jobs_overdue_total": "5x5000",
                "coop_routing_jobs_created_total": "0+10x5000",
            },
        ),
    ),
    _objective(
        "filed",
        "Filing",
        "99 % of the time no report to NCMEC has waited for over an hour",
        0.01,
        (
            "avg_over_time((max(coop_ncmec_oldest_report_seconds) > bool 3600)[WINDOW:1m])",
            {"coop_ncmec_oldest_report_seconds": "7200x5000"},
            {"coop_ncmec_oldest_report_seconds": "60x5000"},
        ),
    ),
)


def _burns(objective: Objective, factor: float, long: str, short: str) -> str:
    least = f"{factor * objective.allowed:g}"
    return f"({objective.recorded(long)} > {least} and {objective.recorded(short)} > {least})"


def _alerts(objective: Objective) -> tuple[Alert, Alert]:
    return (
        Alert(
            f"Coop{objective.title}BurnsFast",
            f"{_burns(objective, 14.4, '1h', '5m')} or {_burns(objective, 6, '6h', '30m')}",
            wait="2m",
            severity="page",
            summary=f"Far from it just now: {objective.promise}.",
            runbook=f"objectives.md#{objective.name}",
            after=90,
            fires=objective.broken,
            silent=objective.kept,
        ),
        Alert(
            f"Coop{objective.title}BurnsSlowly",
            _burns(objective, 1, "3d", "6h"),
            wait="1h",
            severity="ticket",
            summary=f"Not kept over three days: {objective.promise}.",
            runbook=f"objectives.md#{objective.name}",
            after=150,
            fires=objective.broken,
            silent=objective.kept,
        ),
    )


BURNS = tuple(alert for objective in OBJECTIVES for alert in _alerts(objective))
