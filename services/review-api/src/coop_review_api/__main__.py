"""`python -m coop_review_api …`: what `process.roles` lists."""

from __future__ import annotations

import sys

from coop_review_api.process.roles import TABLE
from coop_runtime.process.role import main

if __name__ == "__main__":
    sys.exit(main(TABLE, sys.argv[1:]))
