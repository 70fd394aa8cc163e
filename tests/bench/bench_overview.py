"""The overview at fifty million actions a year, over HTTP from one api process: its seven figures
with the time before, in one request. Two lines: p99 in milliseconds of 366 days by day and of 31
days by hour, three runs each, one request after the other.
"""

from __future__ import annotations

import time
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import chain
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg

from coop_review_api.http.authentication import COOKIE, CSRF_HEADER
from tests.bench import environment as stand
from tests.bench import overview_load
from tests.bench import review_load as load
from tests.bench.result import show

_RUNS = 3
_REQUESTS = 200
_WARM = 20  # requests until every statement is prepared and seasons are remembered
_ZONE = "Asia/Kolkata"  # half an hour off: its days begin within a UTC day
_PAGES = {"days": ("DAY", 366), "hours": ("HOUR", 31)}


class _Page(NamedTuple):
    """Seconds until the last byte: of the first request, which finds nothing remembered, and of
    those after it by run; and the bytes of an answer, as they are sent."""

    first: float
    runs: list[list[float]]
    size: int


def _measure(desk: load.Desk, url: str) -> dict[str, _Page]:
    """By page. The client does next to nothing: it shares two cores with what is measured."""
    reviewer = desk.reviewers[0]
    headers = {
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "Cookie": f"{COOKIE}={reviewer.cookie}",
        CSRF_HEADER: reviewer.csrf,
    }
    pages: dict[str, _Page] = {}
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:

        def ask(body: bytes) -> tuple[float, int]:
            began = time.perf_counter()
            connection.request("POST", "/v1/analytics/query", body, headers)
            answer = connection.getresponse()
            size = len(answer.read())
            took = time.perf_counter() - began
            if answer.status != HTTPStatus.OK:
                raise RuntimeError(f"answered {answer.status}")
            return took, size

        for name, (bucket, days) in _PAGES.items():
            body = overview_load.page(bucket, days, _ZONE)
            first, size = ask(body)
            for _ in range(_WARM):
                ask(body)
            runs = [[ask(body)[0] for _ in range(_REQUESTS)] for _ in range(_RUNS)]
            pages[name] = _Page(first, runs, size)
    return pages


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
            pages = _measure(desk, f"http://127.0.0.1:{port}")
    for name, (bucket, days) in _PAGES.items():
        page = pages[name]
        show(
            f"overview_{name}",
            [load.percentile(one, 0.99) * 1000 for one in page.runs],
            unit=f"p99 in ms over HTTP of seven figures, {days} days by {bucket.lower()}",
            bound="< 50",
            compared_to={
                "p50_ms": round(load.percentile(list(chain(*page.runs)), 0.5) * 1000, 1),
                "first_ms": round(page.first * 1000, 1),
                "rows_of_tallies": rows,
                "bytes_sent": page.size,
            },
        )


if __name__ == "__main__":
    main()
