"""OpenAI: moderation of texts and images, transcription of sounds and videos.

Guarantees: one moderation call answers for all categories. An image goes as its URL: OpenAI fetches
it. A sound or video is downloaded here, and uploaded under a name made of its content's kind.
Must not: guess a score that the answer does not have.

https://platform.openai.com/docs/api-reference/moderations (model omni-moderation-latest),
https://platform.openai.com/docs/api-reference/audio (whisper-1, 25 MB).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from coop_rules.language.need import Need
from coop_runtime.egress.guard import EgressRefused
from coop_signals.api import Api, bearer
from coop_signals.error import InputRefused, UnexpectedAnswer
from coop_signals.media import MEGABYTE, MediumLimit
from coop_signals.provider import (
    Answer,
    Call,
    CallLimits,
    Provider,
    ProviderQuestion,
    Score,
    text_of,
    url_of,
)

INTEGRATION = "OPEN_AI"
MODERATION_MODEL = "omni-moderation-latest"
TRANSCRIPTION_MODEL = "whisper-1"
# The limit of 25 MB is that of the request: the form's frame takes a little of it.
MAX_SOUND = 25 * MEGABYTE - 4096

_CATEGORIES: Mapping[str, str] = {
    "HATE": "hate",
    "HATE_THREATENING": "hate/threatening",
    "SELF_HARM": "self-harm",
    "SELF_HARM_INSTRUCTIONS": "self-harm/instructions",
    "SELF_HARM_INTENT": "self-harm/intent",
    "SEXUAL": "sexual",
    "SEXUAL_MINORS": "sexual/minors",
    "VIOLENCE": "violence",
    "GRAPHIC_VIOLENCE": "violence/graphic",
}
_OF_TEXT = {f"OPEN_AI_{name}_TEXT_MODEL": category for name, category in _CATEGORIES.items()}
_OF_IMAGE = {
    f"OPEN_AI_{name}_IMAGE_MODEL": category
    for name, category in _CATEGORIES.items()
    # What the model scores in images.
    if name not in ("HATE", "HATE_THREATENING", "SEXUAL_MINORS")
}


class _Result(Struct, frozen=True):
    category_scores: dict[str, float]


class _Moderation(Struct, frozen=True):
    results: list[_Result]


class _Transcription(Struct, frozen=True):
    text: str


class OpenAiModeration(Provider):
    """Scores from 0 to 1. `check_url` refuses a URL that leads nowhere public."""

    id = "OPEN_AI_MODERATION"
    integration_id = INTEGRATION
    requires_account = True
    signals = frozenset((*_OF_TEXT, *_OF_IMAGE))
    limits = CallLimits(timeout=5.0, concurrency=16)

    def __init__(
        self, api: Api, check_url: Callable[[str], None], *, limits: CallLimits | None = None
    ) -> None:
        self.limits = limits or self.limits
        self._api = api
        self._check_url = check_url

    def question(self, need: Need, value: object) -> ProviderQuestion:
        if need.signal.name in _OF_TEXT:
            return ProviderQuestion("text", text_of(value))
        url = url_of(value)
        try:
            self._check_url(url)
        except EgressRefused as error:
            raise InputRefused(f"the image's address is not allowed: {error}") from None
        return ProviderQuestion("image", url)

    async def fetch(self, call: Call) -> Answer:
        if call.question.family == "text":
            if not call.question.content.strip():
                # OpenAI refuses an empty input; there is nothing in it that could be harmful.
                return dict.fromkeys(_OF_TEXT.values(), 0.0)
            part = {"type": "text", "text": call.question.content}
        else:
            part = {"type": "image_url", "image_url": {"url": call.question.content}}
        answer = await self._api.post(
            "/v1/moderations",
            _Moderation,
            headers=bearer(call.account),
            timeout=self.limits.timeout,
            json={"model": MODERATION_MODEL, "input": [part]},
        )
        if len(answer.results) != 1:
            raise UnexpectedAnswer("OpenAI gave an answer of another form")
        return answer.results[0].category_scores

    def score(self, need: Need, answer: Answer) -> Score:
        category = _OF_TEXT.get(need.signal.name) or _OF_IMAGE[need.signal.name]
        score = answer.get(category) if isinstance(answer, dict) else None
        if not isinstance(score, float | int) or not 0 <= score <= 1:
            raise UnexpectedAnswer(f"OpenAI gave no score for {category}")
        return float(score)


class OpenAiTranscription(Provider):
    """The words of a sound or video, as one text; empty where nothing is said."""

    id = "OPEN_AI_TRANSCRIPTION"
    integration_id = INTEGRATION
    requires_account = True
    signals = frozenset({"OPEN_AI_WHISPER_TRANSCRIPTION"})
    limits = CallLimits(
        timeout=30.0,
        concurrency=4,
        medium=MediumLimit(kind="sound", max_bytes=MAX_SOUND, timeout=20.0),
    )

    def __init__(self, api: Api, *, limits: CallLimits | None = None) -> None:
        self.limits = limits or self.limits
        self._api = api

    def question(self, need: Need, value: object) -> ProviderQuestion:  # noqa: ARG002
        return ProviderQuestion("transcription", url_of(value))

    async def fetch(self, call: Call) -> Answer:
        medium = call.medium
        assert medium is not None
        name = f"medium.{medium.extension}"  # OpenAI tells the format by the name
        answer = await self._api.post(
            "/v1/audio/transcriptions",
            _Transcription,
            headers=bearer(call.account),
            timeout=self.limits.timeout,
            form={"model": TRANSCRIPTION_MODEL, "response_format": "json"},
            files={"file": (name, medium.content, medium.media_type)},
        )
        return answer.text

    def score(self, need: Need, answer: Answer) -> Score:  # noqa: ARG002
        if not isinstance(answer, str):
            raise UnexpectedAnswer("OpenAI gave no text")
        return answer
