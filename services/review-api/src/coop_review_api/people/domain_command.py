"""Mail domains of organisations, for whoever runs the system.

    sso-domain add    --org ID --domain DOMAIN [--shut-out-others]
    sso-domain remove --org ID --domain DOMAIN
    sso-domain list   --org ID

Prints one JSON object: the organisation's domains afterwards. Where accounts of other organisations
have addresses of the domain, adding is refused, and names them; with --shut-out-others they are
disabled, and their open invitations revoked.

Must not: be offered to organisations: the operator vouches for whom a domain belongs to.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import msgspec

from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import Conflict, ReviewError
from coop_review_api.people import domain
from coop_review_api.settings import Settings
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.process.error import Retryable


def run_domain(arguments: Sequence[str]) -> int:
    """Carry the command out; the exit code."""
    parser = argparse.ArgumentParser(prog="coop_review_api sso-domain")
    parser.add_argument("command", choices=("add", "remove", "list"))
    parser.add_argument("--org", required=True)
    parser.add_argument("--domain")
    parser.add_argument("--shut-out-others", action="store_true")
    wanted = parser.parse_args(arguments)
    if (wanted.command == "list") != (wanted.domain is None):
        parser.error("--domain goes with add and remove")
    settings = Settings.load().require("postgres")
    try:
        domains = asyncio.run(_carry_out(settings, wanted))
    except (ReviewError, Retryable, OSError) as error:
        used_by = "; ".join(error.used_by) if isinstance(error, Conflict) else ""
        sys.stderr.write(f"sso-domain: {error}{used_by and ': '}{used_by}\n")
        return 1
    shown = msgspec.json.encode({"orgId": wanted.org, "domains": domains})
    sys.stdout.write(shown.decode() + "\n")
    return 0


async def _carry_out(settings: Settings, wanted: argparse.Namespace) -> Sequence[str]:
    org_id: str = wanted.org
    engine = engine_of(
        settings.postgres, pool_size=1, application_name="coop-review-api-sso-domain"
    )
    try:
        async with transaction(engine) as connection:
            if wanted.command == "add":
                await domain.add(
                    connection,
                    org_id,
                    wanted.domain,
                    now=now(),
                    shut_out_others=wanted.shut_out_others,
                )
            elif wanted.command == "remove":
                await domain.remove(connection, org_id, wanted.domain, now=now())
            return await domain.of(connection, org_id)
    finally:
        await engine.dispose()
