"""Content, reports and appeals for Coop; what is known of an item.

Guarantees: what is sent again is sent under the same Idempotency-Key, so that it counts once,
however many attempts it took; an attempt after a refusal for now (429, 503, and 409 while the first
is still running) waits as long as was asked for, or the whole is given up; all waits are bounded.
Must not: follow redirects, which would carry the key elsewhere; put the key into an error.

    CoopError ─┬─ Refusal       the request is wrong; trying again changes nothing
               └─ Unavailable   not reached, or not now; `retry_after` where Coop said it
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote, unquote

from coop_client.transport import HttpTransport, Reply, Transport, TransportError
from coop_client.wire import (
    ActionOrder,
    ApiError,
    Appeal,
    Item,
    ItemRecord,
    PartialResult,
    PolicyEntry,
    Report,
    ReportAccepted,
)

_BASE: Final = "/api/v1"
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
_FIRST_WAIT: Final = 0.5  # seconds; doubled with each attempt
_NOTICE: Final = "x-coop-"


class CoopError(Exception):
    """Coop did not take it."""


class Refusal(CoopError):
    """What was asked is wrong; `errors` say what, each with a JSON pointer where it has one."""

    def __init__(self, status: int, errors: Sequence[ApiError]) -> None:
        said = [f"{one.get('pointer') or ''} {one.get('detail') or one['title']}" for one in errors]
        super().__init__(f"{status}: " + "; ".join(one.strip() for one in said))
        self.status = status
        self.errors = list(errors)


class Unavailable(CoopError):
    """Not now. `retry_after` are the seconds that Coop asked to wait, where it did."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Sent(NamedTuple):
    """What was taken. `accepted` and `errors` are those of `partial`. `notices` are what Coop
    remarked, by header (`x-coop-unknown-fields`); "..." stands for more."""

    accepted: list[str] | None
    errors: list[ApiError]
    notices: Mapping[str, list[str]]


class Coop:
    """Coop's API for one organisation. Safe in threads, as its transport is.

    `tries` attempts at the most, with waits of `most_wait` seconds each at the most; a longer wish
    of Coop's is told by `Unavailable` instead.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        tries: int = 5,
        most_wait: float = 30.0,
        timeout: float = 15.0,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._transport = HttpTransport(url, timeout=timeout) if transport is None else transport
        self._api_key = api_key
        self._tries, self._most_wait = tries, most_wait
        self._sleep, self._uniform = sleep, uniform

    def send_items(
        self, items: Sequence[Item], *, partial: bool = False, idempotency_key: str | None = None
    ) -> Sent:
        """Kept, all of them or none; with `partial` those that are in order. Raises CoopError.

        A thousand at a time at the most, each of 256 KB.
        """
        path = "/items/async/?partial=true" if partial else "/items/async/"
        reply = self._post(path, {"items": list(items)}, idempotency_key)
        told: PartialResult = json.loads(reply.body) if partial else {"accepted": [], "errors": []}
        accepted = told["accepted"] if partial else None
        return Sent(accepted, told["errors"], _notices(reply))

    def report(self, report: Report, *, idempotency_key: str | None = None) -> str:
        """The report's id. Raises CoopError."""
        reply = self._post("/report", report, idempotency_key)
        accepted: ReportAccepted = json.loads(reply.body)
        return accepted["reportId"]

    def appeal(self, appeal: Appeal, *, idempotency_key: str | None = None) -> None:
        """Kept; what comes of it is told to the appeal callback. Raises CoopError."""
        self._post("/report/appeal", appeal, idempotency_key)

    def act(self, order: ActionOrder, *, idempotency_key: str | None = None) -> None:
        """Ask for an action on an item that Coop has; it comes as a webhook. Raises CoopError."""
        self._post("/actions/", order, idempotency_key)

    def policies(self) -> list[PolicyEntry]:
        """The organisation's policies. Raises CoopError."""
        found: list[PolicyEntry] = json.loads(self._ask("GET", "/policies/").body)["policies"]
        return found

    def item(self, type_id: str, item_id: str) -> ItemRecord | None:
        """What is known of an item, None where nothing is. Raises CoopError."""
        path = f"/items/{quote(type_id, safe='')}/{quote(item_id, safe='')}"
        try:
            reply = self._ask("GET", path)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return cast("ItemRecord", json.loads(reply.body))

    def _post(self, path: str, body: Any, idempotency_key: str | None) -> Reply:
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self._ask("POST", path, encoded, {"idempotency-key": key})

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        sent = {"x-api-key": self._api_key, "content-type": "application/json", **(headers or {})}
        for attempt in range(1, self._tries + 1):
            failure = self._attempt(method, path, body, sent)
            if isinstance(failure, Reply):
                return failure
            if attempt == self._tries:
                raise failure
            self._wait(failure, attempt)
        raise ValueError("tries is less than one")

    def _attempt(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Reply | Unavailable:
        """The answer, or why to try again. Raises Refusal."""
        try:
            reply = self._transport.send(method, _BASE + path, headers, body)
        except TransportError as error:
            return Unavailable(f"Coop cannot be reached: {error}")
        if 200 <= reply.status < 300:
            return reply
        wished = _retry_after(reply)
        if reply.status in _AGAIN or (reply.status == 409 and wished is not None):
            return Unavailable(f"Coop answered {reply.status}", wished)
        raise Refusal(reply.status, _errors(reply))

    def _wait(self, failure: Unavailable, attempt: int) -> None:
        wait = self._uniform(0.5, 1.0) * _FIRST_WAIT * 2 ** (attempt - 1)
        if failure.retry_after is not None:
            if failure.retry_after > self._most_wait:
                raise failure
            # Spread, so that all who were refused at once do not come back at once.
            wait = failure.retry_after + self._uniform(0.0, _FIRST_WAIT)
        self._sleep(min(wait, self._most_wait))


def _errors(reply: Reply) -> list[ApiError]:
    try:
        told = json.loads(reply.body)["errors"]
        return [one for one in told if isinstance(one["title"], str)]
    except (ValueError, LookupError, TypeError):
        title = f"the answer is none of Coop's ({reply.status})"
        return [{"status": reply.status, "type": [], "title": title}]


def _retry_after(reply: Reply) -> float | None:
    said = reply.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None


def _notices(reply: Reply) -> dict[str, list[str]]:
    return {
        name: [unquote(one.strip()) for one in value.split(",")]
        for name, value in reply.headers.items()
        if name.startswith(_NOTICE)
    }
