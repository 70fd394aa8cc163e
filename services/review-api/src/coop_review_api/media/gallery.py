"""Media made fit to be seen: fetched, decoded apart, kept where that is safe.

    veiled   kept in the store, sealed        asked for on every page, says nothing by itself
    grey     made anew each time              never at rest, in whatever form
    clear    made anew each time, the same
    grave    veiled too: made anew each time  of child-abuse material nothing is ever at rest

Guarantees: a host that failed is not asked again before its time, however many pages ask; several
who ask for the same veiled picture at once cost one fetch; nothing clear is written anywhere. A
film is looked at for flashes once, one film at a time, in no place that a picture waits for.
Must not: decide who may see what; `access` and `reveal` do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ItemRef
from coop_media.decoder import Decoders, Derivative
from coop_media.fault import MediaBusy, MediaFault
from coop_media.fetch import Fetcher
from coop_media.file import MediaFile
from coop_media.limit import PlaceLimits
from coop_media.order import VEILED_WIDTH, WIDTHS, Flashes
from coop_media.order import Part as MadePart
from coop_media.order import Stage as MadeStage
from coop_media.place import MediaPlaces
from coop_media.store import DerivativeStore
from coop_media.stream import MediaStream, Piece
from coop_queues.reading import item_key
from coop_review_api.kernel.clock import Clock
from coop_review_api.media import store
from coop_review_api.media.medium import Facts, Medium
from coop_review_api.media.store import Derived
from coop_runtime.database.engine import transaction
from coop_runtime.egress.guard import EgressGuard

_STAGES: Final[dict[str, MadeStage]] = {"veiled": "VEILED", "grey": "GREY", "clear": "CLEAR"}
_LOOKS: Final = PlaceLimits(places=1, of_one=1, waiting=16, within=120.0)
_PATIENCE: Final = 25.0  # seconds for which who asks waits for a look at a film
_flashes = msgspec.json.Decoder(Flashes)
_PARTS: Final[dict[str, MadePart]] = {"picture": "PICTURE", "sheet": "SHEET"}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which derivative. `veil` and `grey` are the person's, for the veiled stage."""

    stage: str = "veiled"
    part: str = "picture"
    width: int = VEILED_WIDTH
    veil: int = 4
    grey: bool = True

    @property
    def made_width(self) -> int:
        """The next of the widths that are made."""
        fitting = next((one for one in WIDTHS if one >= self.width), WIDTHS[-1])
        return min(fitting, VEILED_WIDTH) if self.stage == "veiled" else fitting

    @property
    def form(self) -> str:
        """What a derivative is kept under."""
        colours = "grey" if self.grey else "colour"
        return f"{self.part}-{self.veil}-{colours}-{self.made_width}"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A derivative's bytes."""

    media_type: str
    content: bytes


class Gallery:
    """One process's. Close it when done."""

    def __init__(
        self,
        engine: AsyncEngine,
        guard: EgressGuard,
        kept: DerivativeStore,
        *,
        clock: Clock,
        fetcher: Fetcher | None = None,
        places: PlaceLimits | None = None,
    ) -> None:
        self._engine = engine
        self._kept = kept
        self._clock = clock
        self._fetcher = fetcher or Fetcher(guard)
        self._stream = MediaStream(guard)
        self._places = MediaPlaces(places or PlaceLimits())
        self._looks = MediaPlaces(_LOOKS)
        self.decoders = Decoders()
        self._veiling: dict[str, asyncio.Task[Shown]] = {}
        self._looking: dict[tuple[str, str, str], asyncio.Task[None]] = {}

    async def show(self, medium: Medium, wish: Wish) -> Shown:
        """The derivative. Raises `MediaFault`, `MediaBusy`."""
        if medium.is_grave:
            await self._discard_of(
                medium.org_id, [medium.item_key]
            )  # it may have been plain before
        if wish.stage != "veiled" or medium.is_grave:
            await self._check_known(medium)
            return await self._made(medium, wish)
        found = await self._found(medium, wish)
        return found or await self._veiled_once(medium, wish)

    async def facts(self, medium: Medium) -> Facts:
        """What is known of it; found out now, where nothing is, or where it is time to ask again.
        Raises `MediaBusy`."""
        known = await self._known(medium)
        if known is None or (known.retry_at is not None and known.retry_at <= self._clock()):
            with contextlib.suppress(MediaFault):  # which is known then
                await self.show(medium, Wish())
            known = await self._known(medium)
        assert known is not None
        return known

    async def flashes(self, medium: Medium) -> Facts:
        """What is known of it, and of a film whether it flashes: looked at now, where nobody did.
        Who asks waits for a bounded while; the look goes on without them. Raises `MediaBusy`."""
        facts = await self.facts(medium)
        if facts.state != "ok" or facts.kind != "VIDEO" or facts.flashes is not None:
            return facts
        name = (medium.org_id, medium.item_key, medium.value_key)
        running = self._looking.get(name)
        if running is None:
            running = self._looking[name] = asyncio.create_task(self._look(medium))
            running.add_done_callback(lambda _: self._looking.pop(name, None))
        done, _ = await asyncio.wait([running], timeout=_PATIENCE)
        for look in done:
            look.result()
        return await self._known(medium) or facts

    async def piece(self, medium: Medium, first: int, last: int | None) -> tuple[Facts, Piece]:
        """Bytes of a film or a sound, without what it says of itself. Raises `MediaFault`,
        `RangeRefused`, `MediaBusy`."""
        facts = await self.facts(medium)
        if facts.state != "ok":
            raise _fault_of(facts, self._clock)
        if facts.kind == "IMAGE":
            raise MediaFault("not-media", "it is a picture: there is nothing to play")
        async with self._places.taken(medium.org_id):
            piece = await self._stream.piece(
                medium.url, first, last, media_type=facts.media_type or ""
            )
            return facts, piece

    async def captions(self, medium: Medium) -> Shown:
        """The words that a film or a sound brings along, as WebVTT: made anew each time. Raises
        `MediaFault`, `MediaBusy`."""
        await self._check_known(medium)
        async with self._file_of(medium) as file:
            order = self.decoders.order(file.form, part="CAPTIONS")
            found = await self.decoders.decode(file, order)
        return Shown(media_type=found.media_type, content=found.content)

    async def erase(self, org_id: str, items: Sequence[ItemRef]) -> int:
        """Forget these items' media, and what is kept of them; how many derivatives that were.
        Raises `StoreUnavailable`: then what is left is known, and goes when this is asked again."""
        keys = [item_key(item.type_id, item.id) for item in items]
        gone = await self._discard_of(org_id, keys)
        async with transaction(self._engine) as connection:
            await store.forget_facts(connection, org_id, keys)
        return gone

    async def _discard_of(self, org_id: str, keys: Sequence[str]) -> int:
        async with transaction(self._engine) as connection:
            kept = await store.of_items(connection, org_id, keys)
        await self.discard(kept)
        return len(kept)

    async def discard(self, kept: Sequence[Derived]) -> None:
        """Take these out of the store: the bytes before the rows that know of them. Raises
        `StoreUnavailable`."""
        if not kept:
            return
        await self._kept.delete([one.name for one in kept])
        async with transaction(self._engine) as connection:
            await store.forget(connection, kept)

    async def _known(self, medium: Medium) -> Facts | None:
        async with transaction(self._engine) as connection:
            return await store.facts_of(connection, medium)

    async def _check_known(self, medium: Medium) -> None:
        facts = await self._known(medium)
        if facts is not None and facts.retry_at is not None and facts.retry_at > self._clock():
            raise _fault_of(facts, self._clock)

    async def _found(self, medium: Medium, wish: Wish) -> Shown | None:
        """What is kept of it."""
        async with transaction(self._engine) as connection:
            one = await store.derived(connection, medium, wish.form, now=self._clock())
        if one is None:
            await self._check_known(medium)
            return None
        content = await self._kept.get(one.name)
        return None if content is None else Shown(media_type=one.media_type, content=content)

    async def _veiled_once(self, medium: Medium, wish: Wish) -> Shown:
        name = store.name_of(medium.org_id, medium.item_key, medium.value_key, wish.form)
        running = self._veiling.get(name)
        if running is None:
            running = self._veiling[name] = asyncio.create_task(self._veil_and_keep(medium, wish))
            running.add_done_callback(lambda _: self._veiling.pop(name, None))
        # Whoever leaves does not take it from the others.
        return await asyncio.shield(running)

    async def _veil_and_keep(self, medium: Medium, wish: Wish) -> Shown:
        shown = await self._made(medium, wish)
        one = Derived(
            org_id=medium.org_id,
            item_key=medium.item_key,
            value_key=medium.value_key,
            form=wish.form,
            media_type=shown.media_type,
            bytes=len(shown.content),
        )
        async with transaction(self._engine) as connection:
            await store.add(connection, one, now=self._clock())
        await self._kept.put(one.name, shown.content)
        return shown

    async def _made(self, medium: Medium, wish: Wish) -> Shown:
        async with self._file_of(medium) as file:
            try:
                found = await self._decoded(file, wish)
            except MediaFault as fault:
                # That something has no sheet says nothing about its picture.
                if wish.part == "picture":
                    await self._remember(medium, fault)
                raise
            facts = _facts(file, found, self._clock)
        await self._know(medium, facts)
        return Shown(media_type=found.media_type, content=found.content)

    @contextlib.asynccontextmanager
    async def _file_of(self, medium: Medium) -> AsyncIterator[MediaFile]:
        """What its host has; that it has none is remembered. Raises `MediaFault`, `MediaBusy`."""
        is_there = False
        try:
            async with self._places.taken(medium.org_id), self._fetcher.fetched(medium.url) as file:
                is_there = True
                yield file
        except MediaFault as fault:
            if not is_there:
                await self._remember(medium, fault)
            raise

    async def _decoded(self, file: MediaFile, wish: Wish) -> Derivative:
        order = self.decoders.order(
            file.form,
            part=_PARTS[wish.part],
            stage=_STAGES[wish.stage],
            width=wish.made_width,
            veil=wish.veil,
            grey=wish.grey,
        )
        return await self.decoders.decode(file, order)

    async def _look(self, medium: Medium) -> None:
        """Find out whether the film flashes. What cannot be found out is not asked again."""
        is_there = False
        try:
            async with self._looks.taken(medium.org_id), self._fetcher.fetched(medium.url) as file:
                is_there = True
                found = await self.decoders.decode(
                    file, self.decoders.order(file.form, part="FLASH")
                )
                facts = _facts(file, found, self._clock)
                flashes = _flashes.decode(found.content)
        except MediaFault as fault:
            if not is_there:
                await self._remember(medium, fault)
                return
            known = await self._known(medium)
            if known is None:  # erased meanwhile
                return
            facts, flashes = known, Flashes(found="UNKNOWN")
        except MediaBusy:
            return
        await self._know(
            medium,
            msgspec.structs.replace(facts, flashes=flashes.found, flashes_at=flashes.at),
        )

    async def _remember(self, medium: Medium, fault: MediaFault) -> None:
        now = self._clock()
        retry_at = now + timedelta(seconds=fault.retry_after)
        await self._know(
            medium,
            Facts(state=fault.state, reason=str(fault), retry_at=retry_at, fetched_at=now),
        )

    async def _know(self, medium: Medium, facts: Facts) -> None:
        async with transaction(self._engine) as connection:
            await store.know(connection, medium, facts)

    async def aclose(self) -> None:
        """Ends what is under way."""
        running = [*self._veiling.values(), *self._looking.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._fetcher.aclose()
        await self._stream.aclose()
        self.decoders.close()


def _facts(file: MediaFile, found: Derivative, clock: Clock) -> Facts:
    shape = found.shape
    # A container of films that holds a sound alone is played as a sound.
    played = file.form.media_type
    if shape.kind == "AUDIO":
        played = played.replace("video/", "audio/")
    return Facts(
        state="ok",
        kind=shape.kind,
        media_type=played,
        width=shape.width,
        height=shape.height,
        duration=shape.duration,
        is_moving=shape.is_moving,
        has_sound=shape.has_sound,
        bytes=file.size,
        md5=file.md5,
        sha256=file.sha256,
        fetched_at=clock(),
    )


def _fault_of(facts: Facts, clock: Clock) -> MediaFault:
    left = 1.0
    if facts.retry_at is not None:
        left = max(1.0, (facts.retry_at - clock()).total_seconds())
    return MediaFault(facts.state, facts.reason, retry_after=left)
