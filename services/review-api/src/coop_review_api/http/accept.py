"""Which encoding of content somebody takes (RFC 9110, 12.5.3).

Must not: guess: what is not named is not taken, but for `*`.
"""

from __future__ import annotations

from collections.abc import Iterable


def encoding_of(accepted: str, offered: Iterable[str]) -> str | None:
    """The first of the offered that `Accept-Encoding` takes; None: the content as it is."""
    weights = dict(_weights(accepted))
    for encoding in offered:
        if weights.get(encoding, weights.get("*", 0.0)) > 0:
            return encoding
    return None


def _weights(accepted: str) -> Iterable[tuple[str, float]]:
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        key, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if key == "q" else 1.0
        except ValueError:
            weight = 0.0
        yield name.strip(), weight
