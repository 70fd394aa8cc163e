"""`python -m coop_review_api <role>`: one process, one role (see USAGE)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = (
    "usage: python -m coop_review_api"
    " api | relay | projector | migrate | create-org --help | sso-domain --help\n"
)


def main(arguments: Sequence[str]) -> int:
    """Run a role; the exit code. Imports are by role, so that each stays small and starts fast."""
    match list(arguments):
        case ["api"]:
            from coop_review_api.process.api import api  # noqa: PLC0415
            from coop_review_api.settings import Settings  # noqa: PLC0415

            return api(Settings.load()).run()
        case ["relay"]:
            from coop_review_api.process.relay import relay  # noqa: PLC0415
            from coop_review_api.settings import RelaySettings  # noqa: PLC0415

            return relay(RelaySettings.load()).run()
        case ["projector"]:
            from coop_review_api.process.projector import projector  # noqa: PLC0415
            from coop_review_api.settings import ProjectorSettings  # noqa: PLC0415

            return projector(ProjectorSettings.load()).run()
        case ["migrate"]:
            from coop_review_api.migrations import run  # noqa: PLC0415
            from coop_review_api.settings import Settings  # noqa: PLC0415

            run(Settings.load().require("postgres").postgres)
            return 0
        case ["create-org", *rest]:
            from coop_review_api.organisation.create_command import run_create_org  # noqa: PLC0415

            return run_create_org(rest)
        case ["sso-domain", *rest]:
            from coop_review_api.single_sign_on.domain_command import run_domain  # noqa: PLC0415

            return run_domain(rest)
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
