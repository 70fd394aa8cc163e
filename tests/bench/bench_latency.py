"""Accepted to webhook received, at 200 items a second, with every service a process.

Every item matches a rule, so every item is a webhook. The platform's clock and the sender's are the
same machine's; the delay is from the arrival of the 202 to the arrival of the verified webhook.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from tests.bench.result import show
from tests.local_stack import LocalStack, report_of

_RUNS = 3
_ITEMS = 3_000
_RATE = 200


def main() -> None:
    """Prints one line for p50 and one for p99."""
    with tempfile.TemporaryDirectory(prefix="coop-bench-") as folder:
        path = Path(folder) / "corpus.tsv"
        path.write_text(
            "".join(f"spam\tmessage {n}: you won the lottery, claim now\n" for n in range(_ITEMS))
        )
        with LocalStack(Path(folder) / "state") as stack:
            runs = [
                _run(stack, path, _ITEMS // 5),
                *[_run(stack, path, _ITEMS) for _ in range(_RUNS)],
            ]
    for name, bound in (("p50", 60), ("p99", 250)):
        values = [run[name] for run in runs[1:]]
        show(
            f"accepted_to_webhook_{name}_at_{_RATE}_items_s",
            values,
            unit="ms",
            bound=f"< {bound}",
            compared_to={"p95_ms": median(run["p95"] for run in runs[1:])},
        )


def _run(stack: LocalStack, path: Path, items: int) -> dict[str, float]:
    part = path.with_name(f"part-{items}.tsv")
    part.write_text("".join(path.read_text().splitlines(keepends=True)[:items]))
    report = report_of(
        stack.demo(
            "--input", str(part), "--rate", str(_RATE), "--batch", "1", "--report-every", "0"
        ),
        timeout=items / _RATE + 120,
    )
    if report["exit_code"]:
        raise RuntimeError(report["output"][-3000:])
    latency: dict[str, float] = report["latency_ms"]
    return latency


if __name__ == "__main__":
    main()
