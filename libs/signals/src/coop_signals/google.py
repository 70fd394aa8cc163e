"""Google's Content Safety API: how urgently people should look at an image.

Guarantees: the answer is one of the five priorities, from VERY_LOW to VERY_HIGH. The key travels in
a header, so that no log of addresses has it.
Must not: decide anything by itself: the signal is for routing rules only.

POST /v1beta1/images:classify `{"images": [base64]}` gives `{"reviewPriorities": ["LOW"]}`;
https://protectingchildren.google/tools-for-partners/
"""

from __future__ import annotations

import base64

from msgspec import Struct

from coop_rules.language.need import Need
from coop_signals.api import Api, key_of
from coop_signals.error import UnexpectedAnswer
from coop_signals.media import MEGABYTE, MediumLimit
from coop_signals.provider import (
    Answer,
    Call,
    CallLimits,
    Provider,
    ProviderQuestion,
    Score,
    url_of,
)

INTEGRATION = "GOOGLE_CONTENT_SAFETY_API"


class _Classified(Struct, frozen=True, rename="camel"):
    review_priorities: list[str]


class GoogleContentSafety(Provider):
    """A priority. Images of up to 5 MB."""

    id = "GOOGLE_CONTENT_SAFETY"
    integration_id = INTEGRATION
    requires_account = True
    signals = frozenset({"GOOGLE_CONTENT_SAFETY_API_IMAGE"})
    limits = CallLimits(
        timeout=10.0,
        concurrency=16,
        medium=MediumLimit(kind="image", max_bytes=5 * MEGABYTE, timeout=10.0),
    )

    def __init__(self, api: Api, *, limits: CallLimits | None = None) -> None:
        self.limits = limits or self.limits
        self._api = api

    def question(self, need: Need, value: object) -> ProviderQuestion:  # noqa: ARG002
        return ProviderQuestion("image", url_of(value))

    async def fetch(self, call: Call) -> Answer:
        medium = call.medium
        assert medium is not None
        answer = await self._api.post(
            "/v1beta1/images:classify",
            _Classified,
            headers={"x-goog-api-key": key_of(call.account)},
            timeout=self.limits.timeout,
            json={"images": [base64.b64encode(medium.content).decode("ascii")]},
        )
        if len(answer.review_priorities) != 1:
            raise UnexpectedAnswer("Google gave an answer of another form")
        return answer.review_priorities[0]

    def score(self, need: Need, answer: Answer) -> Score:
        if not isinstance(answer, str) or answer not in need.signal.order:
            raise UnexpectedAnswer("Google gave a priority that is not known")
        return answer
