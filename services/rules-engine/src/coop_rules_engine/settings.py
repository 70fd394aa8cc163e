"""The rules engine's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root.
"""

from __future__ import annotations

from pydantic import Field

from coop_runtime.process.settings import RuntimeSettings
from coop_signals.settings import SignalSettings


class Settings(SignalSettings):
    """What the rules engine is told. Times are seconds.

    `rules_batch` is how many items are handled at a time, `rules_batches_in_flight` how many
    batches may wait for the broker's acknowledgement. An organisation of weight 1 that used more
    than `rules_processor_share` of a core stands in a line of its own while others have work; the
    lines of a process hold `rules_line_items` items of `rules_line_bytes` bytes.
    `rules_media_deadline` runs from an item's submission, `rules_slow_deadline` from when values
    are asked for, after an evaluation has waited up to `rules_slow_patience` for its organisation's
    turn. `rules_window` is how many deferred evaluations of a lane a process has under way,
    `rules_share` how many of one organisation may wait for remote values. `rules_rebuild_window` is
    how far back counts are rebuilt when Redis has lost them.
    """

    internal_port: int = Field(default=9083, ge=0, le=65535)
    rules_batch: int = Field(default=500, ge=1, le=10_000)
    rules_batches_in_flight: int = Field(default=4, ge=1, le=64)
    rules_processor_share: float = Field(default=0.25, gt=0, le=1)
    rules_line_items: int = Field(default=20_000, ge=1, le=1_000_000)
    rules_line_bytes: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    rules_media_deadline: float = Field(default=86_400, gt=0, le=7 * 86_400)
    rules_slow_deadline: float = Field(default=15, gt=0, le=300)
    rules_slow_patience: float = Field(default=120, ge=0, le=3600)
    rules_window: int = Field(default=20_000, ge=1, le=100_000)
    rules_share: int = Field(default=5_000, ge=1)
    rules_rebuild_window: float = Field(default=24 * 3600, ge=0)


class SlowSettings(Settings):
    """What the role `slow` is told; its egress guard and keys are the runtime's."""

    internal_port: int = Field(default=9088, ge=0, le=65535)


class BacktestSettings(RuntimeSettings):
    """What the role `backtest` is told: how many backtests are open at a time, how many seconds one
    may keep others waiting, how many partitions of one are read at a time."""

    internal_port: int = Field(default=9089, ge=0, le=65535)
    backtest_slots: int = Field(default=4, ge=1, le=64)
    backtest_quantum: float = Field(default=20.0, ge=0.1)
    backtest_partitions: int = Field(default=4, ge=1, le=64)
