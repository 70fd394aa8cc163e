"""`python -m coop_action_dispatcher dispatcher | migrate`: one process, one role."""

from __future__ import annotations

import sys

from coop_action_dispatcher.app import dispatcher, migrate
from coop_action_dispatcher.settings import Settings

USAGE = "usage: python -m coop_action_dispatcher dispatcher | migrate\n"


def main(arguments: list[str]) -> int:
    """The exit code of the role."""
    if arguments == ["dispatcher"]:
        return dispatcher(Settings.load()).run()
    if arguments == ["migrate"]:
        migrate(Settings.load())
        return 0
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
