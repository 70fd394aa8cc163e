"""The demonstration's story: what it names is there, and it is told once."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import av
from PIL import Image

from coop_local.demo.document import ITEM_TYPES, POLICIES
from coop_local.demo.media import media
from coop_local.demo.story import content
from coop_local.demo.story.item import StoryItems

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def items() -> StoryItems:
    return StoryItems(
        content.read(),
        now=NOW,
        media_url="http://media.example",
        types={one["name"]: f"id of {one['name']}" for one in ITEM_TYPES},
        policies={one["name"]: f"id of {one['name']}" for one in POLICIES},
    )


def test_every_picture_and_film_that_is_named_is_shown() -> None:
    """Whatever address an item has for a picture, the platform answers with one."""
    sent = [*items().people(), *items().published()]
    addresses = {
        address.removeprefix("http://media.example")
        for item in sent
        for address in (
            *item["data"].get("images", []),
            *(item["data"][name] for name in ("avatar", "film") if name in item["data"]),
        )
    }
    assert len(addresses) > 30
    for address in addresses:
        found = media(f"/media{address}")
        assert found is not None, address
        kind, body = found
        if kind == "video/mp4":
            with av.open(io.BytesIO(body)) as film:
                kinds = [stream.type for stream in film.streams]
                assert kinds[:2] == ["video", "audio"]
                assert kinds[2:] == (["subtitle"] if "waves" in address else [])
        else:
            assert Image.open(io.BytesIO(body)).format == "JPEG"


def test_what_is_not_a_picture_is_not_shown() -> None:
    """An address that names nothing, or climbs, finds nothing."""
    for path in ("/media/", "/media/picture/none.jpg", "/media/avatar/../x.jpg", "/media/film/x"):
        assert media(path) is None


def test_ids_are_one_each() -> None:
    """No two items have one id, so that nothing overwrites another."""
    sent = [*items().people(), *items().published(), *items().messages()]
    ids = [item["id"] for item in sent]
    assert len(ids) == len(set(ids))
    assert sum(item["typeId"] == "id of Direct message" for item in sent) > 400


def test_the_fields_are_those_of_the_types() -> None:
    """Every item has only fields that its type has."""
    fields = {
        f"id of {one['name']}": {field["name"] for field in one["fields"]} for one in ITEM_TYPES
    }
    for item in [*items().people(), *items().published(), *items().messages()]:
        assert set(item["data"]) <= fields[item["typeId"]]


def test_reports_carry_the_conversation() -> None:
    """A reported message brings what was said around it, and its reporter did not write it."""
    told = [one for one in items().reports() if "reportedItemThread" in one]
    assert len(told) == 4
    for report in told:
        assert report["reportedItem"] in report["reportedItemThread"]
        assert report["reporter"]["id"] != report["reportedItem"]["data"]["author"]["id"]
