"""The settings of signals from outside, for a service's own settings to inherit.

Must not: be read anywhere but in a composition root. Times are seconds, sizes bytes.
"""

from __future__ import annotations

from pydantic import Field

from coop_runtime.process.settings import RuntimeSettings


class SignalSettings(RuntimeSettings):
    """What is told of providers.

    `signal_cache_redis`: share answers between processes. `signal_media_bytes`: memory for media
    that are being judged, all organisations together. `signal_translation_model` is the model of
    OpenAI that translates for reviewers.
    """

    signal_open_ai_url: str = "https://api.openai.com"
    signal_google_url: str = "https://contentsafety.googleapis.com"
    signal_google_places_url: str = "https://places.googleapis.com"
    signal_zentropi_url: str = "https://api.zentropi.ai"
    signal_translation_model: str = "gpt-4.1-mini"
    signal_cache_seconds: float = Field(default=30, ge=0, le=3600)
    signal_cache_entries: int = Field(default=20_000, ge=1)
    signal_cache_bytes: int = Field(default=32 * 1024 * 1024, ge=0)
    signal_cache_redis: bool = False
    signal_media_bytes: int = Field(default=256 * 1024 * 1024, ge=1)
