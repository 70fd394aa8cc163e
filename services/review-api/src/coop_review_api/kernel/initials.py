"""The initials of a name.

Must not: know whose it is.
"""

from __future__ import annotations


def initials_of(name: str) -> str:
    """The first letters of the first word and the last."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
