"""What is fetched from identity providers: metadata, discovery documents, keys, tokens.

Guarantees: through the egress guard, with a deadline and a limit of size, without redirects.
Must not: put an address's secrets or an answer into an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from coop_review_api.single_sign_on.error import ProviderUnreachable, SignInRefused
from coop_review_api.single_sign_on.web_address import is_safe
from coop_review_api.single_sign_on.xml import MAX_DOCUMENT
from coop_runtime.egress.answer import UnreadableAnswer, read_answer
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge

TIMEOUT = 10.0  # seconds for a whole exchange


class Fetch:
    """Lives in one event loop. Close it with `aclose`."""

    def __init__(self, guard: EgressGuard) -> None:
        self._client = guard.client(timeout=TIMEOUT, max_body=MAX_DOCUMENT)

    async def document(self, url: str) -> bytes:
        """What is at the address. Raises `ProviderUnreachable`, `SignInRefused`."""
        answer = await self._send("GET", url, {})
        if answer.status_code != httpx.codes.OK:
            raise ProviderUnreachable("status", f"{_host(url)} answered {answer.status_code}")
        return answer.content

    async def json(self, url: str, *, bearer: str | None = None) -> dict[str, Any]:
        """The JSON object at the address. Raises `ProviderUnreachable`, `SignInRefused`."""
        headers = {"Accept": "application/json"}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        answer = await self._send("GET", url, headers)
        if answer.status_code != httpx.codes.OK:
            raise ProviderUnreachable("status", f"{_host(url)} answered {answer.status_code}")
        return _object(answer, url)

    async def post(
        self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of the answer to a form. Raises `ProviderUnreachable`,
        `SignInRefused`."""
        auth = None if basic is None else httpx.BasicAuth(*basic)
        headers = {"Accept": "application/json"}
        answer = await self._send("POST", url, headers, form=form, auth=auth)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ProviderUnreachable("status", f"{_host(url)} answered {answer.status_code}")
        return answer.status_code, _object(answer, url)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        form: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> httpx.Response:
        if not is_safe(url):
            raise SignInRefused("address", "an address of the provider is no https URL")
        try:
            return await self._client.request(
                method, url, headers=dict(headers), data=form, auth=auth
            )
        except EgressRefused as error:
            raise SignInRefused("address", f"{_host(url)}: {error}") from None
        except ResponseTooLarge:
            text = f"the answer of {_host(url)} has more than {MAX_DOCUMENT} bytes"
            raise ProviderUnreachable("size", text) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            raise ProviderUnreachable("network", f"{_host(url)} does not answer: {kind}") from None

    async def aclose(self) -> None:
        await self._client.aclose()


def _object(answer: httpx.Response, url: str) -> dict[str, Any]:
    try:
        found = read_answer(answer.content)
    except UnreadableAnswer as error:
        raise ProviderUnreachable("json", f"the answer of {_host(url)} {error}") from None
    if not isinstance(found, dict):
        raise ProviderUnreachable("json", f"{_host(url)} did not answer with a JSON object")
    return found


def _host(url: str) -> str:
    return httpx.URL(url).host
