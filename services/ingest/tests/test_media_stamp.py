"""Which submissions wait for the hashes of their media."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.config import Container, Field, HashBank, ItemType, Kind, ScalarType

from .conftest import field

URL = "https://cdn.example.com/1"
ALBUM = ItemType(
    id="album",
    name="Album",
    kind="CONTENT",
    version="v",
    fields=(
        field("title", "STRING"),
        field("cover", "IMAGE"),
        field("film", "VIDEO"),
        field("any", "MEDIA"),
        field("sound", "AUDIO"),
        Field(
            name="pictures",
            type="ARRAY",
            container=Container(container_type="ARRAY", value_scalar_type=ScalarType.IMAGE),
        ),
        Field(
            name="named",
            type="MAP",
            container=Container(
                container_type="MAP",
                key_scalar_type=ScalarType.STRING,
                value_scalar_type=ScalarType.VIDEO,
            ),
        ),
    ),
)
WITH_MEDIA: tuple[dict[str, Any], ...] = (
    {"cover": URL},
    {"film": URL},
    {"any": URL},
    {"any": {"url": URL, "mediaType": "VIDEO"}},
    {"pictures": [URL, URL]},
    {"named": {"url": URL}},
)
WITHOUT: tuple[dict[str, Any], ...] = (
    {"title": URL},
    {"sound": URL},
    {"any": {"url": URL, "mediaType": "AUDIO"}},
    {"any": URL + ".mp3"},
    {"cover": None},
    {"pictures": []},
    {"unknown": {"url": URL}},
)


@pytest.fixture
def album(ingest: Any) -> Any:
    ingest.configure(Kind.ITEM_TYPE, ALBUM, "album")
    bank(ingest, 1.0)
    return ingest


def bank(ingest: Any, ratio: float) -> None:
    found = HashBank(id="b", name="Known", hma_name="COOP_ORG1_KNOWN", enabled_ratio=ratio)
    ingest.configure(Kind.HASH_BANK, found, "b")


def item(data: dict[str, Any]) -> dict[str, Any]:
    return {"id": "a1", "typeId": "album", "data": data}


async def stamped(ingest: Any, data: dict[str, Any]) -> bool:
    response = await ingest.items(item(data))
    assert response.status_code == 202, response.text
    return bool(ingest.broker.events[-1].awaits_media)


@pytest.mark.parametrize("data", WITH_MEDIA, ids=str)
async def test_an_item_with_a_picture_or_film_is_stamped(album: Any, data: dict[str, Any]) -> None:
    """Wherever it is: in a field, a list, a map."""
    assert await stamped(album, data)


@pytest.mark.parametrize("data", WITHOUT, ids=str)
async def test_nothing_else_is(album: Any, data: dict[str, Any]) -> None:
    """No sound, no text that looks like an address, no field that the type does not have."""
    assert not await stamped(album, data)


async def test_only_while_a_bank_is_in_use(ingest: Any) -> None:
    """Without a bank, with banks of ratio 0, or of what is known to be good, nobody waits; and of
    another organisation's none counts."""
    ingest.configure(Kind.ITEM_TYPE, ALBUM, "album")
    assert not await stamped(ingest, WITH_MEDIA[0])
    bank(ingest, 0.0)
    assert not await stamped(ingest, WITH_MEDIA[0])
    bank(ingest, 0.01)
    assert await stamped(ingest, WITH_MEDIA[0])
    good = HashBank(id="b", name="Good", hma_name="COOP_ORG1_GOOD", known_good=True)
    ingest.configure(Kind.HASH_BANK, good, "b")
    assert not await stamped(ingest, WITH_MEDIA[0])
    ingest.configure(Kind.HASH_BANK, None, "b")
    other = HashBank(id="b", name="Known", hma_name="COOP_ORG2_KNOWN")
    ingest.configure(Kind.HASH_BANK, other, "b", "org2")
    assert not await stamped(ingest, WITH_MEDIA[0])


async def test_a_report_is_stamped_by_any_of_its_items(album: Any) -> None:
    """The reported item, one of its thread, or one beside it."""
    plain, pictured = item({"title": "x"}), item(WITH_MEDIA[0])
    report: dict[str, Any] = {
        "reporter": {"kind": "user", "id": "u1", "typeId": "user"},
        "reportedAt": "2026-01-01T10:00:00Z",
        "reportedItem": plain,
    }
    for more, wanted in (
        ({}, False),
        ({"reportedItem": pictured}, True),
        ({"reportedItemThread": [pictured]}, True),
        ({"additionalItems": [pictured]}, True),
        ({"additionalItems": [plain]}, False),
    ):
        response = await album.post("/report", report | more)
        assert response.status_code == 201, response.text
        assert album.broker.events[-1].awaits_media is wanted, more


async def test_the_older_form_of_an_item_is_stamped(album: Any) -> None:
    """Whatever route an item comes by."""
    body = {"contentId": "c1", "contentType": "Album", "content": WITH_MEDIA[0]}
    response = await album.post("/content/", msgspec.json.encode(body))
    assert response.status_code == 202, response.text
    assert album.broker.events[-1].awaits_media
