"""Another service's internal API, asked for an organisation.

Guarantees: every question names an organisation; an answer has a deadline and a limit; what the
service refuses becomes this API's own refusal, with the service's code for it; a service that is
away is `Unavailable`, never a wait without end.
Must not: decide what a person may see; routes do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import httpx

from coop_contracts.call import Answer, Call, Command, Question
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound, Unavailable
from coop_runtime.internal.client import CallFailed, CallRefused, InternalApi
from coop_runtime.process.log import logger

Q = TypeVar("Q", bound=Question | Command)
A = TypeVar("A", bound=Answer)

_log = logger("coop.review_api.internal")


@dataclass(frozen=True, kw_only=True)
class AskedService:
    """A service: what people are told it is called, what it has for them, the `seconds` for a whole
    answer and the connections at most. `at` points to what it refuses."""

    name: str
    has: str
    seconds: float
    connections: int
    at: str = "#"

    @property
    def away(self) -> str:
        """What people are told while it is away."""
        return f"{self.has} not available: try again"


class InternalAsker:
    """A client of one service; close it at the end. Without a token it is `Unavailable`."""

    def __init__(
        self,
        asked: AskedService,
        url: str,
        token: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._asked = asked
        self._token = token
        self._api = InternalApi(
            url,
            token,
            timeout=asked.seconds,
            connections=asked.connections,
            transport=transport,
        )

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._api.aclose()

    async def ask(self, org_id: str, call: Call[Q, A], asked: Q) -> A:
        """The answer of a call, for the organisation.

        Raises `Invalid`, `NotFound`, `Conflict`, `Unavailable`.
        """
        if not self._token:
            raise Unavailable(
                f"{self._asked.name} is not configured: COOP_INTERNAL_TOKEN is not set"
            )
        try:
            return await self._api.ask(org_id, call, asked)
        except CallFailed as error:
            _log.warning("a service does not answer", service=self._asked.name, reason=str(error))
            raise Unavailable(self._asked.away) from error
        except CallRefused as error:
            raise self._refusal(error) from error

    def _refusal(self, refused: CallRefused) -> Exception:
        match refused.status:
            case 404:
                return NotFound(refused.detail or "not there")
            case 409:
                said = refused.detail or "the present state forbids it"
                is_plain = refused.kind in (None, "conflict")
                faults = () if is_plain else (Fault(self._asked.at, said, code=refused.kind),)
                return Conflict(said, faults=faults)
            case 422 | 400:
                return Invalid([Fault(self._asked.at, refused.detail or "refused")])
            case status:
                # 401 among them: our token is not the service's, which no person can mend.
                _log.error(
                    "a service refuses",
                    service=self._asked.name,
                    status=status,
                    detail=refused.detail,
                )
                return Unavailable(self._asked.away)
