"""What one api process is made of, built once in `app` and handed to every route."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.automation.partial_item import PartialItems
from coop_review_api.clock import Clock
from coop_review_api.dispatch import Dispatch
from coop_review_api.explanation.desk import Explanations
from coop_review_api.password import Passwords
from coop_review_api.review import Desk
from coop_review_api.session_limit import Limits
from coop_review_api.settings import Settings
from coop_review_api.signal import Signals
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_runtime.secret import Vault


@dataclass(frozen=True, kw_only=True)
class Context:
    """`clock` gives the present in UTC."""

    settings: Settings
    engine: AsyncEngine
    vault: Vault
    passwords: Passwords
    desk: Desk
    clock: Clock
    session_limits: Limits
    signals: Signals
    dispatch: Dispatch
    explanations: Explanations
    partial_items: PartialItems
    single_sign_on: SingleSignOn
    redis: Redis
