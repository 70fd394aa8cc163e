"""The soak of review: 50 reviewers on 20 queues and 20,000 jobs, Redis flushed twice, a process
killed with -9 every few seconds, one after the other, until all is decided.

One line: `value` is the seconds that it took. Ends with an error when a job was decided twice or
never, held by two reviewers at once, when a decision's effect did not arrive, or one arrived that
nobody had requested.
"""

from __future__ import annotations

from dataclasses import asdict

from tests.bench import environment as stand
from tests.bench.result import show
from tests.bench.review_soak import Plan, faults_of, soak

_PLAN = Plan(reviewers=50, queues=20, jobs=20_000, flushes=2, deadline=1800.0)


def main() -> None:
    """Prints one line."""
    with stand.engines() as addresses:
        report = soak(addresses, _PLAN)
    faults = faults_of(_PLAN, report)
    if faults:
        raise RuntimeError("; ".join(faults))
    seen = {name: value for name, value in asdict(report).items() if name != "seconds"}
    show(
        "review_soak",
        [report.seconds],
        unit="seconds for all",
        bound="every job once, every effect once",
        compared_to=seen,
    )


if __name__ == "__main__":
    main()
