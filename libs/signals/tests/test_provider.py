"""Each provider speaks its interface and reads its answers."""

from __future__ import annotations

import pytest

from .signals_server import MP4, PNG, Internet, answer, body, status
from .signals_world import ORG, SECRET, World

TEXT = "OPEN_AI_VIOLENCE_TEXT_MODEL"
IMAGE = "OPEN_AI_VIOLENCE_IMAGE_MODEL"
GOOGLE = "GOOGLE_CONTENT_SAFETY_API_IMAGE"
WHISPER = "OPEN_AI_WHISPER_TRANSCRIPTION"
ZENTROPI = "ZENTROPI_LABELER"


async def test_a_text_is_scored_by_openai(world: World, internet: Internet) -> None:
    """The category's score comes back, the key travels as a bearer token."""
    value = await world.value(TEXT, "some words")
    assert (value.score, value.error) == (0.7, None)
    (hit,) = internet.hits
    assert hit.headers["authorization"] == f"Bearer {SECRET}-{ORG}"
    assert hit.json["input"] == [{"type": "text", "text": "some words"}]


async def test_every_openai_signal_has_a_category(world: World, internet: Internet) -> None:
    """All fifteen signals of the catalogue find their score in an answer of the documented form."""
    for name, signal in world.providers.catalogue().items():
        if name.startswith("OPEN_AI") and signal.output == "NUMBER":
            given = "words" if "TEXT" in name else {"url": f"{internet.url}/a.png"}
            value = await world.value(name, given)
            assert value.error is None, name
            assert isinstance(value.score, float)
    assert len(internet.of("/v1/moderations")) == 2


async def test_an_image_goes_to_openai_as_its_url(world: World, internet: Internet) -> None:
    """OpenAI fetches the image itself; a plain URL and a media value mean the same."""
    url = f"{internet.url}/a.png"
    for given in ({"url": url}, url):
        assert (await world.value(IMAGE, given)).score == 0.7
    (hit,) = internet.hits
    assert hit.json["input"] == [{"type": "image_url", "image_url": {"url": url}}]


async def test_a_blank_text_costs_no_call(world: World, internet: Internet) -> None:
    """OpenAI refuses an empty input; nothing in it can be harmful."""
    assert (await world.value(TEXT, " \n")).score == 0.0
    assert internet.hits == []


async def test_google_gives_a_priority(world: World, internet: Internet) -> None:
    """The image is downloaded and sent as base64; the key is in no address."""
    internet.media["/a.png"] = (PNG, "image/png")
    value = await world.value(GOOGLE, {"url": f"{internet.url}/a.png"})
    assert value.score == "HIGH"
    hit = internet.hits[-1]
    assert hit.target == "/v1beta1/images:classify"
    assert hit.headers["x-goog-api-key"] == f"{SECRET}-{ORG}"


@pytest.mark.parametrize(
    ("label", "confidence", "score"),
    [("1", 0.9, 0.9), (1, 0.6, 0.6), ("0", 0.9, 0.1), (0, 0.5, 0.5)],
)
async def test_zentropi_scores_by_label_and_confidence(
    world: World, internet: Internet, label: object, confidence: float, score: float
) -> None:
    """Label 1 gives the confidence, label 0 what is left of it; labels may be strings."""
    internet.label, internet.confidence = label, confidence
    value = await world.value(ZENTROPI, "some words", subcategory="version-7")
    assert value.score == pytest.approx(score)
    assert internet.hits[0].json == {
        "content_text": "some words",
        "labeler_version_id": "version-7",
    }


async def test_zentropi_labelers_are_told_apart(world: World, internet: Internet) -> None:
    """Two labeler versions on one text are two calls; without a version there is none."""
    await world.value(ZENTROPI, "words", subcategory="a")
    await world.value(ZENTROPI, "words", subcategory="b")
    assert len(internet.hits) == 2
    missing = await world.value(ZENTROPI, "words")
    assert missing.error == "the condition names no labeler version"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (MP4, b'filename="medium.mp4"'),
        (b"ID3" + bytes(50), b'filename="medium.mp3"'),
        (b"OggS" + bytes(50), b'filename="medium.ogg"'),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", b'filename="medium.wav"'),
        (b"\x1aE\xdf\xa3" + bytes(50), b'filename="medium.webm"'),
        (b"\x00\x00\x00\x18ftypM4A " + bytes(50), b'filename="medium.m4a"'),
        (b"\xff\xfb\x90\x00" + bytes(50), b'filename="medium.mp3"'),
    ],
)
async def test_a_video_or_sound_is_transcribed(
    world: World, internet: Internet, content: bytes, name: bytes
) -> None:
    """The medium is uploaded whole, under a name by which OpenAI tells its format."""
    internet.media["/clip"] = (content, "application/octet-stream")
    value = await world.value(WHISPER, {"url": f"{internet.url}/clip?token=t"})
    assert value.score == "hello there"
    upload = internet.of("/v1/audio/transcriptions")[0].body
    assert name in upload
    assert content in upload


async def test_silence_is_a_transcription(world: World, internet: Internet) -> None:
    """A video in which nothing is said has an empty text, which is no error."""
    internet.media["/clip"] = (MP4, "video/mp4")
    internet.transcript = ""
    value = await world.value(WHISPER, {"url": f"{internet.url}/clip"})
    assert (value.score, value.error) == ("", None)


@pytest.mark.parametrize(
    ("signal", "path", "content"),
    [
        (TEXT, "/v1/moderations", b"<html>busy</html>"),
        (TEXT, "/v1/moderations", {"results": []}),
        (TEXT, "/v1/moderations", {"results": [{"category_scores": {"hate": 0.1}}]}),
        (TEXT, "/v1/moderations", {"results": [{"category_scores": {"violence": "high"}}]}),
        (TEXT, "/v1/moderations", {"results": [{"category_scores": {"violence": 7}}]}),
        (TEXT, "/v1/moderations", b"[" * 100_000),
        (TEXT, "/v1/moderations", b"\xff\xfe\x00"),
        (ZENTROPI, "/v1/label", {"label": "maybe", "confidence": 0.5}),
        (ZENTROPI, "/v1/label", {"label": "1"}),
        (ZENTROPI, "/v1/label", {"label": "1", "confidence": 1.5}),
        (ZENTROPI, "/v1/label", []),
    ],
)
async def test_an_answer_of_another_shape_is_no_score(
    world: World, internet: Internet, signal: str, path: str, content: object
) -> None:
    """What is not understood is never guessed."""
    internet.behave[path] = body(content)
    value = await world.value(signal, "words", subcategory="v", seconds=1.5)
    assert value.score is None
    assert value.error


@pytest.mark.parametrize(
    "content",
    [{"reviewPriorities": []}, {"reviewPriorities": ["URGENT"]}, {"priorities": ["LOW"]}, b"{"],
)
async def test_a_priority_that_is_none_is_no_score(
    world: World, internet: Internet, content: object
) -> None:
    """Only the five known priorities can be compared."""
    internet.media["/a.png"] = (PNG, "image/png")
    internet.behave["/v1beta1"] = body(content)
    value = await world.value(GOOGLE, {"url": f"{internet.url}/a.png"}, seconds=1.5)
    assert value.score is None
    assert value.error


async def test_what_is_no_input_is_refused_without_a_call(world: World, internet: Internet) -> None:
    """A number is no text, and a medium without a URL is none."""
    assert (await world.value(TEXT, 7)).error == "the input is not a text"
    assert (await world.value(GOOGLE, {"uri": "x"})).error == "the input has no URL"
    assert internet.hits == []


async def test_values_keep_the_order_of_their_inputs(world: World, internet: Internet) -> None:
    """Many inputs of one need are asked at once, and each value has its position."""

    async def by_text(hit, writer):  # type: ignore[no-untyped-def]
        number = int(hit.json["input"][0]["text"])
        internet.scores["violence"] = number / 100
        await answer(writer, internet.moderation("text"))

    internet.behave["/v1/moderations"] = by_text
    values = await world.values(TEXT, *[str(number) for number in range(50)])
    assert [value.score for value in values] == [number / 100 for number in range(50)]
    assert [value.position for value in values] == list(range(50))
    assert {(value.key, value.signal) for value in values} == {("0" * 16, TEXT)}
    assert await world.values(TEXT) == []


async def test_a_signal_nobody_gives_is_an_error(world: World) -> None:
    """A need that belongs elsewhere is answered, not raised."""
    value = await world.value("USER_STRIKE_VALUE", "user")
    assert value.error == "nothing here gives this signal"
    assert not world.providers.gives("USER_STRIKE_VALUE")
    assert world.providers.gives(TEXT)


@pytest.mark.parametrize("code", [400, 404, 413, 422])
async def test_a_refused_input_is_not_tried_again(
    world: World, internet: Internet, code: int
) -> None:
    """A 4xx says that this input has no score: one call, also for the next rule that asks."""
    internet.behave["/v1"] = status(code)
    for signal in (TEXT, "OPEN_AI_HATE_TEXT_MODEL"):
        value = await world.value(signal, "words")
        assert value.error == f"OpenAI refuses the input ({code})"
    assert len(internet.hits) == 1


async def test_a_refusal_is_soon_forgotten(world: World, internet: Internet) -> None:
    """What an input was refused for may be mended: seconds later it is asked again."""
    internet.behave["/v1"] = status(400)
    await world.value(TEXT, "words")
    internet.behave.clear()
    world.clock.now += 5.1
    assert (await world.value(TEXT, "words")).score == 0.7
