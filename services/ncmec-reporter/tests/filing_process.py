"""A process that files, without a broker: for tests that kill it.

Each line of its input starts one (a fork, so that a start costs nothing), with settings of the
revision that the line names, and is answered with its number; the next line is read when that one
has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import msgspec

from coop_contracts.config import Kind, NcmecSettings, WebhookKey
from coop_ncmec_reporter.app import filer_of
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.evidence import EvidenceStore
from coop_ncmec_reporter.fetch import Fetcher
from coop_ncmec_reporter.filer import Schedule, utc_now
from coop_ncmec_reporter.keeper import FilingKeeper
from coop_ncmec_reporter.keeping import Keeping
from coop_ncmec_reporter.place import Places
from coop_ncmec_reporter.preserving import Preserving, Telling
from coop_ncmec_reporter.signed_call import Platforms
from coop_runtime.database.engine import engine_of
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.secret.vault import Vault

VAULT = Vault([b"0" * 32])


async def _file(told: dict[str, str], revision: int) -> None:
    settings = msgspec.json.decode(told["settings"], type=NcmecSettings)
    keys = msgspec.json.decode(told["keys"], type=list[WebhookKey])
    config = ConfigTable.of(
        [
            ConfigChange(told["org"], Kind.NCMEC_SETTINGS, "settings", settings, revision),
            *(ConfigChange(told["org"], Kind.WEBHOOK_KEY, one.id, one, 1) for one in keys),
        ]
    )
    guard = EgressGuard(["127.0.0.0/8"])
    engine = engine_of(told["database"], application_name="filing")
    places = Places(
        platforms=Platforms(guard, VAULT, config),
        test_url=told["ncmec"],
        production_url="",
        production=False,
        outside=False,
    )
    check = DocumentCheck(None)
    preserving = Preserving(
        engine,
        VAULT,
        places.platforms,
        clock=utc_now,
        telling=Telling(delays=(0.05,), lease=1, poll=0.05),
    )
    filer = filer_of(
        engine,
        VAULT,
        places,
        EvidenceStore(Path(told["folder"]), VAULT, most=10**8),
        Fetcher(guard, most=10**8),
        check,
        preserving,
        schedule=Schedule(lease=1, delays=(0.05,), poll=0.05),
    )
    keeper = FilingKeeper(engine, places, filer.wake, Keeping(), check, clock=utc_now)
    await asyncio.gather(filer.run(), preserving.run(), keeper.run())


def main() -> None:
    told = json.loads(sys.argv[1])
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            # A pipe that nobody empties would stop it.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            asyncio.run(_file(told, int(line)))
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
