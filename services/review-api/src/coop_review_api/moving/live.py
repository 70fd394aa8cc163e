"""Tags of rules that act where they came from, and do not here until somebody turns them on."""

from __future__ import annotations

from typing import Final

WAS_LIVE: Final = "live-in-coop"
LIVE_IN_OSPREY: Final = "live-in-osprey"
LIVE_TAGS: Final = frozenset({WAS_LIVE, LIVE_IN_OSPREY})
