"""Hash banks: looking up at a million and ten million hashes, starting, and hashing pictures."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import time
from functools import partial
from typing import Any

import numpy as np
import psutil
from PIL import Image

from coop_hma_bridge.book import HashBook
from coop_hma_bridge.file_hash import Hasher
from coop_hma_bridge.segment import BITS, RADIUS, Words
from coop_media.decoder import Decoders
from coop_media.fetch import Fetcher
from coop_media.limit import PlaceLimits
from coop_media.pdq import pdq_of
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.process.settings import RuntimeSettings
from tests.bench.result import show

_QUERIES = 500
_PLANTED = 320
_PICTURES = 60
_RUNS = 3
_MIB = 1024 * 1024


def main() -> None:
    """Prints four lines."""
    for size, bound in ((1_000_000, "≤ 1 ms"), (10_000_000, "≤ 1.5 ms")):
        _look_up(size, bound)
    _hash()
    asyncio.run(_pictures())


def _look_up(size: int, bound: str) -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, (size, 4), dtype=np.uint64)
    process = psutil.Process()
    before = process.memory_info().rss
    began, clock = time.perf_counter(), time.process_time()
    book: Any = HashBook()
    book.load_pdq(hashes, np.zeros(size, dtype=np.uint32), np.arange(1, size + 1))
    build = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - clock}
    each = (process.memory_info().rss - before) / size
    wanted = np.random.default_rng(2).integers(0, 2**64, (_QUERIES, 4), dtype=np.uint64)
    asked = [query.tobytes() for query in wanted]
    runs = []
    for _ in range(_RUNS):
        clock = time.process_time()
        for query in asked:
            book.near(query)
        runs.append((time.process_time() - clock) / _QUERIES * 1000)
    show(
        f"look_up_among_{size}",
        runs,
        unit="ms of CPU a look-up",
        bound=f"{bound}; recall 1, none at 32; ≤ 130 bytes a hash; a million in < 5 s",
        compared_to={
            "recall_to_31_spread_evenly": _recall(book, hashes, RADIUS),
            "found_at_32": _recall(book, hashes, None),
            "bytes_a_hash": round(each, 1),
            "built_in_s": {name: round(value, 2) for name, value in build.items()},
        },
    )


def _recall(book: HashBook, hashes: Words, most: int | None) -> float:
    """The share of planted neighbours found: at distances up to `most`, or at 32."""
    found = 0
    generator = np.random.default_rng(3)
    for number in range(_PLANTED):
        place = int(generator.integers(len(hashes)))
        distance = 32 if most is None else number % (most + 1)
        # Spread over the hash as evenly as can be: the worst case for substrings.
        bits = (np.arange(distance) * BITS // max(1, distance) + number) % BITS
        wanted = hashes[place].copy()
        for bit in bits.tolist():
            wanted[bit // 64] ^= np.uint64(1 << (bit % 64))
        found += any(match.entry_id == place + 1 for match in book.near(wanted.tobytes()))
    return found / _PLANTED


def _jpeg(seed: int) -> bytes:
    """One megapixel of soft blocks and noise."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (20, 32, 3), dtype=np.uint8))
    pixels = np.asarray(small.resize((1280, 800), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = np.clip(pixels + random.integers(-12, 13, pixels.shape), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "JPEG", quality=85)
    return out.getvalue()


def _hash() -> None:
    """The hash alone, of pixels. HMA's library takes 24 to 31 ms for as many."""
    pixels = np.asarray(Image.open(io.BytesIO(_jpeg(1))))
    runs = []
    for _ in range(_RUNS):
        clock = time.process_time()
        for _ in range(20):
            pdq_of(pixels)
        runs.append((time.process_time() - clock) / 20 * 1000)
    show("pdq_of_a_megapixel", runs, unit="ms of CPU", bound="< 12 ms")


async def _pictures() -> None:
    """From an address on loopback to hashes that were looked up: fetch, fork, jail, decoding, PDQ.
    All processes on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    files = {f"/{seed}": _jpeg(seed) for seed in range(_PICTURES)}
    server = await asyncio.start_server(partial(_serve, files), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = RuntimeSettings(internal_port=0, egress_allow=("127.0.0.0/8",))
    fetcher, decoders = Fetcher(EgressGuard.of(settings)), Decoders(hashing=True)
    book, runs = HashBook(), []
    try:
        for number in range(_RUNS + 1):
            hasher = Hasher(
                fetcher,
                decoders,
                places=PlaceLimits(places=4, of_one=4, waiting=1000, within=60),
                within=30,
                remember=0,
            )
            began = time.perf_counter()
            urls = [f"http://127.0.0.1:{port}{path}?{number}" for path in files]
            asked = (hasher.hashes("org", url, submission=url) for url in urls)
            for hashes in await asyncio.gather(*asked):
                book.near(bytes.fromhex(hashes.pdq[0]))
            runs.append(_PICTURES / (time.perf_counter() - began))
    finally:
        decoders.close()
        await fetcher.aclose()
        server.close()
        os.sched_setaffinity(0, cores)
    show("pictures_of_a_megapixel", runs[1:], unit="pictures/s on one core", bound="≥ 40")


async def _serve(
    files: dict[str, bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
            content = files[path.partition("?")[0]]
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n"
            writer.write(head.encode() + content)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    main()
