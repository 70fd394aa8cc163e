"""Two transactions wrote the same rows at the same moment: roll back, begin again."""

from __future__ import annotations

from typing import Final

TRIES: Final = 5
"""How often a transaction is begun before its caller is told to come again later."""


class Collision(Exception):
    """Another transaction wrote the same rows in between."""
