"""Idempotency-Key: the same key and body give the same answer and no second effect.

    (none) ──claim──▶ running ──finish──▶ done      the stored answer is given again
                         │ └──release──▶ open       refused, or not acknowledged: may run again
                         └──lease over──▶ open      the process died

Guarantees, for 24 hours: a key is bound to the first body it came with; another body is a conflict.
An answer 2xx is given again as it was. A refusal is judged anew. Two at once: the second is a
conflict with Retry-After, rather than a connection held open.
The ids of what is published are derived from organisation, key and body. So a repetition that is
not recognised (Redis away, or the process killed between the broker's acknowledgement and `finish`)
publishes the same submission ids, and what is downstream drops them.
Must not: keep a request from being accepted because Redis is away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_contracts.ids import new_id, repeatable_id
from coop_ingest import metric
from coop_ingest.answer import Answer
from coop_ingest.refusal import Refusal, conflict, invalid
from coop_runtime.process.log import logger

MAX_KEY: Final = 255  # characters
KEPT_SECONDS: Final = 24 * 60 * 60
RUNNING_SECONDS: Final = 30  # longer than any request may take

_log = logger(__name__)

# KEYS[1] the record; ARGV: fingerprint, token, milliseconds of the lease, milliseconds kept.
CLAIM_SCRIPT: Final = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local record = redis.call('HMGET', KEYS[1], 'fingerprint', 'state', 'until', 'answer')
if record[1] and record[1] ~= ARGV[1] then return {'other_body'} end
if record[2] == 'done' then return {'repeated', record[4]} end
if record[2] == 'running' and tonumber(record[3]) > now then return {'running'} end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'state', 'running', 'token', ARGV[2],
  'until', now + ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'new'}
"""

# KEYS[1] the record; ARGV: token, state, answer. Only who claimed it may settle it.
SETTLE_SCRIPT: Final = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'answer', ARGV[3])
return 1
"""


class SubmissionIds:
    """The ids of what one request publishes, by position."""

    __slots__ = ("_key", "_org_id")

    def __init__(self, org_id: str, key: str | None = None) -> None:
        self._org_id = org_id
        self._key = key

    def at(self, position: int) -> str:
        """A new UUIDv7; under an Idempotency-Key the same again for the same body and position."""
        if self._key is None:
            return new_id()
        return repeatable_id(org_id=self._org_id, idempotency_key=self._key, position=position)


class Idempotency:
    """The keys, in Redis. After `running_seconds` a request counts as given up."""

    def __init__(self, redis: Redis, *, running_seconds: int = RUNNING_SECONDS) -> None:
        self._running_seconds = running_seconds
        self._claim: Callable[..., Awaitable[Any]] = redis.register_script(CLAIM_SCRIPT)
        self._settle: Callable[..., Awaitable[Any]] = redis.register_script(SETTLE_SCRIPT)

    async def once(
        self,
        org_id: str,
        key: bytes,
        request: tuple[bytes, bytes],
        run: Callable[[SubmissionIds], Awaitable[Answer]],
    ) -> Answer:
        """Run the request, or answer as before. `request` is its target and its body.

        Raises Refusal (409 for another body, or while the first is running).
        """
        name = _check_key(key)
        fingerprint = hashlib.sha256(request[0] + b"\n" + request[1]).hexdigest()
        record = f"ingest:once:{org_id}:{hashlib.sha256(key).hexdigest()}"
        token = new_id()
        stored = await self._begin(record, fingerprint, token)
        if stored is not None:
            return stored
        # The fingerprint is part of the ids, so that another body under the same key, let through
        # while Redis is away, is never taken for a repetition downstream.
        ids = SubmissionIds(org_id, f"{name}\n{fingerprint}")
        try:
            answer = await run(ids)
        except BaseException:
            await self._end(record, token, "open", b"")
            raise
        await self._end(record, token, "done", _encode(answer))
        return answer

    async def _begin(self, record: str, fingerprint: str, token: str) -> Answer | None:
        try:
            outcome, *answer = await self._claim(
                keys=[record],
                args=[fingerprint, token, self._running_seconds * 1000, KEPT_SECONDS * 1000],
            )
        except (RedisError, OSError) as error:
            metric.IDEMPOTENCY.labels("unchecked").inc()
            _log.warning("redis is away: an Idempotency-Key is not checked", error=str(error))
            return None
        state = outcome.decode()
        metric.IDEMPOTENCY.labels(state).inc()
        if state == "other_body":
            raise conflict(
                "This Idempotency-Key was used with another request in the last 24 hours."
            )
        if state == "running":
            raise conflict(
                "A request with this Idempotency-Key is being handled; repeat it for its answer.",
                retry_after=1,
            )
        return _decode(answer[0]) if state == "repeated" else None

    async def _end(self, record: str, token: str, state: str, answer: bytes) -> None:
        try:
            await self._settle(keys=[record], args=[token, state, answer])
        except (RedisError, OSError) as error:
            # The lease runs out by itself; a repetition publishes the same ids.
            _log.warning("redis is away: an answer is not stored", error=str(error))


def _check_key(key: bytes) -> str:
    text = key.decode("latin-1")
    if not text or len(text) > MAX_KEY or not text.isprintable():
        raise Refusal(
            "invalid", [invalid(f"The Idempotency-Key must have 1 to {MAX_KEY} characters.")]
        )
    return text


def _encode(answer: Answer) -> bytes:
    return msgspec.msgpack.encode(answer)


def _decode(stored: bytes) -> Answer:
    return msgspec.msgpack.decode(stored, type=Answer)
