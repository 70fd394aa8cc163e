"""`python -m coop_hma_bridge …`: what `roles` lists."""

from __future__ import annotations

import sys

from coop_hma_bridge.roles import TABLE
from coop_runtime.process.role import main

if __name__ == "__main__":
    sys.exit(main(TABLE, sys.argv[1:]))
