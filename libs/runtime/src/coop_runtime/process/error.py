"""The errors a consumer's handler may raise, by what can be done about them.

    Exception
    ├── Retryable            a dependency is down: wait, then the same again; never a dead letter
    │   └── BrokerUnavailable    no acknowledgement from the broker within the deadline
    ├── Poison               this message can never be handled: dead letter at once
    │   └── MessageTooLarge      the broker takes no message of that size
    └── DeadLetterLimit      too many dead letters a minute: the process stops
    (anything else)          a bug: three tries, then a dead letter with the traceback

Must not: grow a class for every dependency. Who catches one only asks what to do next.
"""

from __future__ import annotations


class Retryable(Exception):
    """A dependency is down: back off in place. An outage never fills the dead letters."""


class BrokerUnavailable(Retryable):
    """The broker did not acknowledge within the deadline, or the local queue is full.

    What was sent may still arrive later: sending it again can double it on the log, never lose it.
    """


class Poison(Exception):
    """This message cannot be understood, or can never be handled: dead letter at once."""


class MessageTooLarge(Poison):
    """A message to be published is larger than the topic takes: no retry will change that."""


class DeadLetterLimit(Exception):
    """More dead letters a minute than a few bad messages explain: bad code must stop, not drain a
    topic. The records are not committed."""
