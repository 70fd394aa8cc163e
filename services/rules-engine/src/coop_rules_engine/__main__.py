"""`python -m coop_rules_engine engine | slow | backtest`: one process, one role."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from coop_rules_engine.app import backtest, engine, slow
from coop_rules_engine.settings import BacktestSettings, Settings, SlowSettings

USAGE = "usage: python -m coop_rules_engine engine | slow | backtest\n"

ROLES: Mapping[str, Callable[[], int]] = {
    "engine": lambda: engine(Settings.load()).run(),
    "slow": lambda: slow(SlowSettings.load()).run(),
    "backtest": lambda: backtest(BacktestSettings.load()).run(),
}


def main(arguments: list[str]) -> int:
    """The exit code of the role."""
    role = ROLES.get(arguments[0]) if len(arguments) == 1 else None
    if role is not None:
        return role()
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
