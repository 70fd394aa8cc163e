"""What a delivery is asked for with: the request of an action, or of a callback.

A callback tells of a decision that no action follows from: an ignored item, an appeal's decision.

Must not: know where anything goes; `destination` does.
"""

from __future__ import annotations

import msgspec

from coop_contracts.dispatch import DeliveryKind
from coop_contracts.event import ActionRequested, CallbackRequested, RuleRef

Asked = ActionRequested | CallbackRequested

_decoder: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)


def decode(request: bytes) -> Asked:
    """The event from its bytes. Raises msgspec.MsgspecError for what is none."""
    return _decoder.decode(request)


def id_of(asked: Asked) -> str:
    """What makes it happen once, and is its `webhook-id`."""
    return asked.execution_id if isinstance(asked, ActionRequested) else asked.callback_id


def kind_of(asked: Asked) -> DeliveryKind:
    """An action, or which callback."""
    return "ACTION" if isinstance(asked, ActionRequested) else asked.callback


def action_id_of(asked: Asked) -> str | None:
    """The action; a callback has none."""
    return asked.action_id if isinstance(asked, ActionRequested) else None


def rules_of(asked: Asked) -> tuple[RuleRef, ...]:
    """The rules that asked for an action; a callback has none."""
    return asked.rules if isinstance(asked, ActionRequested) else ()
