"""Hash banks: looking up at a million and ten million hashes, starting, and hashing pictures.

`COOP_BENCH_HMA`: an interpreter that has HMA's library (`threatexchange`), in an environment of its
own: it hashes the same pictures in the same run.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
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
from coop_media.pdq import pdq_of, pdq_of_image
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.process.settings import RuntimeSettings
from tests.bench.result import show

_QUERIES = 500
_PLANTED = 320
_PICTURES = 60
_RUNS = 3
_HMA = """
import json, sys, time
from pathlib import Path
from threatexchange.signal_type.pdq.pdq_hasher import pdq_from_bytes
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
pdq_from_bytes(files[0])
began, clock = time.perf_counter(), time.process_time()
found = [pdq_from_bytes(one)[0] for one in files]
cpu, clock = time.process_time() - clock, time.perf_counter() - began
each = 1000 / len(files)
print(json.dumps({"cpu": cpu * each, "clock": clock * each, "pdq": found}))
"""


def main() -> None:
    """Prints five lines, six where HMA's library is at hand."""
    for size, bound in ((1_000_000, "≤ 1 ms"), (10_000_000, "≤ 1.5 ms")):
        _look_up(size, bound)
    # As decoders are started: with more threads BLAS waits for the other core by spinning.
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "tests.bench.bench_hashes"], env=alone, check=True)
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
    """The hash alone, of pixels; and with decoding, where HMA's library does the same."""
    pixels = np.asarray(Image.open(io.BytesIO(_jpeg(1))))
    runs = []
    for _ in range(_RUNS):
        clock = time.process_time()
        for _ in range(20):
            pdq_of(pixels)
        runs.append((time.process_time() - clock) / 20 * 1000)
    show("pdq_of_a_megapixel", runs, unit="ms of CPU", bound="< 12 ms")
    if python := os.environ.get("COOP_BENCH_HMA"):
        _beside_hma(python)


def _hma(python: str, files: Sequence[bytes]) -> dict[str, Any]:
    """HMA's library on these files: ms a picture of its CPU and by the clock, and their hashes."""
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            (Path(folder) / f"{number:04}.jpg").write_bytes(content)
        asked = [python, "-c", _HMA, folder]
        done = subprocess.run(asked, check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _beside_hma(python: str) -> None:
    """By turns, each in one process: decoding and hash of the same files."""
    files = [_jpeg(seed) for seed in range(_PICTURES)]
    ours, theirs, apart = [], [], 0
    for _ in range(_RUNS):
        clock = time.process_time()
        found = [pdq_of_image(Image.open(io.BytesIO(one))).bits for one in files]
        ours.append((time.process_time() - clock) / len(files) * 1000)
        said = _hma(python, files)
        theirs.append(said["cpu"])
        pairs = zip(found, said["pdq"], strict=True)
        apart = max((int(one, 16) ^ int(other, 16)).bit_count() for one, other in pairs)
    show(
        "pdq_of_a_file",
        ours,
        unit="ms of CPU a picture of a megapixel, decoded and hashed",
        bound="less than HMA's library",
        compared_to={
            "hma_library_ms": [round(one, 1) for one in theirs],
            "times_as_fast": round(sum(theirs) / sum(ours), 2),
            "bits_apart_at_most": apart,
        },
    )


async def _pictures() -> None:
    """From an address on loopback to hashes that were looked up: fetch, fork, jail, decoding, PDQ.
    All processes on one core; where HMA's library is at hand, that hashes the same files on it,
    by turns: other work on the machine slows both."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    files = {f"/{seed}": _jpeg(seed) for seed in range(_PICTURES)}
    server = await asyncio.start_server(partial(_serve, files), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = RuntimeSettings(internal_port=0, egress_allow=("127.0.0.0/8",))
    fetcher, decoders = Fetcher(EgressGuard.of(settings)), Decoders(hashing=True)
    python = os.environ.get("COOP_BENCH_HMA")
    book, runs, theirs, took = HashBook(), [], [], []
    try:
        for number in range(_RUNS + 1):
            hasher = Hasher(
                fetcher,
                decoders,
                places=PlaceLimits(places=4, of_one=4, waiting=1000, within=60),
                within=30,
                remember=0,
            )
            began, clock = time.perf_counter(), _processor(decoders)
            urls = [f"http://127.0.0.1:{port}{path}?{number}" for path in files]
            asked = (hasher.hashes("org", url, submission=url) for url in urls)
            for hashes in await asyncio.gather(*asked):
                book.near(bytes.fromhex(hashes.pdq[0]))
            runs.append(_PICTURES / (time.perf_counter() - began))
            await asyncio.to_thread(_ended, decoders)
            took.append((_processor(decoders) - clock) / _PICTURES * 1000)
            if python is not None:
                said = await asyncio.to_thread(_hma, python, [*files.values()])
                theirs.append(1000 / said["clock"])
    finally:
        decoders.close()
        await fetcher.aclose()
        server.close()
        os.sched_setaffinity(0, cores)
    show(
        "processor_time_of_a_picture",
        took[1:],
        unit="ms of CPU from its address to looked up: bridge, host, fork and decoder",
        bound="< 25 ms: 40 pictures/s of one core",
        compared_to={"pictures_a_second_of_a_core": [round(1000 / one, 1) for one in took[1:]]},
    )
    beside: dict[str, Any] = {}
    if python is not None:
        beside["hma_library_hash_alone"] = [round(one, 1) for one in theirs[1:]]
        beside["of_that"] = round(sum(runs[1:]) / sum(theirs[1:]), 2)
    show(
        "pictures_of_a_megapixel",
        runs[1:],
        unit="pictures/s on one core",
        bound="≥ 40",
        compared_to=beside,
    )


def _processor(decoders: Decoders) -> float:
    """Seconds of this process, of the one that forks, and of all its children that have ended."""
    found = time.process_time()
    if decoders.pid is not None:
        found += sum(psutil.Process(decoders.pid).cpu_times()[:4])
    return found


def _ended(decoders: Decoders) -> None:
    """Waits until no child is left."""
    while psutil.Process(decoders.pid).children():
        time.sleep(0.01)


async def _serve(
    files: dict[str, bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    # Python 3.11 has a callback that asks a cancelled task for its exception.
    gone = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
    with contextlib.suppress(*gone):
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
            content = files[path.partition("?")[0]]
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n"
            writer.write(head.encode() + content)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    _hash()
