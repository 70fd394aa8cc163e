"""Media: veiled by default, revealed by choice, and never to anyone else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.config import HashBank, Kind
from coop_contracts.erasure import ErasedUser
from coop_contracts.event import ItemRef, MatchedBank
from coop_contracts.permission import Permission, Role
from coop_media.limit import DecodeLimits
from coop_media.order import VEILED_BYTES
from coop_media.store import DerivativeStore
from coop_review_api.configuration.log import lock
from coop_review_api.kernel.erasing import ErasedPart
from coop_review_api.kernel.schema import audit_log
from coop_review_api.media.erasing import eraser
from coop_review_api.media.gallery import Gallery
from coop_review_api.media.match import MediaMatches
from coop_review_api.media.reveal import OPEN, PLAYED
from coop_review_api.media.table import media_derivatives, media_facts, media_reveals
from coop_review_api.media_value.value import values_of
from coop_runtime.database.engine import transaction

from .media_world import SECRET, MediaWorld, address, film, image_of, picture, reveal

pytestmark = pytest.mark.engines


def test_media_are_found_wherever_they_are() -> None:
    """In fields, lists and maps, in the order of the data; a plain address is none."""
    data = b'{"a":{"url":"http://x/1.png"},"b":[1,{"url":"http://x/2"}],"c":{"d/e":{"url":"u",'
    data += b'"mediaType":"VIDEO"}},"u":"http://x/3.png","n":{"url":5}}'
    found = [(one.pointer, one.url, one.kind) for one in values_of(data)]
    assert found == [
        ("/a", "http://x/1.png", "IMAGE"),
        ("/b/1", "http://x/2", None),
        ("/c/d~1e", "u", "VIDEO"),
    ]


async def test_a_job_names_its_media(world: MediaWorld) -> None:
    """Each medium in a job, beside its item too, has a reference that says no address."""
    url = world.host.url
    item = world.item(
        "i",
        photo={"url": url("/1.png")},
        photos=[{"url": url("/2.png")}, {"url": url("/3.png")}],
        any={"url": url("/x"), "mediaType": "AUDIO"},
    )
    beside = world.item("b", film={"url": url("/f.mp4")})
    job_id = await world.place(item, additional_items=(beside,))
    refs = await world.refs(world.admin, job_id)
    assert list(refs) == [
        "/item/data/photo",
        "/item/data/photos/0",
        "/item/data/photos/1",
        "/item/data/any",
        "/additionalItems/0/data/film",
    ]
    assert len(set(refs.values())) == 5
    assert await world.refs(world.admin, job_id) == refs
    claimed = await world.admin.call("POST", f"/v1/queues/{world.queue_id}/claims")
    media = claimed.json()["job"]["payload"]["media"]
    assert [one["ref"] for one in media] == list(refs.values())
    assert [one["kind"] for one in media] == ["IMAGE", "IMAGE", "IMAGE", "AUDIO", "VIDEO"]


async def test_veiled_needs_no_choice_and_shows_nothing(world: MediaWorld) -> None:
    """A few kilobytes, not one byte of the original, for this origin alone, kept and not fetched
    again."""
    _, ref = await world.shown()
    answer = await world.admin.call("GET", address(ref))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    assert len(answer.content) <= VEILED_BYTES
    original = world.host.files["/a.jpg"]
    pieces = (original[at : at + 32] for at in range(0, len(original) - 32, 16))
    assert not any(piece in answer.content for piece in pieces)
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-cache"
    again = await world.admin.call(
        "GET", address(ref), headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert world.host.asked == ["/a.jpg"]
    facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
    assert (facts["state"], facts["kind"], facts["width"], facts["height"]) == (
        "ok",
        "IMAGE",
        800,
        600,
    )
    assert facts["bytes"] == len(original)
    assert len(facts["md5"]) == 32
    assert len(facts["sha256"]) == 64
    assert world.host.asked == ["/a.jpg"]


async def test_facts_name_the_hash_banks_that_have_it(world: MediaWorld, kit: Any) -> None:
    """As hma-bridge said last, by name and distance, the nearest first, of this medium of this item
    alone; what it could not have changes nothing; erased with the item."""
    jobs, ref = await world.shown()
    path = f"/v1/media/{ref}/facts"
    assert (await world.admin.call("GET", path)).json()["matches"] == []
    item = (await world.admin.call("GET", f"/v1/jobs/{jobs}")).json()["itemId"]
    url, now = world.host.url("/a.jpg"), world.context.clock()
    async with transaction(world.context.engine) as connection:
        configuration = await lock(
            connection, world.org_id, author="test", clock=world.context.clock
        )
        await configuration.save(
            Kind.HASH_BANK, HashBank(id="bank-1", name="Known logos", hma_name="K", known_good=True)
        )
    near = MatchedBank(bank_id="bank-1", distance=4, signal_ids=("s",))
    same = MatchedBank(bank_id="gone", distance=0, algorithm="md5")
    first = world.looked_up(item, url, near, same, at=now)
    projected = MediaMatches(world.context.engine)
    await projected([first, first, world.looked_up(item, url + "?other", near, at=now)])
    await projected([world.looked_up("another", url, near, near, at=now)])
    await projected([first])

    async def told() -> list[tuple[Any, ...]]:
        found = (await world.admin.call("GET", path)).json()["matches"]
        names = ("bankId", "bankName", "algorithm", "distance", "knownGood")
        return [tuple(one[name] for name in names) for one in found]

    both = [("gone", None, "md5", 0, False), ("bank-1", "Known logos", "pdq", 4, True)]
    assert await told() == both
    later, last = now + timedelta(minutes=1), now + timedelta(minutes=2)
    await projected([world.looked_up(item, url, at=later, error="gone")])
    stranger = (await kit.make_org()).org_id
    await projected([world.looked_up(item, url, at=later, org_id=stranger)])
    assert await told() == both
    await projected([world.looked_up(item, url, same, at=later)])
    assert await told() == both[:1]
    await projected([world.looked_up("report", url, near, at=last, of=item), first])
    assert await told() == both[1:]
    erase = eraser(
        world.context.engine, DerivativeStore.of("memory:///", world.context.vault)
    ).of_items
    assert erase is not None
    user = ErasedUser(user=ItemRef("author", "user"), stand_in=ItemRef("x", "user"), until=later)
    part = ErasedPart(org_id=world.org_id, erased=user, items=(ItemRef(item, world.type_id),))
    assert (await erase(part))["media_matches"] == 2  # of both of its media
    assert await told() == []


async def test_the_veil_is_as_strong_as_i_like(world: MediaWorld) -> None:
    """Grey or in colours, thicker or thinner, by the wellness settings; never without."""
    _, ref = await world.shown()
    looks = []
    for level, grey in ((0, True), (0, False), (6, False)):
        wellness = {"blurLevel": level, "grayscale": grey}
        assert (await world.admin.call("PUT", "/v1/me/wellness", wellness)).status_code == 200
        answer = await world.admin.call("GET", address(ref))
        image = image_of(answer).convert("RGB")
        middle = image.getpixel((image.width // 2, image.height // 2))
        assert isinstance(middle, tuple)
        assert (max(middle) - min(middle) < 8) == grey
        assert len(answer.content) <= VEILED_BYTES
        looks.append(answer.content)
    assert len(set(looks)) == 3


async def test_clear_needs_a_reveal(world: MediaWorld) -> None:
    """Without one there is nothing; with it pixels alone, at the asked-for width, for a minute."""
    job_id, ref = await world.shown()
    for stage in ("grey", "clear"):
        refused = await world.admin.call("GET", address(ref, stage=stage))
        assert refused.status_code == 404, refused.text
    assert world.host.asked == []
    opened = await reveal(world.admin, ref, job_id)
    assert opened["veilAfter"] == 20
    answer = await world.admin.call("GET", f"{opened['address']}&w=600")
    assert answer.status_code == 200, answer.text
    assert image_of(answer).size == (640, 480)
    assert SECRET not in answer.content
    assert answer.headers["cache-control"] == "no-store"
    grey = await reveal(world.admin, ref, job_id, "grey")
    image = image_of(await world.admin.call("GET", grey["address"])).convert("RGB")
    middle = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(middle, tuple)
    assert max(middle) - min(middle) < 8
    world.context.clock.forward(seconds=61)
    assert (await world.admin.call("GET", opened["address"])).status_code == 404


async def test_a_link_ends_when_its_time_is_over(world: MediaWorld) -> None:
    """Shortly before its end it opens, after it no longer, a picture's and a film's alike; only a
    new choice, which counts anew, opens the medium again."""
    shown = [
        await world.shown(),
        await world.shown("/a.mp4", film()),
    ]
    for (job_id, ref), part, seconds in zip(
        shown, ("picture", "stream"), (OPEN, PLAYED), strict=True
    ):
        opened = await reveal(world.admin, ref, job_id)
        link = f"{opened['address']}&part={part}"
        world.context.clock.forward(seconds=seconds.total_seconds() - 20)
        assert (await world.admin.call("GET", link)).status_code in (200, 206)
        world.context.clock.forward(seconds=21)
        ended = await world.admin.call("GET", link)
        assert (ended.status_code, SECRET in ended.content) == (404, False)
        again = await reveal(world.admin, ref, job_id)
        assert again["id"] != opened["id"]
        assert (await world.admin.call("GET", link)).status_code == 404
        fresh = await world.admin.call("GET", f"{again['address']}&part={part}")
        assert fresh.status_code in (200, 206)


async def test_nothing_clear_is_at_rest(world: MediaWorld) -> None:
    """What was revealed is in no table and in no store; what is veiled is sealed."""
    job_id, ref = await world.shown()
    opened = await reveal(world.admin, ref, job_id)
    assert (await world.admin.call("GET", opened["address"])).status_code == 200
    await world.admin.call("GET", address(ref))
    async with transaction(world.context.engine) as connection:
        forms = await connection.execute(
            select(media_derivatives.c.form, media_derivatives.c.bytes).where(
                media_derivatives.c.org_id == world.org_id
            )
        )
        rows = forms.all()
    assert [row.form for row in rows] == ["picture-4-grey-320"]
    assert all(row.bytes <= VEILED_BYTES for row in rows)


async def test_a_reveal_opens_for_nobody_else(world: MediaWorld, sign_in: Any, kit: Any) -> None:
    """Not for another person or session, another stage or medium, after sign-out, or once veiled;
    and no reference can be made up."""
    job_id, ref = await world.shown()
    _, other_ref = await world.shown("/b.jpg")
    person, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    opened = await reveal(person, ref, job_id)
    where = opened["address"]
    assert (await person.call("GET", where)).status_code == 200
    assert (await person.call("GET", where)).status_code == 200  # an image is asked for again
    for refused in (
        await other.call("GET", where),
        await stranger.call("GET", where),
        await person.call("GET", where.replace("stage=clear", "stage=grey")),
        await person.call("GET", where.replace(ref, other_ref)),
        await person.call("GET", address(ref, stage="clear", reveal="x" * 32)),
        await stranger.call("GET", address(ref)),
        await stranger.call("GET", f"/v1/media/{ref}/facts"),
        await stranger.call("POST", f"/v1/media/{ref}/reveal", {"stage": "clear", "jobId": job_id}),
        await other.call("DELETE", f"/v1/me/reveals/{opened['id']}"),
        await person.call("GET", address(ref[:-1] + ("0" if ref[-1] != "0" else "1"))),
        await person.call("GET", address("e30." + ref.partition(".")[2])),
        await person.call("GET", address("x")),
        await person.call("GET", address("x.v1.00000000.0")),
    ):
        assert refused.status_code == 404, refused.text
    assert (await person.call("DELETE", f"/v1/me/reveals/{opened['id']}")).status_code == 204
    assert (await person.call("DELETE", f"/v1/me/reveals/{opened['id']}")).status_code == 204
    assert (await person.call("GET", where)).status_code == 404
    opened = await reveal(person, ref, job_id)
    assert (await person.call("DELETE", "/v1/session")).status_code == 204
    assert (await person.call("GET", opened["address"])).status_code == 401


async def test_what_a_reveal_is_for_is_said(world: MediaWorld) -> None:
    """It names the job that shows the medium, or an investigation, and not both."""
    job_id, ref = await world.shown()
    other_job, _ = await world.shown("/b.jpg")
    path = f"/v1/media/{ref}/reveal"
    for body, status in (
        ({"stage": "clear"}, 422),
        ({"stage": "clear", "jobId": job_id, "investigation": True}, 422),
        ({"stage": "veiled", "jobId": job_id}, 422),
        ({"stage": "clear", "jobId": other_job}, 404),
        ({"stage": "clear", "investigation": True}, 404),
        ({"stage": "clear", "jobId": job_id}, 200),
    ):
        answer = await world.admin.call("POST", path, body)
        assert answer.status_code == status, (body, answer.text)


async def test_an_items_media_are_seen_by_who_investigates(world: MediaWorld, sign_in: Any) -> None:
    """What is looked up has references of its own, of each version; they need that permission."""
    world.host.files |= {"/1": picture(), "/2": picture((400, 400))}
    await world.remember(world.item("seen", photo={"url": world.host.url("/1")}))
    world.context.clock.forward(seconds=1)
    await world.remember(world.item("seen", photo={"url": world.host.url("/2")}))
    path = f"/v1/items/{world.type_id}/seen"
    (latest,) = (await world.admin.call("GET", path)).json()["media"]
    assert latest["pointer"] == "/data/photo"
    versions = (await world.admin.call("GET", f"{path}/versions")).json()["items"]
    first = versions[1]["media"][0]["ref"]
    assert versions[0]["media"][0]["ref"] == latest["ref"] != first
    for ref, width in ((latest["ref"], 400), (first, 800)):
        facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
        assert facts["width"] == width
    opened = await reveal(world.admin, first, None)
    assert (await world.admin.call("GET", opened["address"])).status_code == 200
    plain = await world.admin.make(
        "/v1/roles", {"name": "Reviews", "permissions": [Permission.VIEW_MRT]}
    )
    reviewer = await sign_in(plain["id"])
    assert (await reviewer.call("GET", address(first))).status_code == 404


async def test_what_is_shown_around_a_job_is_seen_by_its_reviewer(
    world: MediaWorld, sign_in: Any
) -> None:
    """The history's version of an item has, in a job's context, a reference that needs no right to
    investigate; outside of the job's context it opens nothing."""
    url = world.host.url("/a.jpg")
    world.host.files["/a.jpg"] = picture()
    item = world.item("around", photo={"url": url})
    await world.remember(item)
    job_id = await world.place(item)
    role = await world.admin.make("/v1/roles", {"name": "R2", "permissions": [Permission.VIEW_MRT]})
    person = await sign_in(role["id"])
    context = (await person.call("GET", f"/v1/jobs/{job_id}/context")).json()
    assert context["item"]["carrier"] == "HISTORY"
    (medium,) = context["item"]["media"]
    assert medium["pointer"] == "/data/photo"
    assert (await person.call("GET", address(medium["ref"]))).status_code == 200
    opened = await reveal(person, medium["ref"], job_id)
    assert (await person.call("GET", opened["address"])).status_code == 200


async def test_a_job_that_is_closed_to_me_shows_me_nothing(world: MediaWorld, sign_in: Any) -> None:
    """The reference of a job in a queue that is not mine is not there."""
    _, ref = await world.shown()
    person = await sign_in(Role.MODERATOR)
    assert (await person.call("GET", address(ref))).status_code == 200
    queue = (await world.admin.call("GET", f"/v1/queues/{world.queue_id}")).json()
    closed = await world.admin.call(
        "PUT", f"/v1/queues/{world.queue_id}", {"name": queue["name"], "openToEveryone": False}
    )
    assert closed.status_code == 200, closed.text
    assert (await person.call("GET", address(ref))).status_code == 404


async def test_child_safety_is_seen_by_few_and_audited(world: MediaWorld, sign_in: Any) -> None:
    """Without the permission nothing; with it each look and each reveal leaves a row; nothing of it
    is kept, not even veiled, and what was kept before goes."""
    job_id, ref = await world.shown()
    assert (await world.admin.call("GET", address(ref))).status_code == 200
    item = (await world.admin.call("GET", f"/v1/jobs/{job_id}")).json()["payload"]["item"]
    permissions = [one for one in Permission if one != Permission.VIEW_CHILD_SAFETY_DATA]
    role = await world.admin.make("/v1/roles", {"name": "R", "permissions": permissions})
    person = await sign_in(role["id"])
    opened = await reveal(person, ref, job_id)
    grave = world.item(item["id"], photo={"url": world.host.url("/a.jpg")})
    await world.place(grave, csam=True)
    assert (await person.call("GET", address(ref))).status_code == 404
    assert (await person.call("GET", opened["address"])).status_code == 404
    body = {"stage": "clear", "jobId": job_id}
    assert (await person.call("POST", f"/v1/media/{ref}/reveal", body)).status_code == 404
    answer = await world.admin.call("GET", address(ref))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    opened = await reveal(world.admin, ref, job_id, "grey")
    assert (await world.admin.call("GET", opened["address"])).status_code == 200
    async with transaction(world.context.engine) as connection:
        rows = await connection.execute(
            select(audit_log.c.action, audit_log.c.actor, audit_log.c.detail)
            .where(audit_log.c.org_id == world.org_id, audit_log.c.action.like("child-safety%"))
            .order_by(audit_log.c.audit_id)
        )
        audited = rows.all()
        kept = await connection.execute(
            select(media_derivatives.c.form).where(media_derivatives.c.org_id == world.org_id)
        )
        counted = await connection.scalars(
            select(media_reveals.c.is_grave).where(media_reveals.c.user_id == world.admin.user_id)
        )
        assert kept.all() == []
        assert list(counted) == [True]
    assert {row.actor for row in audited} == {world.admin.user_id}
    (revealed,) = [row for row in audited if row.action == "child-safety.revealed"]
    assert revealed.detail["stage"] == "grey"
    assert len([row for row in audited if row.action == "child-safety.viewed"]) >= 3


async def test_a_film_is_veiled_and_then_played(world: MediaWorld) -> None:
    """Its poster and frames are veiled; revealed, it is played piece by piece, and only then."""
    content = film()
    job_id, ref = await world.shown("/f.mp4", content)
    for part in ("picture", "sheet"):
        answer = await world.admin.call("GET", address(ref, part=part))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/webp"
        assert len(answer.content) <= VEILED_BYTES
    refused = await world.admin.call("GET", address(ref, part="stream", stage="clear"))
    assert refused.status_code == 404
    assert (await world.admin.call("GET", address(ref, part="stream"))).status_code == 422
    opened = await reveal(world.admin, ref, job_id)
    where = f"{opened['address']}&part=stream"
    whole = await world.admin.call("GET", where)
    assert whole.status_code == 206
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-range"] == f"bytes 0-{len(content) - 1}/{len(content)}"
    assert whole.headers["cache-control"] == "no-store"
    # All but what it says of itself, which stands where it stood.
    assert len(whole.content) == len(content)
    assert b"TITLE-OF-THE-PLATFORM" in content
    assert b"TITLE-OF-THE-PLATFORM" not in whole.content
    at = content.index(b"mdat")
    assert whole.content[at : at + 4] == b"mdat"
    piece = await world.admin.call("GET", where, headers={"Range": "bytes=10-19"})
    assert piece.content == whole.content[10:20]
    beyond = await world.admin.call("GET", where, headers={"Range": f"bytes={len(content)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(content)}"
    sheet = await world.admin.call("GET", f"{opened['address']}&part=sheet&w=640")
    assert image_of(sheet).width > 600
    world.context.clock.forward(minutes=10)
    assert (await world.admin.call("GET", where)).status_code == 206
    world.context.clock.forward(minutes=6)
    assert (await world.admin.call("GET", where)).status_code == 404


async def test_what_is_said_in_a_film_can_be_read(world: MediaWorld) -> None:
    """The words that it brings along come with the same reveal as the film, and no sooner; they are
    made anew each time, and gone when it is veiled again."""
    job_id, ref = await world.shown("/f.mp4", film(said=b"WORDS-OF-THE-FILM <b>"))
    for stage, status in (("veiled", 422), ("grey", 404), ("clear", 404)):
        refused = await world.admin.call("GET", address(ref, part="captions", stage=stage))
        assert refused.status_code == status, stage
    opened = await reveal(world.admin, ref, job_id)
    where = f"{opened['address']}&part=captions"
    words = await world.admin.call("GET", where)
    assert words.status_code == 200, words.text
    assert words.headers["content-type"].startswith("text/vtt")
    assert words.headers["cache-control"] == "no-store"
    assert "00:00:00.500 --> 00:00:01.000\nWORDS-OF-THE-FILM &lt;b&gt;" in words.text
    await world.admin.call("DELETE", f"/v1/me/reveals/{opened['id']}")
    assert (await world.admin.call("GET", where)).status_code == 404
    grey = await reveal(world.admin, ref, job_id, stage="grey")
    assert (await world.admin.call("GET", f"{grey['address']}&part=captions")).status_code == 422


async def test_a_film_without_words_has_no_cues_and_a_picture_says_nothing(
    world: MediaWorld,
) -> None:
    for path, content, status in (("/f.mp4", film(), 200), ("/a.jpg", None, 502)):
        job_id, ref = await world.shown(path, *([] if content is None else [content]))
        opened = await reveal(world.admin, ref, job_id)
        answer = await world.admin.call("GET", f"{opened['address']}&part=captions")
        assert answer.status_code == status, path
        if content is not None:
            assert answer.text.strip() == "WEBVTT"


async def test_a_host_that_is_gone_is_not_asked_for_words_again_before_its_time(
    world: MediaWorld,
) -> None:
    job_id, ref = await world.shown("/f.mp4", film())
    opened = await reveal(world.admin, ref, job_id)
    where = f"{opened['address']}&part=captions"
    world.host.answers["/f.mp4"] = b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"
    gone = await world.admin.call("GET", where)
    assert (gone.status_code, gone.json()["state"]) == (502, "unreachable")
    asked = len(world.host.asked)
    assert (await world.admin.call("GET", where)).status_code == 502
    assert len(world.host.asked) == asked


async def test_a_film_is_looked_at_for_flashes(world: MediaWorld) -> None:
    """When it is asked for, once, however many ask; nobody who does not ask waits for it; of a
    picture nothing is said, and of another film in its place nothing any more."""
    _, ref = await world.shown("/f.mp4", film(flashes=True))
    path = f"/v1/media/{ref}/facts"
    look = f"{path}?flashes=true"
    assert (await world.admin.call("GET", path)).json()["flashes"] is None
    world.host.came.clear()
    world.host.gate.clear()
    looks = [asyncio.create_task(world.admin.call("GET", look)) for _ in range(3)]
    await asyncio.wait_for(world.host.came.wait(), 20)
    assert (await world.admin.call("GET", path)).json()["flashes"] is None
    world.host.gate.set()
    found = [one.json() for one in await asyncio.gather(*looks)]
    assert {(one["flashes"], one["flashesAt"]) for one in found} == {("YES", 0.1)}
    assert (await world.admin.call("GET", path)).json()["flashes"] == "YES"
    assert (await world.admin.call("GET", look)).json()["flashesAt"] == 0.1
    assert world.host.asked == ["/f.mp4", "/f.mp4"]
    world.host.files["/f.mp4"] = film(3)
    await world.admin.call("GET", address(ref, part="sheet"))
    assert (await world.admin.call("GET", path)).json()["flashes"] is None
    changed = (await world.admin.call("GET", look)).json()
    assert (changed["flashes"], changed["flashesAt"]) == ("NO", None)
    _, still = await world.shown()
    assert (await world.admin.call("GET", f"/v1/media/{still}/facts?flashes=true")).json()[
        "flashes"
    ] is None


async def test_a_film_that_cannot_be_looked_at_is_not_known(world: MediaWorld) -> None:
    """It is said as such, stays what it was, and is not looked at again; one that its host no
    longer has is gone."""
    _, ref = await world.shown("/f.mp4", film())
    look = f"/v1/media/{ref}/facts?flashes=true"
    gallery = world.context.part(Gallery)
    assert (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()["state"] == "ok"
    limits = gallery.decoders.limits
    gallery.decoders.limits = DecodeLimits(look=2)
    try:
        found = (await world.admin.call("GET", look)).json()
    finally:
        gallery.decoders.limits = limits
    assert (found["state"], found["flashes"]) == ("ok", "UNKNOWN")
    assert (await world.admin.call("GET", look)).json()["flashes"] == "UNKNOWN"
    assert world.host.asked == ["/f.mp4", "/f.mp4"]
    _, other = await world.shown("/g.mp4", film())
    await world.admin.call("GET", f"/v1/media/{other}/facts")
    del world.host.files["/g.mp4"]
    gone = (await world.admin.call("GET", f"/v1/media/{other}/facts?flashes=true")).json()
    assert (gone["state"], gone["flashes"]) == ("gone", None)


async def test_a_picture_is_not_played(world: MediaWorld) -> None:
    """The bytes of a picture as its platform has them cannot be had, revealed or not."""
    job_id, ref = await world.shown()
    opened = await reveal(world.admin, ref, job_id)
    answer = await world.admin.call("GET", f"{opened['address']}&part=stream")
    assert answer.status_code == 502
    assert answer.json()["state"] == "not-media"
    assert SECRET not in answer.content
    facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
    assert facts["state"] == "ok"
    sheet = await world.admin.call("GET", address(ref, part="sheet"))
    assert sheet.json()["state"] == "not-media"
    assert (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()["state"] == "ok"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"", "gone"),
        (b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", "unreachable"),
        (
            b"HTTP/1.1 302 X\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n",
            "unreachable",
        ),
        (b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n<svg></s>", "not-media"),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 2147483648\r\n\r\n\xff\xd8\xff" + b"x" * 99,
            "too-large",
        ),
        (b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n\xff\xd8\xff" + b"x" * 96, "broken"),
    ],
)
async def test_a_page_is_told_what_is_wrong(world: MediaWorld, answer: bytes, state: str) -> None:
    """A state, a reason, and when to ask again; until then the host is left alone."""
    world.host.answers["/a.jpg"] = answer
    if not answer:
        world.host.answers.clear()
    url = world.host.url("/a.jpg")
    job_id = await world.place(world.item("i", photo={"url": url}))
    ref = (await world.refs(world.admin, job_id))["/item/data/photo"]
    shown = await world.admin.call("GET", address(ref))
    assert shown.status_code == 502, shown.text
    problem = shown.json()
    assert (problem["type"], problem["state"]) == ("/problems/media-unavailable", state)
    assert url not in shown.text
    wait = int(shown.headers["retry-after"])
    assert wait > 0
    asked = len(world.host.asked)
    assert (await world.admin.call("GET", address(ref))).json()["state"] == state
    facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
    assert facts["state"] == state
    assert facts["reason"]
    assert len(world.host.asked) == asked
    world.host.answers.clear()
    world.host.files["/a.jpg"] = picture()
    world.context.clock.forward(seconds=wait + 1)
    assert (await world.admin.call("GET", address(ref))).status_code == 200
    facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
    assert (facts["state"], facts["retryAt"]) == ("ok", None)


async def test_another_picture_in_its_place_is_told(world: MediaWorld) -> None:
    """What a host sends later is another file than the one that was looked at first."""
    job_id, ref = await world.shown()
    facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
    assert facts["changedAt"] is None
    world.host.files["/a.jpg"] = picture((300, 300))
    opened = await reveal(world.admin, ref, job_id)
    assert (await world.admin.call("GET", opened["address"])).status_code == 200
    facts = (await world.admin.call("GET", f"/v1/media/{ref}/facts")).json()
    assert facts["changedAt"] is not None
    assert facts["width"] == 300


async def test_many_who_look_at_once_cost_one_fetch(world: MediaWorld) -> None:
    """Who asks for a picture that is being veiled waits for it."""
    _, ref = await world.shown()
    world.host.gate.clear()
    asking = [asyncio.create_task(world.admin.call("GET", address(ref))) for _ in range(8)]
    await asyncio.wait_for(world.host.came.wait(), 20)
    world.host.gate.set()
    answers = await asyncio.gather(*asking)
    assert [one.status_code for one in answers] == [200] * 8
    assert world.host.asked == ["/a.jpg"]


async def test_an_erased_items_media_are_gone(world: MediaWorld) -> None:
    """What is kept of an item's media is taken out of the store and the tables."""
    _, ref = await world.shown()
    assert (await world.admin.call("GET", address(ref))).status_code == 200
    gallery = world.context.part(Gallery)
    async with transaction(world.context.engine) as connection:
        (row,) = (
            await connection.execute(
                select(media_facts).where(media_facts.c.org_id == world.org_id)
            )
        ).all()
    assert row.state == "ok"
    job = (await world.admin.call("GET", "/v1/jobs")).json()["items"][0]
    item = world.item(job["itemId"])
    assert await gallery.erase(world.org_id, [item]) == 1
    async with transaction(world.context.engine) as connection:
        for table in (media_derivatives, media_facts):
            left = select(table.c.value_key).where(table.c.org_id == world.org_id)
            assert (await connection.execute(left)).all() == []
