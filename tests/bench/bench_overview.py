"""The overview at fifty million actions a year, over HTTP from one api process: its seven figures
with the time before, in one request. Two lines: p99 in milliseconds of 366 days by day and of 31
days by hour, three runs each, one request after the other.
"""

from __future__ import annotations

import time
from itertools import chain

import httpx
import psycopg

from tests.bench import environment as stand
from tests.bench import overview_load
from tests.bench import review_load as load
from tests.bench.result import show

_RUNS = 3
_REQUESTS = 200
_WARM = 20  # requests until the driver has every statement prepared
_ZONE = "Asia/Kolkata"  # half an hour off: its days begin within a UTC day
_PAGES = {"days": ("DAY", 366), "hours": ("HOUR", 31)}


async def _measure(
    desk: load.Desk, url: str
) -> tuple[dict[str, list[list[float]]], dict[str, int]]:
    """Seconds of each request by page, and the bytes of its answer."""
    runs: dict[str, list[list[float]]] = {name: [] for name in _PAGES}
    sizes: dict[str, int] = {}
    async with desk.reviewers[0].client(url) as client:
        for name, (bucket, days) in _PAGES.items():
            body = overview_load.page(bucket, days, _ZONE)
            for _ in range(_WARM):
                sizes[name] = len((await _ask(client, body)).content)
            for _ in range(_RUNS):
                took = []
                for _ in range(_REQUESTS):
                    began = time.perf_counter()
                    await _ask(client, body)
                    took.append(time.perf_counter() - began)
                runs[name].append(took)
    return runs, sizes


async def _ask(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    answer = await client.post(
        "/v1/analytics/query", content=body, headers={"content-type": "application/json"}
    )
    answer.raise_for_status()
    return answer


def main() -> None:
    """Prints two lines."""
    with stand.engines() as addresses:
        desk = load.run(
            load.furnish(
                addresses, queues=1, reviewers=1, callback="http://127.0.0.1:1/", undo_window=0
            )
        )
        with psycopg.connect(addresses.postgres_admin, autocommit=True) as database:
            rows = overview_load.fill(database, desk.org_id)
            # Who sees every queue asks the small splits, as whoever opens this page does.
            database.execute("UPDATE review.users SET role = 'MODERATOR_MANAGER'")
        port, internal = stand.free_port(), stand.free_port()
        environment = load.environment_of(
            addresses,
            desk,
            "coop_review",
            COOP_REVIEW_PORT=str(port),
            COOP_INTERNAL_PORT=str(internal),
        )
        ready = f"http://127.0.0.1:{internal}/readyz"
        with stand.service("coop_review_api", "api", environment, ready_url=ready, deadline=60):
            runs, sizes = load.run(_measure(desk, f"http://127.0.0.1:{port}"))
    for name, (bucket, days) in _PAGES.items():
        show(
            f"overview_{name}",
            [load.percentile(one, 0.99) * 1000 for one in runs[name]],
            unit=f"p99 in ms over HTTP of seven figures, {days} days by {bucket.lower()}",
            bound="< 50",
            compared_to={
                "p50_ms": round(load.percentile(list(chain(*runs[name])), 0.5) * 1000, 1),
                "rows_of_tallies": rows,
                "answer_bytes": sizes[name],
            },
        )


if __name__ == "__main__":
    main()
