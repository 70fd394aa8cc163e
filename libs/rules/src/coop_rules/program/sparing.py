"""Compiling rules so that a bug of the compiler costs one rule, not all of them.

Guarantees: what the compiler does not fail on is in the program, in its order; the rules that it
fails on are named and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from coop_rules.program.program import EnabledRule, Program

_log = logging.getLogger(__name__)


def compile_sparing(
    rules: Sequence[EnabledRule], compiled: Callable[[Sequence[EnabledRule]], Program]
) -> tuple[Program, tuple[str, ...]]:
    """The program that `compiled` makes of the rules, and the ids of those that it failed on."""
    try:
        return compiled(rules), ()
    except Exception:  # noqa: BLE001 - logged
        _log.exception("compiling failed, trying rule by rule")
    good, failed = [], []
    for rule in rules:
        try:
            compiled([rule])
        except Exception:  # noqa: BLE001 - logged
            _log.exception("rule left out: %s", rule.ref.id)
            failed.append(rule.ref.id)
        else:
            good.append(rule)
    return compiled(good), tuple(failed)
