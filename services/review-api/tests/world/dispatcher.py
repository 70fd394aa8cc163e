"""The dispatcher, as far as the API asks it."""

from __future__ import annotations

import httpx
import pytest


class Dispatcher:
    """The dispatcher's internal API as far as a test says: what it answers, what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response | Exception] = {}
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.get(request.url.path, httpx.Response(404, json={"detail": "none"}))
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def dispatcher() -> Dispatcher:
    return Dispatcher()
