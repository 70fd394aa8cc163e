"""The dispatcher's internal API, asked for people: deliveries, endpoints, strikes.

Guarantees: every question names an organisation, the caller's own; an answer has a deadline and a
limit; what the dispatcher refuses becomes this API's own refusal, and a dispatcher that is away is
`Unavailable`, never a wait without end.
Must not: decide what a person may see; routes do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound, Unavailable
from coop_runtime.egress.guard import public_tls
from coop_runtime.process.log import logger

TIMEOUT = 10.0
"""Seconds for a whole answer."""

_MAX_CONNECTIONS = 20
_AWAY = "the dispatcher is not available: try again"

_log = logger("coop.review_api.dispatch")


class Dispatch:
    """A client of the internal API; `close` it at the end. Without a token it is `Unavailable`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._token = token
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/internal/v1/orgs/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS),
            trust_env=False,
            verify=public_tls(),
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def get(self, org_id: str, path: str, **parameters: Any) -> Any:
        """The JSON at `path` below the organisation; parameters that are None are left out.

        Raises `Invalid`, `NotFound`, `Conflict`, `Unavailable`.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        return await self._ask("GET", org_id, path, params=given)

    async def post(self, org_id: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """As `get`, of a command."""
        return await self._ask("POST", org_id, path, json=dict(body or {}))

    async def _ask(self, method: str, org_id: str, path: str, **more: Any) -> Any:
        if not self._token:
            raise Unavailable("the dispatcher is not configured: COOP_INTERNAL_TOKEN is not set")
        try:
            answer = await self._client.request(
                method, f"{quote(org_id, safe='')}/{path.lstrip('/')}", **more
            )
        except httpx.HTTPError as error:
            _log.warning("the dispatcher does not answer", reason=repr(error))
            raise Unavailable(_AWAY) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)


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
        body = answer.json()
    except ValueError:
        return None
    detail = body.get("detail") if isinstance(body, dict) else None
    return detail if isinstance(detail, str) else None
