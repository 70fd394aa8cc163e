"""`python -m coop_routing router | migrate`: one process, one role."""

from __future__ import annotations

import sys

from coop_queues.migrations import run as migrate
from coop_routing.app import router
from coop_routing.settings import Settings

USAGE = "usage: python -m coop_routing router | migrate\n"


def main(arguments: list[str]) -> int:
    """The exit code of the role."""
    if arguments == ["router"]:
        return router(Settings.load()).run()
    if arguments == ["migrate"]:
        migrate(Settings.load().require("postgres").postgres)
        return 0
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
