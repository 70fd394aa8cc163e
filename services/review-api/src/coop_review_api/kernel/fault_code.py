"""What a fault's reason says, for programs: a code, and the numbers and words of the sentence.

Reasons are written where a check is, in English and for people. The same sentences say the same
things everywhere; here they are read once, so that a page can use words of its own.

Guarantees: every reason has a code, from a closed set (`CODES`); what the sentence names is in the
parameters. What has no common form is `invalid`: its reason says more.
Must not: change what people read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

Value = str | int | float | bool


class FaultCode(NamedTuple):
    """`params` are what the reason names."""

    code: str
    params: Mapping[str, Value]


_NUMBER: Final = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_SENTENCES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("required", r"(?:required|needed)(?: with (?P<with>.+))?"),
        ("required", r"Field required"),
        ("required", r"this organisation requires (?P<what>.+)|required (?P<while>while .+)"),
        ("required", r"needs (?P<with>.+)|choose one|give .+|say which: .+|one of .+"),
        ("unknown-field", r"Extra inputs are not permitted"),
        ("not-found", r"no such (?P<what>.+)|.+ has no such (?P<member>.+)|there is no such .+"),
        ("duplicate", r"given twice|already taken|another \w+ has this name|is there already"),
        ("duplicate", r"an account has this address.*|is invited|a parameter has the same name"),
        ("exclusive", r".+, not both|only .+|with .+, leave .+ out"),
        ("too-many", rf"at most (?P<most>{_NUMBER})(?: (?P<of>.+))?"),
        ("too-few", rf"at least (?P<least>{_NUMBER}|one)(?: (?P<of>.+))?"),
        ("out-of-range", rf"from (?P<least>{_NUMBER}) to (?P<most>{_NUMBER})"),
        ("length", rf"(?P<least>{_NUMBER}) to (?P<most>{_NUMBER})(?: (?P<of>.+))?"),
        ("not-a-cursor", r"not a cursor of this list"),
        ("unknown-parameter", r"not a parameter of this address"),
        ("not-public", r".+ does not lead to a public address"),
        ("order", r"must be before .+"),
        ("time", r"too early|lies in the past|has passed.*"),
        ("format", r"(?:must be|not an?|no) .+"),
        ("characters", r"(?:names )?must not contain (?P<what>.+)|has characters that .+"),
        ("read-only", r"cannot be changed(?:: .+)?"),
    )
)
FALLBACK: Final = "invalid"
CODES: Final = frozenset(code for code, _ in _SENTENCES) | {FALLBACK}


def of(reason: str) -> FaultCode:
    """What the reason says."""
    for code, sentence in _SENTENCES:
        found = sentence.fullmatch(reason)
        if found is not None:
            params = {name: _value(text) for name, text in found.groupdict().items() if text}
            return FaultCode(code, params)
    return FaultCode(FALLBACK, {})


def _value(text: str) -> Value:
    if text == "one":
        return 1
    if not re.fullmatch(_NUMBER, text):
        return text
    number = float(text)
    return int(number) if number.is_integer() else number
