"""What an item's rules said, told to the request that waits for it.

    ingest ──item, with `replyTo`──▶ log ──▶ rules-engine ──▶ log: result and effects, acknowledged
       ▲                                          └──PUBLISH `coop:verdict:<replyTo>`──┐
       └───────────────────────────────────────────────────────────────────────────────┘

Each process of ingest has an address of its own, the end of its channel's name. One message of the
channel is a list of verdicts.

Guarantees: a verdict says what is on the log, and comes after it: whoever reads one may act on it.
Must not: be needed: it may get lost, or come twice, and then a request waits in vain; the item is
evaluated all the same, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from coop_contracts.event import Lane

_PREFIX: Final = "coop:verdict:"


class Verdict(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`decided` are the lanes whose rules have been evaluated, with the actions that they asked
    for; `deferred` those that wait for media or for a model, of which another verdict comes."""

    submission_id: str
    decided: tuple[Lane, ...] = ()
    deferred: tuple[Lane, ...] = ()
    action_ids: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(list[Verdict])


def verdict_channel(address: str) -> str:
    """The channel of the process with that address."""
    return _PREFIX + address


def encode_verdicts(verdicts: Sequence[Verdict]) -> bytes:
    """One message of a channel."""
    return msgspec.json.encode(verdicts)


def decode_verdicts(message: bytes) -> list[Verdict]:
    """The verdicts of a message; none where it is not one."""
    try:
        return _decoder.decode(message)
    except msgspec.MsgspecError:
        return []
