"""A client of review-api: what a person does in the console, done by a program.

Guarantees: every answer that is not a success raises `ConsoleError` with the problem it names.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

_TIMEOUT = httpx.Timeout(10.0)


class ConsoleError(Exception):
    """review-api refused; `status` is the HTTP status, the message its problem body."""

    def __init__(self, method: str, path: str, response: httpx.Response) -> None:
        self.status = response.status_code
        super().__init__(f"{method} {path}: {response.status_code} {response.text[:500]}")


class ConsoleClient:
    """One signed-in person."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT, trust_env=False)
        self._csrf: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def log_in(self, email: str, password: str) -> dict[str, Any]:
        """Starts a session; returns what review-api says of the user."""
        self._csrf = None
        session: dict[str, Any] = await self.call(
            "POST", "/v1/session", {"email": email, "password": password}
        )
        self._csrf = session["csrfToken"]
        return session

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; returns the decoded answer, or None when it has no body."""
        headers = {"X-CSRF-Token": self._csrf} if self._csrf and method != "GET" else {}
        response = await self._http.request(method, path, json=body, headers=headers)
        if not response.is_success:
            raise ConsoleError(method, path, response)
        return response.json() if response.content else None

    async def all_of(self, path: str) -> list[dict[str, Any]]:
        """Every entry of a list, page after page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            separator = "&" if "?" in path else "?"
            page = await self.call("GET", f"{path}{separator}cursor={cursor}" if cursor else path)
            found += page["items"]
            cursor = page.get("nextCursor")
            if not cursor:
                return found
