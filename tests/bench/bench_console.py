"""The console in Chromium against the whole system, at 1440 × 900: each answer of the network comes
50 ms later, at the processor's own speed and at a quarter of it. A line a measure.

COOP_MEASURE=part,part measures some of it: cold, jobFromLink, keysAndJobs, lists, trial,
conversation, shift. COOP_MEASURE_JOBS is how many jobs are decided in a row (500).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import Any

from tests.bench import console_load
from tests.bench.result import show
from tests.local_stack import ROOT, LocalStack, state_folder

_BROWSER = ROOT / "services" / "review-console" / "browser"
_OTHER_JOBS = 200  # what the other measures decide
_WITHOUT_JOBS = {"cold", "trial"}  # measures for which no queue has to be filled
_BOUNDS = {
    "key to feedback": (0.95, "p95 <= 50"),
    "submit to next, prefetched": (0.95, "p95 <= 100"),
    "submit to next, not prefetched": (0.95, "p95 <= 400"),
    "job from a link": (0.5, "<= 600"),
    "requests answered before a job is painted (count)": (1.0, "<= 2"),
    "palette opens": (0.5, "<= 50"),
    "palette, first results": (0.5, "<= 200"),
    "list filtered, cached": (0.5, "<= 150"),
    "list filtered, fetched": (0.5, "<= 400"),
    "a rule tried on words": (0.5, "<= 300"),
    "stepping away blanks": (0.95, "<= 100"),
    "layout shift of a job (score)": (1.0, "< 0.02"),
    "layout shift of a page (score)": (1.0, "< 0.02"),
    "cold entry on 10 Mbit/s": (0.5, "<= 1500"),
    "interaction to next paint, job": (1.0, "<= 200"),
    "interaction to next paint, queues": (1.0, "<= 200"),
    "conversation scrolled (frames a second)": (0.5, ">= 50"),
    "rows of the conversation in the document (count)": (1.0, "<= 300"),
    "conversation opens at what was reported": (0.5, "<= 300"),
    "heap after {soak} jobs in a row, grown by (MB)": (1.0, "< 20"),
    "listeners after {soak} jobs, grown by (count)": (1.0, "about 0"),
}


def main() -> None:
    """Prints a line a measure."""
    soak = int(os.environ.get("COOP_MEASURE_JOBS", "500"))
    node = subprocess.check_output(
        [sys.executable, _BROWSER.parent / "scripts" / "node.py"], text=True
    )
    with (
        state_folder() as folder,
        LocalStack(folder / "state", COOP_DEMO_STORY="true") as stack,
    ):
        only = os.environ.get("COOP_MEASURE")
        if only and set(only.split(",")) <= _WITHOUT_JOBS:
            made = {"queueId": "", "thread": ""}
        else:
            made = console_load.fill(stack, jobs=soak + _OTHER_JOBS)
        (folder / "jobs.json").write_text(json.dumps(made | {"soak": soak}))
        environment = os.environ | {
            "PATH": f"{node.strip()}:{os.environ['PATH']}",
            "COOP_CONSOLE_URL": stack.url("review-api"),
            "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        }
        with subprocess.Popen(
            ["node", "measure.mjs", str(folder)],
            cwd=_BROWSER,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            for line in process.stdout or ():
                _tell(json.loads(line), soak)
    if process.returncode != 0:
        raise SystemExit(process.returncode)


def _tell(measure: dict[str, Any], soak: int) -> None:
    bounds = {name.format(soak=soak): bound for name, bound in _BOUNDS.items()}
    share, bound = bounds.get(measure["name"], (0.5, "none"))
    values = sorted(measure["values"])
    value = values[min(len(values) - 1, int(share * len(values)))] if share != 0.5 else None
    show(
        f"console: {measure['name']}",
        [statistics.median(values) if value is None else value],
        unit="ms" if "(" not in measure["name"] else measure["name"].split("(")[-1].rstrip(")"),
        bound=bound,
        compared_to={
            "throttle": measure["throttle"],
            "median": statistics.median(values),
            "worst": values[-1],
            "count": len(values),
        },
    )


if __name__ == "__main__":
    main()
