"""`python -m coop_ingest api`: runs ingest until it is told to stop."""

from __future__ import annotations

import sys

from coop_ingest.app import build_service
from coop_ingest.settings import Settings


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments != ["api"]:
        sys.stderr.write("usage: python -m coop_ingest api\n")
        return 2
    return build_service(Settings.load()).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
