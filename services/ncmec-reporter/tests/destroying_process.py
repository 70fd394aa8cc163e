"""A process that destroys what was confirmed, and stops at a place to be killed there: before the
removal of a file, or after it, by turns."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from coop_ncmec_reporter.destroyer import Destroyer
from coop_ncmec_reporter.evidence import EvidenceStore
from coop_ncmec_reporter.filer import utc_now
from coop_runtime.database.engine import engine_of
from coop_runtime.secret.vault import Vault


class StoppingStore(EvidenceStore):
    """Stops at its second file: an even number before it is removed, an odd one after."""

    at = 0
    seen = 0

    async def destroy(self, evidence_id: str) -> None:
        self.seen += 1
        if self.seen == 2 and self.at % 2 == 0:
            self.stop()
        await super().destroy(evidence_id)
        if self.seen == 2:
            self.stop()

    def stop(self) -> None:
        print("there", file=sys.stderr, flush=True)
        time.sleep(600)


async def main() -> None:
    told = json.loads(sys.argv[1])
    store = StoppingStore(Path(told["folder"]), Vault([b"0" * 32]), most=1)
    store.at = told["at"]
    engine = engine_of(told["database"], application_name="destroying")
    await Destroyer(engine, store, clock=utc_now).once()


if __name__ == "__main__":
    asyncio.run(main())
