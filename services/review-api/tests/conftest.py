"""Fixtures of review-api's tests; what they are is in `world`."""

from __future__ import annotations

from .world.application import app, http
from .world.clock import clock
from .world.context import context, installed_signals, vault
from .world.database import engine, owner_engine, redis, review_admin_url, review_url
from .world.dispatcher import dispatcher
from .world.document import kit, published
from .world.job import place
from .world.organisation import org, organisations
from .world.password import passwords
from .world.person import admin, fresh_throttle, sign_in

__all__ = [
    "admin",
    "app",
    "clock",
    "context",
    "dispatcher",
    "engine",
    "fresh_throttle",
    "http",
    "installed_signals",
    "kit",
    "org",
    "organisations",
    "owner_engine",
    "passwords",
    "place",
    "published",
    "redis",
    "review_admin_url",
    "review_url",
    "sign_in",
    "vault",
]
