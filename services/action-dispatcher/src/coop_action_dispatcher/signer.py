"""RSA signatures beside the event loop: made by threads, handed over many at a time.

Guarantees: a signature or the error that prevented it, for every body; the loop goes on meanwhile
(signing runs outside the interpreter's lock). Waking another thread costs a tenth of a signature,
so a thread takes what waits, not one body.
Must not: keep a key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor

from coop_runtime.secret.signing import sign_rsa_sha256

_AT_ONCE = 8  # a signature takes a quarter of a millisecond or more: nobody waits long for the rest

_Wanted = tuple[str, bytes, "asyncio.Future[str]"]


class Signer:
    """Signs on `workers` threads of `executor`. Lives in one event loop."""

    def __init__(self, executor: Executor, *, workers: int) -> None:
        self._executor = executor
        self._workers = workers
        self._running = 0
        self._waiting: deque[_Wanted] = deque()

    async def sign(self, private_pem: str, body: bytes) -> str:
        """The value of `Coop-Signature`. Raises what `sign_rsa_sha256` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        self._waiting.append((private_pem, body, future))
        if self._running < self._workers:
            self._start(loop)
        return await future

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(min(_AT_ONCE, len(waiting)))]
        self._running += 1
        self._executor.submit(self._work, loop, batch)

    def _work(self, loop: asyncio.AbstractEventLoop, batch: list[_Wanted]) -> None:
        done: list[str | Exception] = []
        for private_pem, body, _ in batch:
            try:
                done.append(sign_rsa_sha256(private_pem, body))
            except Exception as error:  # noqa: BLE001 - it is the caller's
                done.append(error)
        loop.call_soon_threadsafe(self._hand_over, loop, batch, done)

    def _hand_over(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Wanted], done: list[str | Exception]
    ) -> None:
        self._running -= 1
        while self._waiting and self._running < self._workers:
            self._start(loop)
        for (_, _, future), outcome in zip(batch, done, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
