"""What a platform needs to work with Coop: its webhooks in, its questions answered, content out.

    Receiver    verifies, reads once, hands on to the platform's own functions, answers
    Coop        sends items, reports and appeals; tries again, and never twice

Must not: need anything of Coop's services.
"""

from coop_client.body import TooLarge, read_limited
from coop_client.coop import Coop, CoopError, Refusal, Sent, Unavailable
from coop_client.receiver import Answer, Delivery, Later, Receiver
from coop_client.seen import Claim, MemorySeen, Seen
from coop_client.signature import Keys, Refused, Verified, Verifier

__all__ = [
    "Answer",
    "Claim",
    "Coop",
    "CoopError",
    "Delivery",
    "Keys",
    "Later",
    "MemorySeen",
    "Receiver",
    "Refusal",
    "Refused",
    "Seen",
    "Sent",
    "TooLarge",
    "Unavailable",
    "Verified",
    "Verifier",
    "read_limited",
]
