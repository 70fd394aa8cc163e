"""hma-bridge as a process: a CSV of a million hashes, starting with them, memory beside media.

Engines of this run's own. The file is read and added as review-api does it, in a process that is
killed in the middle; another goes on with the same file. Then the bridge is started anew, and gets
300 media, among them a film of two gigabytes that does not say how large it is; no byte of it is on
a disk. Peaks are the kernel's (VmHWM); what is fetched lies in files of memory, which are not of
that, and are told beside it.

`COOP_BENCH_ROWS`: of the file, 1,000,000.
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
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import psutil
import psycopg
from PIL import Image

from coop_contracts.config import Field, HashBank, ItemType, Kind, ScalarType
from coop_contracts.event import ItemSubmitted, SubmittedItem
from coop_contracts.hash_bank import ADD_HASHES, MAX_HASHES, AddHashes
from coop_contracts.ids import item_key
from coop_local.stack import EngineAddresses
from coop_review_api.hash_bank import file as hash_file
from coop_runtime.internal.client import InternalApi
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from tests.bench import environment as stand
from tests.bench.bench_evidence import peak
from tests.bench.bench_outage import bridge_database
from tests.bench.media_host import serving
from tests.bench.result import show

_ROWS: Final = int(os.environ.get("COOP_BENCH_ROWS", "1000000"))
_MEDIA: Final = 300
_OF_ONE: Final = 100  # media of a submission
_LARGE: Final = 2 * 1024**3
_MIB: Final = 1024 * 1024
_SECONDS: Final = 900.0
_TOKEN: Final = "bench"


def main() -> None:
    """Prints three lines."""
    org = stand.new_organisation()
    with stand.engines() as addresses, _host() as host, tempfile.TemporaryDirectory() as folder:
        database = bridge_database(addresses)
        item_type = ItemType(
            id="picture",
            name="Picture",
            kind="CONTENT",
            version="2026-01-01T00:00:00.000000Z",
            fields=tuple(Field(name=f"f{n}", type=ScalarType.IMAGE) for n in range(_OF_ONE)),
        )
        bank = HashBank(id="bank", name="Known", hma_name="COOP_BENCH_KNOWN")
        stand.seed(addresses, org, (Kind.ITEM_TYPE, item_type), (Kind.HASH_BANK, bank))
        ports = [stand.free_port() for _ in range(2)]
        environment = stand.environment_of(
            addresses,
            COOP_POSTGRES=database,
            COOP_INTERNAL_TOKEN=_TOKEN,
            COOP_EGRESS_ALLOW="127.0.0.0/8",
            COOP_HASH_PORT=str(ports[0]),
            COOP_INTERNAL_PORT=str(ports[1]),
        )
        ready = f"http://127.0.0.1:{ports[1]}/readyz"
        at = ("coop_hma_bridge", "bridge", environment)
        with stand.service(*at, ready_url=ready, deadline=60) as process:
            _import(Path(folder), ports[0], org.id, database, process.pid)
        began = time.perf_counter()
        with stand.service(*at, ready_url=ready, deadline=120) as process:
            started = time.perf_counter() - began
            _show_start(database, started, process.pid)
            _media(addresses, org.id, host, database, process.pid)


def add(path: str, port: str, org: str) -> None:
    """What a process of review-api does with a file; says how far it is, then what it took."""
    clock = time.process_time()
    found = hash_file.read(Path(path).read_bytes())
    left = found.hashes()
    read = time.process_time() - clock
    added = known = 0

    async def do() -> None:
        nonlocal added, known
        api = InternalApi(f"http://127.0.0.1:{port}", _TOKEN, timeout=60)
        while some := tuple(one for _, one in zip(range(MAX_HASHES), left, strict=False)):
            told = await api.ask(org, ADD_HASHES, AddHashes(bank_id="bank", hashes=some))
            added, known = added + told.added, known + told.known
            sys.stdout.write(json.dumps({"added": added, "known": known}) + "\n")
            sys.stdout.flush()
        await api.aclose()

    asyncio.run(do())
    mib = peak(os.getpid())
    sys.stdout.write(json.dumps({"mib": mib, "read_cpu": read}) + "\n")


def _import(folder: Path, port: int, org: str, database: str, bridge: int) -> None:
    path = folder / "hashes.csv"
    digits = np.random.default_rng(7).integers(0, 2**64, (_ROWS, 4), dtype=np.uint64)
    path.write_text("".join(f"{one.tobytes().hex()},note\n" for one in digits))
    command = [sys.executable, "-m", "tests.bench.bench_bridge", str(path), str(port), org]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    began = time.perf_counter()
    for line in killed.stdout:
        if json.loads(line)["added"] >= _ROWS // 2:
            break
    killed.kill()
    killed.communicate()
    done = subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    *steps, took = (json.loads(line) for line in done.stdout.splitlines())
    show(
        "hashes_of_a_csv",
        [seconds],
        unit=f"s for {_ROWS} rows, killed in the middle and sent again",
        bound="all are there once",
        compared_to={
            "in_the_bank": _count(database, "hashes.entries"),
            "there_from_before": steps[-1]["known"],
            "steps_told": len(steps),
            "reading_cpu_s": round(took["read_cpu"], 1),
            "file_mib": round(path.stat().st_size / _MIB),
            "peak_mib": round(took["mib"]),
            "bridge_peak_mib": round(peak(bridge)),
        },
    )


def _show_start(database: str, seconds: float, pid: int) -> None:
    process = psutil.Process(pid)
    cpu = process.cpu_times()
    entries = _count(database, "hashes.entries")
    show(
        "bridge_started",
        [seconds],
        unit=f"s from nothing to ready, with {entries} hashes from PostgreSQL",
        bound="< 5 s; its CPU is told beside it",
        compared_to={
            "cpu_s": round(cpu.user + cpu.system, 2),
            "rss_mib": round(process.memory_info().rss / _MIB),
            "peak_mib": round(peak(pid)),
        },
    )


def _media(addresses: EngineAddresses, org: str, host: str, database: str, pid: int) -> None:
    before = peak(pid)
    watched = _Watched(pid)
    _submit(addresses, org, host)
    began, deadline = time.perf_counter(), time.monotonic() + _SECONDS
    while (seen := _count(database, "hashes.seen_media")) < _MEDIA - 1:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{seen} of {_MEDIA} media were hashed")
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    watched.end()
    show(
        "memory_of_the_bridge",
        [peak(pid)],
        unit=f"MiB at most: {_ROWS} hashes, {_MEDIA} media of which one is of two gigabytes",
        bound=f"< {200 + 130 * _ROWS / _MIB:.0f} MiB: 200, and 130 bytes a hash",
        compared_to={
            "before_media_mib": round(before),
            "files_in_memory_mib": round(watched.files / _MIB),
            "decoders_mib": round(watched.decoders / _MIB),
            "hashed_after_s": round(seconds, 1),
            "largest_sent_bytes": _LARGE,
        },
    )


def _submit(addresses: EngineAddresses, org: str, host: str) -> None:
    settings = RuntimeSettings(
        kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
    )
    now, messages = datetime.now(UTC), []
    for first in range(0, _MEDIA, _OF_ONE):
        urls = [f"{host}/{'film' if n == 0 else n}" for n in range(first, first + _OF_ONE)]
        data = {f"f{n}": {"url": url} for n, url in enumerate(urls)}
        item = SubmittedItem(
            id=f"i{first}",
            type_id="picture",
            type_version="2026-01-01T00:00:00.000000Z",
            data=msgspec.Raw(msgspec.json.encode(data)),
        )
        event = ItemSubmitted(
            event_id=str(uuid.uuid4()),
            org_id=org,
            time=now,
            correlation_id="bench",
            submission_id=str(uuid.uuid4()),
            item=item,
            request_id=str(uuid.uuid4()),
            config_revision=1,
            awaits_media=True,
        )
        messages.append(message_of(event, key=item_key(org, "picture", f"i{first}")))

    async def publish() -> None:
        producer = Producer(settings, client_id="bench-media")
        await producer.start()
        await producer.publish(messages, timeout=20)
        await producer.stop()

    asyncio.run(publish())


def _count(database: str, table: str) -> int:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


class _Watched(threading.Thread):
    """The most bytes of files in memory that a process has open, and of its decoders."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.files = self.decoders = 0
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            files = 0
            for fd in Path(f"/proc/{self._process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(fd).startswith("/memfd:"):
                        files += fd.stat().st_size
            self.files = max(self.files, files)
            with contextlib.suppress(psutil.Error):
                children = self._process.children(recursive=True)
                self.decoders = max(self.decoders, sum(_own(one) for one in children))

    def end(self) -> None:
        """No more is looked at."""
        self._ended.set()
        self.join(10)


def _own(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().uss)
    return 0


@contextlib.contextmanager
def _host() -> Iterator[str]:
    """A platform on loopback: pictures, and a film that does not say how large it is."""
    part = os.urandom(_MIB)
    head = bytes.fromhex("0000001866747970") + b"isom" + bytes(4) + b"isomiso2"

    def picture(seed: int) -> bytes:
        small = np.random.default_rng(seed).integers(0, 256, (20, 32, 3), dtype=np.uint8)
        out = io.BytesIO()
        large = Image.fromarray(small).resize((1280, 800), Image.Resampling.BICUBIC)
        large.save(out, "JPEG", quality=85)
        return out.getvalue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                name = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].strip(b"/")
                if name == b"film":
                    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + head)
                    for _ in range(_LARGE // _MIB):
                        writer.write(part)
                        await writer.drain()
                    break
                content = picture(int(name))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content))
                writer.write(content)
                await writer.drain()
        writer.close()

    with serving(serve) as address:
        yield address


if __name__ == "__main__":
    add(*sys.argv[1:4])
