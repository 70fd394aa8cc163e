"""The dispatcher's internal API, asked for people: deliveries, endpoints, strikes.

Guarantees: every question names an organisation, the caller's own; an answer has a deadline and a
limit; what the dispatcher refuses becomes this API's own refusal, and a dispatcher that is away is
`Unavailable`, never a wait without end.
Must not: decide what a person may see; routes do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from coop_contracts.dispatch import ROOT, Answer, Call, Command, Question
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound, Unavailable
from coop_runtime.egress.guard import public_tls
from coop_runtime.process.log import logger

TIMEOUT = 10.0
"""Seconds for a whole answer."""

_MAX_CONNECTIONS = 20
_AWAY = "the dispatcher is not available: try again"

Q = TypeVar("Q", bound=Question | Command)
A = TypeVar("A", bound=Answer)

_log = logger("coop.review_api.dispatch")


class Dispatch:
    """A client of the internal API; `close` it at the end. Without a token it is `Unavailable`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._token = token
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}{ROOT}/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS),
            trust_env=False,
            verify=public_tls(),
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, org_id: str, call: Call[Q, A], asked: Q) -> A:
        """The answer of a call, for the organisation.

        Raises `Invalid`, `NotFound`, `Conflict`, `Unavailable`.
        """
        if not self._token:
            raise Unavailable("the dispatcher is not configured: COOP_INTERNAL_TOKEN is not set")
        try:
            answer = await self._client.send(self._request(org_id, call, asked))
        except httpx.HTTPError as error:
            _log.warning("the dispatcher does not answer", reason=repr(error))
            raise Unavailable(_AWAY) from error
        if not answer.is_success:
            raise _refusal(answer)
        try:
            return msgspec.json.decode(answer.content, type=call.answers)
        except msgspec.MsgspecError as error:
            _log.error(
                "the dispatcher answers what it should not", path=call.path, error=str(error)
            )
            raise Unavailable(_AWAY) from error

    def _request(self, org_id: str, call: Call[Q, Any], asked: Q) -> httpx.Request:
        given: dict[str, Any] = msgspec.to_builtins(asked, builtin_types=(datetime,))
        ids = {name: quote(str(given.pop(name)), safe="") for name in call.ids}
        url = f"{quote(org_id, safe='')}/{call.path.format_map(ids)}"
        if call.method == "POST":
            return self._client.build_request(
                call.method,
                url,
                content=msgspec.json.encode(given),
                headers={"Content-Type": "application/json"},
            )
        parameters = {name: _parameter(value) for name, value in given.items() if value is not None}
        return self._client.build_request(call.method, url, params=parameters)


def _parameter(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _refusal(answer: httpx.Response) -> Exception:
    detail = _detail(answer)
    match answer.status_code:
        case 404:
            return NotFound(detail or "not there")
        case 409:
            return Conflict(detail or "the present state forbids it")
        case 422 | 400:
            return Invalid([Fault("#/query", detail or "refused")])
        case status:
            # 401 among them: our token is not the dispatcher's, which no person can mend.
            _log.error("the dispatcher refuses", status=status, detail=detail)
            return Unavailable(_AWAY)


def _detail(answer: httpx.Response) -> str | None:
    try:
        # Less than a whole `Problem`: something in between may have answered.
        detail = msgspec.json.decode(answer.content, type=dict[str, Any]).get("detail")
    except msgspec.MsgspecError:
        return None
    return detail if isinstance(detail, str) else None
