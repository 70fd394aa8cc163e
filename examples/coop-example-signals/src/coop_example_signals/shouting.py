"""How much a text shouts.

Must not: take a short word in capitals for shouting: an abbreviation is none.
"""

from __future__ import annotations

import re

LEAST_LETTERS = 8
MARKS = 5  # superfluous exclamation and question marks that count as all
_RUN = re.compile(r"[!?！？]{2,}")


def shouting_score(text: str) -> float:
    """From 0 to 1: seven tenths the share of capitals among the letters that have case (of a text
    with at least eight of them), three tenths the superfluous marks, full at five."""
    capitals = sum(character.isupper() for character in text)
    letters = capitals + sum(character.islower() for character in text)
    share = capitals / letters if letters >= LEAST_LETTERS else 0.0
    marks = sum(len(run) - 1 for run in _RUN.findall(text))
    return round(0.7 * share + 0.3 * min(1.0, marks / MARKS), 4)
