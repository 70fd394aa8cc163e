"""The review API, as the command line uses it: one session, signed out in the end.

Guarantees: every wait has a deadline; a refusal is an error that says what is wrong and where.
Must not: show the password, or send it anywhere but to the address that the operator gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from coop_cli.settings import ReviewApiSettings

_SECONDS = 60.0
_PAGE = 200


class RequestFault(NamedTuple):
    """One fault: `pointer` is its place in what was sent."""

    pointer: str
    reason: str


class ApiRefused(Exception):
    """The API refused; `status` is HTTP's."""

    def __init__(self, status: int, detail: str, refusals: tuple[RequestFault, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.refusals = refusals


class ApiUnavailable(Exception):
    """The API does not answer, or not now."""


class ReviewApi:
    """A session. Raises ApiRefused and ApiUnavailable."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._headers: dict[str, str] = {}

    def sign_in(self, email: str, password: str) -> None:
        answer = self.call("POST", "/v1/session", {"email": email, "password": password})
        self._headers = {"X-CSRF-Token": answer.json()["csrfToken"]}

    def sign_out(self) -> None:
        self.call("DELETE", "/v1/session")

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON of a GET."""
        return self.call("GET", path, parameters=parameters).json()

    def all(self, collection: str) -> Iterator[dict[str, Any]]:
        """Every entry of a paged collection."""
        parameters = {"limit": str(_PAGE)}
        while True:
            page = self.get(f"/v1/{collection}", **parameters)
            yield from page["items"]
            if not page.get("nextCursor"):
                return
            parameters["cursor"] = page["nextCursor"]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        revision: int | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """An answer that is no error. `revision` is that of the document as it was seen."""
        headers = dict(self._headers)
        if revision is not None:
            headers["If-Match"] = f'"{revision}"'
        try:
            answer = self._client.request(
                method, path, json=body, headers=headers, params=parameters
            )
        except httpx.HTTPError as error:
            raise ApiUnavailable(f"{type(error).__name__}: {error}") from error
        if answer.is_error:
            raise _error_of(answer)
        return answer


def _error_of(answer: httpx.Response) -> ApiRefused | ApiUnavailable:
    try:
        problem = answer.json()
        detail = str(problem.get("detail") or problem["title"])
        refusals = tuple(
            RequestFault(one["pointer"], one["reason"]) for one in problem.get("errors") or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        detail, refusals = answer.reason_phrase, ()
    if answer.status_code in (429, 503):
        after = answer.headers.get("Retry-After")
        return ApiUnavailable(detail + (f" (again in {after} s)" if after else ""))
    return ApiRefused(answer.status_code, detail, refusals)


def part(text: str) -> str:
    """The text as one part of a path."""
    return quote(text, safe="")


@contextmanager
def signed_in(settings: ReviewApiSettings) -> Iterator[ReviewApi]:
    """A session as COOP_EMAIL at COOP_URL."""
    settings.require("email", "password")
    with httpx.Client(base_url=settings.url, timeout=_SECONDS) as client:
        api = ReviewApi(client)
        api.sign_in(settings.email, settings.password.get_secret_value())
        try:
            yield api
        finally:
            api.sign_out()
