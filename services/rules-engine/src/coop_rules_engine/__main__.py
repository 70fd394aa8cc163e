"""`python -m coop_rules_engine engine`: one process, one role."""

from __future__ import annotations

import sys

from coop_rules_engine.app import engine
from coop_rules_engine.settings import Settings

USAGE = "usage: python -m coop_rules_engine engine\n"


def main(arguments: list[str]) -> int:
    """The exit code of the role."""
    if arguments == ["engine"]:
        return engine(Settings.load()).run()
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
