"""`python -m coop_review_api api | relay | migrate | create-org …`"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from coop_review_api.settings import RelaySettings, Settings

USAGE = "usage: python -m coop_review_api api | relay | migrate | create-org --help"


def main(arguments: Sequence[str]) -> int:
    """Run a role; the exit code. Modules are imported by role, so that each stays small."""
    match list(arguments):
        case ["api"]:
            from coop_review_api.app import run_api  # noqa: PLC0415

            return run_api(Settings.load())
        case ["relay"]:
            from coop_review_api.app import run_relay  # noqa: PLC0415

            return run_relay(RelaySettings.load())
        case ["migrate"]:
            from coop_review_api.app import run_migrate  # noqa: PLC0415

            return run_migrate(Settings.load())
        case ["create-org", *rest]:
            from coop_review_api.admin import run_create_org  # noqa: PLC0415

            return run_create_org(Settings.load(), rest)
    sys.stderr.write(USAGE + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
