"""What an organisation may know of the Hasher-Matcher-Actioner that is asked for it.

Guarantees: it is asked now, once; of its banks only the organisation's are named.
Must not: tell its address but for the host, or its token.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from coop_contracts.config import HashBank
from coop_contracts.hash_bank import HmaAccount, HmaBank
from coop_hma_bridge.file_hash import Ours
from coop_hma_bridge.hma import Hma


async def tried(hma: Hma, banks: Iterable[HashBank]) -> HmaAccount:
    """Its account, as it answers now."""
    began = time.monotonic()
    fault, there = None, dict[str, float]()
    try:
        there = await hma.banks()
    except Ours as ours:
        fault = str(ours)
    took = round((time.monotonic() - began) * 1000)
    return HmaAccount(
        host=hma.host,
        has_token=hma.has_token,
        milliseconds=None if fault else took,
        fault=fault,
        banks=[]
        if fault
        else [
            HmaBank(bank_id=bank.id, name=bank.hma_name, ratio=there.get(bank.hma_name))
            for bank in banks
        ],
    )
