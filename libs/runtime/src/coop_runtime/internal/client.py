"""The one way to ask another service of the system over HTTP.

    Exception
    ├── CallRefused    it answered that it will not: with a status of 4xx and, perhaps, a reason
    └── CallFailed     it did not answer, cannot now (5xx), or not what the contract says

Guarantees: every question names an organisation; an answer has a deadline, and so has waiting for a
connection; what breaks the contract is no answer.
Must not: decide what a caller may see, or try again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from coop_contracts.call import ROOT, Answer, Call, Command, Question
from coop_runtime.egress.guard import public_tls

Q = TypeVar("Q", bound=Question | Command)
A = TypeVar("A", bound=Answer)


class CallRefused(Exception):
    """`detail` is for people; `kind`, the last part of the problem's type, for programs."""

    def __init__(self, status: int, detail: str | None, *, kind: str | None = None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.kind = kind


class CallFailed(Exception):
    """There is no answer."""


class InternalApi:
    """A client of the API at `url`; `aclose` it at the end. `timeout`: seconds for a whole answer;
    `connections`: at once."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        connections: int = 20,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}{ROOT}/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            limits=httpx.Limits(max_connections=connections),
            trust_env=False,
            verify=public_tls(),
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, org_id: str, call: Call[Q, A], asked: Q) -> A:
        """The answer of a call, for the organisation. Raises CallRefused, CallFailed."""
        try:
            answer = await self._client.send(self._request(org_id, call, asked))
        except httpx.HTTPError as error:
            raise CallFailed(repr(error)) from error
        if answer.is_server_error:
            raise CallFailed(f"{call.path}: status {answer.status_code}: {_said(answer, 'detail')}")
        if not answer.is_success:
            kind = (_said(answer, "type") or "").removeprefix("/problems/") or None
            raise CallRefused(answer.status_code, _said(answer, "detail"), kind=kind)
        try:
            return msgspec.json.decode(answer.content, type=call.answers)
        except msgspec.MsgspecError as error:
            raise CallFailed(f"{call.path}: {error}") from error

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


def _said(answer: httpx.Response, name: str) -> str | None:
    try:
        # Less than a whole `Problem`: something in between may have answered.
        said = msgspec.json.decode(answer.content, type=dict[str, Any]).get(name)
    except msgspec.MsgspecError:
        return None
    return said if isinstance(said, str) else None
