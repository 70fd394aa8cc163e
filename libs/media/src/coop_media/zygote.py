"""The decoders' own process: it has read their libraries, and forks for each file.

    review-api ──order, file, answer's socket──▶ zygote ──fork──▶ child: jail ─▶ decode ─▶ answer
                                                                    └▶ killed: the socket ends

    python -I -m coop_media.zygote FD [hash]

    FD    a SOCK_SEQPACKET socket; its end ends the process
    hash  numpy is read, and no reader of films: orders of the part HASH are carried out, and no
          others. A fork copies what its process has: this one's costs half as much. Without it
          numpy is read by the child that needs it, for FLASH, before it is in its jail.

Guarantees: a child decodes one file and ends, so that nothing of one is there for the next; before
it reads the first byte it cannot open anything any more (no files, no sockets), write to files, or
use more memory, processor time or time than its order says: the kernel ends it, not our goodwill.
The environment has no secrets: who starts this process gives it none.
Must not: start threads (it forks), log what a file holds, or know what the answer is for.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import os
import pkgutil
import resource
import signal
import socket
import sys
from typing import Any

import msgspec
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from coop_media import picture
from coop_media.fault import MediaFault
from coop_media.order import Answer, Order, Shape

_MESSAGE = 64 * 1024
_NICE = 10
_APART = ("HASH", "FLASH", "CAPTIONS")  # read in a way of their own, whatever kind of medium it is
_orders = msgspec.json.Decoder(Order)
# Named, so that they are read before the fork.
_LOADED = (ImageDraw, ImageFilter, ImageOps, copy)


_readers: dict[str, Any] = {"IMAGE": picture.read}


def main(fd: int, *, hashing: bool = False) -> int:
    """Serves orders until the other side is gone."""
    signal.signal(signal.SIGCHLD, _collect)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us
    Image.init()
    if hashing:
        _readers["HASH"] = importlib.import_module("coop_media.pdq").read
    else:
        _read_film()
    gc.collect()
    gc.disable()  # a child is short; looking for garbage would copy all that it shares
    control = socket.socket(fileno=fd)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE, 2)
        if not message:
            return 0
        file, answer = descriptors
        if os.fork() == 0:
            control.close()
            _child(message, file, answer)
        os.close(file)
        os.close(answer)


def _collect(*_: object) -> None:
    """Children leave no trace but the processor time that they took, which is this process's then:
    who ends it, or looks at it, sees what decoding costs."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _read_film() -> None:
    """All that is read when it is first used: a child can open nothing."""
    film = importlib.import_module("coop_media.film")
    captions = importlib.import_module("coop_media.captions")
    _readers.update(VIDEO=film.read, AUDIO=film.read, CAPTIONS=captions.read)
    av = importlib.import_module("av")
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _child(message: bytes, file: int, answer: int) -> None:
    """Carries one order out; does not return."""
    status = 1
    try:
        order = _orders.decode(message)
        if order.part == "FLASH":
            _readers["FLASH"] = importlib.import_module("coop_media.flash").read
            os.nice(_NICE)  # it takes long, and nobody waits for a page
        _jail(order)
        _send(answer, *carry_out(order, file))
        status = 0
    finally:
        os._exit(status)


def _jail(order: Order) -> None:
    signal.setitimer(signal.ITIMER_REAL, order.within)  # SIGALRM, which nobody handles
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, order.processor),
        (resource.RLIMIT_AS, order.memory),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays; nothing more is opened
    ):
        resource.setrlimit(limit, (value, value))


def carry_out(order: Order, file: int) -> tuple[Answer, bytes]:
    """The answer, and the derivative's bytes."""
    shape: Shape | None = None
    try:
        with os.fdopen(file, "rb", closefd=False) as source:
            source.seek(0)
            reader = _readers[order.part if order.part in _APART else order.kind]
            shape, media_type, content = reader(source, order)
        if len(content) > order.answer:
            raise MediaFault("too-large", "what was made of it is too large")
    except MediaFault as fault:
        return Answer(state=fault.state, reason=str(fault), shape=shape), b""
    except MemoryError:
        return Answer(state="too-large", reason="it takes too much memory to read"), b""
    except Exception:  # noqa: BLE001 - a decoder raises whatever it likes
        return Answer(state="broken", reason="it cannot be read"), b""
    return Answer(shape=shape, media_type=media_type, size=len(content)), content


def _send(answer: int, head: Answer, content: bytes) -> None:
    encoded = msgspec.json.encode(head)
    with socket.socket(fileno=answer) as out:
        out.sendall(len(encoded).to_bytes(4, "big") + encoded + content)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), hashing="hash" in sys.argv[2:]))
