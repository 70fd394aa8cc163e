"""Decoders as who asks sees them: a file and an order go in, facts and a derivative come out.

    Decoders ── starts, and starts again ──▶ zygote (see `zygote`) ──▶ one child a file

Guarantees: a decoder that crashes, eats memory or never ends is a `MediaFault` of its file and
nothing else: neither this process nor the next order feels it; no secret of this process is in the
decoders' environment; an order ends within its limits, and a little.
Must not: decode anything itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from typing import Final

import msgspec

from coop_media.fault import MediaBusy, MediaFault
from coop_media.file import MediaFile
from coop_media.form import Form
from coop_media.limit import DecodeLimits
from coop_media.metric import DECODE_SECONDS, DECODES
from coop_media.order import VEILED_WIDTH, Answer, Order, Part, Shape, Stage

_GRACE: Final = 2.0  # seconds beyond an order's own limit
_LOOKS: Final = 5
_HEAD: Final = 64 * 1024
_PIECE: Final = 256 * 1024
_MODULE: Final = ("-I", "-m", "coop_media.zygote")

_answers = msgspec.json.Decoder(Answer)


class Derivative(msgspec.Struct, frozen=True):
    """`shape` says what the medium is, `content` (of `media_type`) is what was made of it."""

    shape: Shape
    media_type: str
    content: bytes


class _Ended(Exception):
    """The other process ended before it had answered."""


class Decoders:
    """The decoders of one process; they start with the first order. Close them when done.

    `hashing`: they are asked for hashes, and for nothing else."""

    def __init__(self, limits: DecodeLimits | None = None, *, hashing: bool = False) -> None:
        self.limits = limits or DecodeLimits()
        self._options = ["hash"] if hashing else []
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that forks; None where none runs."""
        return None if self._process is None else self._process.pid

    def order(
        self,
        form: Form,
        *,
        part: Part = "PICTURE",
        stage: Stage = "VEILED",
        width: int = VEILED_WIDTH,
        veil: int = 4,
        grey: bool = True,
    ) -> Order:
        """An order within the limits."""
        if (part == "HASH") is not bool(self._options):
            raise ValueError(f"these decoders were not made for {part}")
        limits, whole = self.limits, part == "FLASH"
        return Order(
            kind=form.kind,
            reader=form.reader,
            part=part,
            stage=stage,
            width=width,
            veil=veil,
            grey=grey,
            memory=limits.memory,
            processor=limits.look if whole else limits.processor,
            within=limits.look_within if whole else limits.within,
            pixels=limits.pixels,
            answer=limits.answer,
        )

    async def decode(self, file: MediaFile, order: Order) -> Derivative:
        """Carry out an order. Raises `MediaFault`, `MediaBusy`."""
        began = time.monotonic()
        try:
            answer, content = await self._asked(file, order)
        except (_Ended, TimeoutError):
            DECODES.labels("crashed").inc()
            raise MediaFault("broken", "it cannot be read within the limits") from None
        finally:
            DECODE_SECONDS.observe(time.monotonic() - began)
        DECODES.labels(answer.state).inc()
        if answer.state != "ok" or answer.shape is None:
            raise MediaFault(answer.state, answer.reason)
        return Derivative(answer.shape, answer.media_type, content)

    async def _asked(self, file: MediaFile, order: Order) -> tuple[Answer, bytes]:
        try:
            return await self._ask(file, order)
        except _Ended:
            if not await self._is_gone():
                raise
        # Who forks was gone, not its child: the file is not to blame.
        return await self._ask(file, order)

    async def _is_gone(self) -> bool:
        """Whether who forks has ended: its sockets close one after another."""
        for _ in range(_LOOKS):
            if self._running() is None:
                return True
            await asyncio.sleep(0.02)
        return False

    async def _ask(self, file: MediaFile, order: Order) -> tuple[Answer, bytes]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                self._hand_over(msgspec.json.encode(order), [file.fd, theirs.fileno()])
            async with asyncio.timeout(order.within + _GRACE):
                return await _answer(ours, order.answer)
        finally:
            ours.close()

    def _hand_over(self, message: bytes, descriptors: list[int]) -> None:
        """Give an order to the process that forks; to a new one where that is gone."""
        for control in (self._running(), None):
            try:
                socket.send_fds(control or self._start(), [message], descriptors)
            except BlockingIOError:
                raise MediaBusy from None
            except OSError:
                continue
            return
        raise MediaBusy

    def _running(self) -> socket.socket | None:
        """The way to the process that forks, if that is there."""
        if self._control is not None:
            # It never says anything: what can be read is its end, which is seen here before the
            # process can be waited for; a reset is an end with orders that it had not read.
            try:
                self._control.recv(1)
            except BlockingIOError:
                return self._control
            except OSError:
                pass
            self.close()
        return self._control

    def _start(self) -> socket.socket:
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command
                [sys.executable, *_MODULE, str(theirs.fileno()), *self._options],
                pass_fds=[theirs.fileno()],
                # One thread: what forks has none besides, and an order has one core.
                env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._control = ours
        return ours

    def close(self) -> None:
        """End the process that forks. A child that is at work ends with its order."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


async def _answer(ours: socket.socket, most: int) -> tuple[Answer, bytes]:
    length = int.from_bytes(await _exactly(ours, 4), "big")
    if length > _HEAD:
        raise _Ended
    try:
        answer = _answers.decode(await _exactly(ours, length))
    except msgspec.MsgspecError:
        raise _Ended from None
    if answer.size > most:
        raise _Ended
    return answer, await _exactly(ours, answer.size)


async def _exactly(ours: socket.socket, size: int) -> bytes:
    loop, found = asyncio.get_running_loop(), bytearray()
    while len(found) < size:
        piece = b""
        with contextlib.suppress(ConnectionError):
            piece = await loop.sock_recv(ours, min(_PIECE, size - len(found)))
        if not piece:
            raise _Ended
        found += piece
    return bytes(found)
