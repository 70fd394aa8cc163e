"""The dispatcher's internal API, asked for people: deliveries, endpoints, strikes.

Guarantees: every question names an organisation, the caller's own; an answer has a deadline and a
limit; what the dispatcher refuses becomes this API's own refusal, and a dispatcher that is away is
`Unavailable`, never a wait without end.
Must not: decide what a person may see; routes do.
"""

from __future__ import annotations

from typing import TypeVar

import httpx

from coop_contracts.call import Answer, Call, Command, Question
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound, Unavailable
from coop_runtime.internal.client import CallFailed, CallRefused, InternalApi
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
        self._api = InternalApi(
            url, token, timeout=TIMEOUT, connections=_MAX_CONNECTIONS, transport=transport
        )

    async def aclose(self) -> None:
        await self._api.aclose()

    async def ask(self, org_id: str, call: Call[Q, A], asked: Q) -> A:
        """The answer of a call, for the organisation.

        Raises `Invalid`, `NotFound`, `Conflict`, `Unavailable`.
        """
        if not self._token:
            raise Unavailable("the dispatcher is not configured: COOP_INTERNAL_TOKEN is not set")
        try:
            return await self._api.ask(org_id, call, asked)
        except CallFailed as error:
            _log.warning("the dispatcher does not answer", reason=str(error))
            raise Unavailable(_AWAY) from error
        except CallRefused as error:
            raise _refusal(error) from error


def _refusal(refused: CallRefused) -> Exception:
    match refused.status:
        case 404:
            return NotFound(refused.detail or "not there")
        case 409:
            return Conflict(refused.detail or "the present state forbids it")
        case 422 | 400:
            return Invalid([Fault("#/query", refused.detail or "refused")])
        case status:
            # 401 among them: our token is not the dispatcher's, which no person can mend.
            _log.error("the dispatcher refuses", status=status, detail=refused.detail)
            return Unavailable(_AWAY)
