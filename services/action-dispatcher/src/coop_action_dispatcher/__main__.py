"""`python -m coop_action_dispatcher dispatcher | api | migrate`: one process, one role."""

from __future__ import annotations

import sys

USAGE = "usage: python -m coop_action_dispatcher dispatcher | api | migrate\n"


def main(arguments: list[str]) -> int:
    """The exit code of the role. Imports are by role, so that each stays small."""
    match arguments:
        case ["dispatcher"]:
            from coop_action_dispatcher.app import dispatcher  # noqa: PLC0415
            from coop_action_dispatcher.settings import Settings  # noqa: PLC0415

            return dispatcher(Settings.load()).run()
        case ["api"]:
            from coop_action_dispatcher.api.app import api  # noqa: PLC0415
            from coop_action_dispatcher.settings import ApiSettings  # noqa: PLC0415

            return api(ApiSettings.load()).run()
        case ["migrate"]:
            from coop_action_dispatcher.app import migrate  # noqa: PLC0415
            from coop_action_dispatcher.settings import Settings  # noqa: PLC0415

            migrate(Settings.load())
            return 0
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
