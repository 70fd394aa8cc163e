"""The dispatcher, as far as the API asks it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Dispatcher:
    """The dispatcher's internal API as far as a test says: what it answers, what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.get(request.url.path, httpx.Response(404, json={"detail": "none"}))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)


@pytest.fixture
def dispatcher() -> Dispatcher:
    return Dispatcher()
