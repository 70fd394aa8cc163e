"""Media come from addresses that strangers choose, and hosts that they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from coop_signals.google import GoogleContentSafety
from coop_signals.media import MEGABYTE, MediaBudget, MediumLimit

from .signals_server import MP4, PNG, Hit, Internet, answer, drip, flood, hang, reset, status
from .signals_world import ORG, OTHER, World

GOOGLE = "GOOGLE_CONTENT_SAFETY_API_IMAGE"
IMAGE = "OPEN_AI_VIOLENCE_IMAGE_MODEL"
WHISPER = "OPEN_AI_WHISPER_TRANSCRIPTION"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/a.png",
        "http://[::1]/a.png",
        "http://2130706433/a.png",
        "http://user:passw0rd@example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "//example.com/a.png",
        "a.png",
        "http://",
        "http://exa mple.com/",
        "\x00",
    ],
)
@pytest.mark.parametrize("signal", [GOOGLE, IMAGE, WHISPER])
async def test_no_address_inside_is_fetched_or_passed_on(
    world: World, internet: Internet, signal: str, url: str
) -> None:
    """Addresses of internal networks, and what is no web address, are refused; no provider hears of
    them."""
    value = await world.value(signal, {"url": url})
    assert value.score is None
    assert value.error is not None
    assert internet.hits == []
    assert "passw0rd" not in value.error


@pytest.mark.parametrize(
    ("media_type", "content", "reason"),
    [
        ("text/html", PNG, "answers with a text"),
        ("application/json", b"{}", "answers with a text"),
        ("image/png", b"", "empty"),
        ("image/png", b"GIF8", "not an image"),
        ("image/svg+xml", b"<svg/>", "not an image"),
        ("image/png", MP4, "not an image"),
        ("image/png", b"MZ\x90\x00", "not an image"),
    ],
)
async def test_what_is_no_image_is_not_passed_on(
    world: World, internet: Internet, media_type: str, content: bytes, reason: str
) -> None:
    """The first bytes say what it is, whatever its host calls it."""
    internet.media["/a.png"] = (content, media_type)
    value = await world.value(GOOGLE, {"url": f"{internet.url}/a.png"})
    assert value.error is not None
    assert reason in value.error
    assert internet.of("/v1beta1") == []


@pytest.mark.parametrize(
    ("signal", "head", "limit"), [(GOOGLE, PNG, 5 * MEGABYTE), (WHISPER, MP4, 25 * MEGABYTE)]
)
async def test_what_is_too_large_is_not_downloaded(
    world: World, internet: Internet, signal: str, head: bytes, limit: int
) -> None:
    """An announced size over the limit ends the download before it begins; no retry."""
    sent = 0

    async def large(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {limit + 1}\r\n\r\n".encode() + head)
        sent += 1
        await writer.drain()
        await asyncio.Event().wait()

    internet.behave["/large"] = large
    value = await world.value(signal, {"url": f"{internet.url}/large"})
    assert value.error == f"the medium is larger than {limit // MEGABYTE} MB"
    assert sent == 1


async def test_a_size_that_is_not_announced_is_cut(world: World, internet: Internet) -> None:
    """A host that sends without end is left at the limit."""
    internet.behave["/flood"] = flood
    value = await world.value(GOOGLE, {"url": f"{internet.url}/flood"})
    assert value.error == "the medium is larger than 5 MB"


async def test_an_image_of_the_full_size_passes(world: World, internet: Internet) -> None:
    """Five megabytes are not too many."""
    internet.media["/a.png"] = (PNG + bytes(5 * MEGABYTE - len(PNG)), "image/png")
    value = await world.value(GOOGLE, {"url": f"{internet.url}/a.png"})
    assert value.score == "HIGH"


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (status(404), "answers 404"),
        (status(302, location="http://169.254.169.254/"), "redirects (302), which is not followed"),
        (status(500), "answers 500"),
        (reset, "cannot be downloaded"),
        (hang, "in time"),
        (drip, "in time"),
    ],
)
async def test_a_host_of_any_temper_costs_no_more_than_the_deadline(
    world: World, internet: Internet, behave: object, reason: str
) -> None:
    """The error says what became of the medium."""
    internet.behave["/a.png"] = behave  # type: ignore[assignment]
    value = await world.value(GOOGLE, {"url": f"{internet.url}/a.png?token=t0ken"}, seconds=1)
    assert value.error is not None
    assert reason in value.error
    assert "t0ken" not in value.error


async def test_dead_links_do_not_open_the_providers_breaker(
    world: World, internet: Internet
) -> None:
    """Users who post dead links cannot switch image judging off."""
    internet.behave["/dead"] = reset
    internet.behave["/gone"] = status(404)
    internet.media["/a.png"] = (PNG, "image/png")
    urls = [f"{internet.url}/{kind}/{n}" for kind in ("dead", "gone") for n in range(20)]
    values = await world.values(GOOGLE, *[{"url": url} for url in urls], seconds=1)
    assert all(value.error for value in values)
    assert (await world.value(GOOGLE, {"url": f"{internet.url}/a.png"})).score == "HIGH"


async def test_a_download_serves_all_attempts(world: World, internet: Internet) -> None:
    """When the provider fails in between, the medium is not fetched again."""
    internet.media["/a.png"] = (PNG, "image/png")
    count = 0

    async def second(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count == 1:
            await answer(writer, b"", status=503)
        else:
            await answer(writer, {"reviewPriorities": ["LOW"]})

    internet.behave["/v1beta1"] = second
    assert (await world.value(GOOGLE, {"url": f"{internet.url}/a.png"})).score == "LOW"
    assert len(internet.of("/a.png")) == 1


async def test_an_open_breaker_saves_the_download(world: World, internet: Internet) -> None:
    """Nothing is fetched for a provider that will not be called."""
    internet.media["/a.png"] = (PNG, "image/png")
    internet.behave["/v1beta1"] = status(401)
    for number in range(5):
        await world.value(GOOGLE, {"url": f"{internet.url}/a.png?{number}"})
    assert len(internet.of("/a.png")) == 1


async def test_memory_for_media_is_bounded(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """Downloads wait for room, and all come through."""
    small = MediumLimit(kind="image", max_bytes=MEGABYTE, timeout=20)
    world = make_world(
        signal_media_bytes=10 * MEGABYTE,
        limits={GoogleContentSafety.id: replace(GoogleContentSafety.limits, medium=small)},
    )
    image = PNG + bytes(MEGABYTE - len(PNG))
    internet.media["/a.png"] = (image, "image/png")
    urls = [{"url": f"{internet.url}/a.png?{number}"} for number in range(12)]
    values = await world.values(GOOGLE, *urls)
    assert {value.score for value in values} == {"HIGH"}
    # Four times a megabyte each, of which an organisation gets half of ten.
    assert internet.most_at_once <= 2


class TestBudget:
    async def test_no_organisation_holds_more_than_half(self) -> None:
        """What one's slow hosts hold leaves room for the others."""
        budget = MediaBudget(100)
        async with budget.reserved(ORG, 40):
            more = asyncio.create_task(_hold(budget, ORG, 20))
            await asyncio.sleep(0)
            assert budget.used == 40
            async with budget.reserved(OTHER, 50):
                assert budget.used == 90
        await more
        assert budget.used == 0

    async def test_what_is_larger_than_the_share_still_passes(self) -> None:
        """One medium at a time, rather than none."""
        budget = MediaBudget(100)
        async with budget.reserved(ORG, 400):
            waiting = asyncio.create_task(_hold(budget, OTHER, 10))
            await asyncio.sleep(0)
            assert not waiting.done()
        await waiting

    async def test_who_gives_up_waiting_takes_nothing(self) -> None:
        """A cancelled wait leaves the budget as it was, also in the moment of its turn."""
        budget = MediaBudget(100)
        async with budget.reserved(ORG, 50):
            gone = asyncio.create_task(_hold(budget, ORG, 50))
            stays = asyncio.create_task(_hold(budget, ORG, 50))
            await asyncio.sleep(0)
        gone.cancel()  # its turn has come, and it has not yet run
        await asyncio.gather(gone, return_exceptions=True)
        await stays
        assert budget.used == 0

    async def test_room_is_given_in_order(self) -> None:
        """Of one organisation's, who came first is first."""
        budget = MediaBudget(100)
        order: list[int] = []

        async def take(number: int) -> None:
            async with budget.reserved(ORG, 40):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*[take(number) for number in range(10)])
        assert order == list(range(10))


async def _hold(budget: MediaBudget, org_id: str, size: int) -> None:
    async with budget.reserved(org_id, size):
        await asyncio.sleep(0)
