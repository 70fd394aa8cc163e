"""Text on the operator's terminal.

Guarantees: what an attacker wrote (an item's text, a rule's name) does not steer the terminal.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with what is not printable spelled out."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
