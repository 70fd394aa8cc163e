"""Users' strikes, as rules take them: read from where the dispatcher keeps them in Redis.

    coop:strikes:<org>:<type>:<user>   JSON [[expires at, Unix ms; weight], …]; absent: none
    coop:strikes:whole                 the run of the server that holds all of them

Guarantees: one round trip for a batch, with a deadline; what Redis lost, or cannot say, is
unavailable, which is not "none". Must not: write, guess, or raise for a Redis that is away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, Final, NamedTuple, Self

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_contracts.event import ItemRef, SignalValue
from coop_rules.language.need import Need
from coop_runtime.process.log import logger
from coop_runtime.redis.client import redis_client
from coop_signals import metric

SIGNAL: Final = "USER_STRIKE_VALUE"
MARKER: Final = "coop:strikes:whole"

AWAY = "Redis does not answer"
NOT_WHOLE = "strikes are not known: Redis has not been filled since it started"
NO_USER = "the input is not a user"

TIMEOUT = 2.0  # seconds that Redis may take
REST = 1.0  # seconds without asking after Redis failed
_CHUNK = 1000  # users in one call

Strikes = Sequence[tuple[int, float]]
"""(expires at, in Unix milliseconds; weight) of each strike."""

_decode = msgspec.json.Decoder(list[tuple[int, float]]).decode
_log = logger(__name__)


class PlatformUser(NamedTuple):
    org_id: str
    type_id: str
    id: str

    @property
    def key(self) -> str:
        """Under which its strikes are."""
        return f"coop:strikes:{self.org_id}:{self.type_id}:{self.id}"


def read(raw: bytes) -> Strikes | None:
    """A user's strikes as they are kept ('' for none); None where they cannot be read: what is not
    known is not "none"."""
    if not raw:
        return ()
    try:
        return _decode(raw)
    except msgspec.MsgspecError:
        return None


def value(need: Need, position: int, strikes: Strikes | None, now: int, error: str) -> SignalValue:
    """The signal's value at `now` (Unix ms): what lives on by then; without strikes the error."""
    key, name = need.key, need.signal.name
    if strikes is None:
        return SignalValue(key=key, signal=name, position=position, error=error)
    total = sum(weight for expires, weight in strikes if expires > now)
    return SignalValue(key=key, signal=name, position=position, score=float(total))


class StrikeQuestion(NamedTuple):
    """A need, the users it is about by position (None: a value that is none), and the time at which
    their strikes are to be counted (Unix ms)."""

    org_id: str
    need: Need
    users: Sequence[ItemRef | None]
    now: int


class StrikeReader:
    """One for a process, for one event loop. Close it with `aclose`."""

    def __init__(
        self, client: Redis, *, clock: Callable[[], float] = time.monotonic, owned: bool = False
    ) -> None:
        """`owned`: the client is closed with this."""
        self._client = client
        self._clock = clock
        self._owned = owned
        self._rest_until = 0.0
        self._script = client.register_script(
            resources.files("coop_signals").joinpath("strikes.lua").read_text(encoding="utf-8")
        )

    @classmethod
    def of(cls, url: str) -> Self:
        """A reader of the Redis at `url`; connects on first use."""
        return cls(redis_client(url, timeout=TIMEOUT, connections=8), owned=True)

    async def aclose(self) -> None:
        if self._owned:
            await self._client.aclose()

    async def values(self, asked: Sequence[StrikeQuestion]) -> list[list[SignalValue]]:
        """The values of each ask, by position: a score, or the reason why there is none."""
        users = [
            PlatformUser(one.org_id, user.type_id, user.id)
            for one in asked
            for user in one.users
            if user
        ]
        found, error = await self._strikes(list(dict.fromkeys(users)))
        return [
            [
                value(one.need, position, None, one.now, NO_USER)
                if user is None
                else value(
                    one.need,
                    position,
                    found.get(PlatformUser(one.org_id, user.type_id, user.id)),
                    one.now,
                    error,
                )
                for position, user in enumerate(one.users)
            ]
            for one in asked
        ]

    async def _strikes(
        self, users: Sequence[PlatformUser]
    ) -> tuple[dict[PlatformUser, Strikes], str]:
        """The strikes that are known, and why the others are not."""
        if not users:
            return {}, NOT_WHOLE
        if self._clock() < self._rest_until:
            return {}, AWAY
        found: dict[PlatformUser, Strikes] = {}
        try:
            for start in range(0, len(users), _CHUNK):
                part = users[start : start + _CHUNK]
                answer: Any = await self._script(keys=[MARKER, *(user.key for user in part)])
                for user, raw in zip(part, answer, strict=False):
                    strikes = read(raw)
                    if strikes is not None:
                        found[user] = strikes
        except (RedisError, OSError) as error:
            self._rest_until = self._clock() + REST
            metric.STRIKE_FAILURES.inc()
            _log.warning("strikes are not known", error=str(error))
            return found, AWAY
        return found, NOT_WHOLE
