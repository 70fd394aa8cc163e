"""Writes review-api's OpenAPI document, from the application itself: no server is started.

    python services/review-console/scripts/openapi.py FILE

Must not: need a database, a setting or a network.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from coop_review_api.http.openapi import document
from coop_review_api.process.application import build


def main(target: Path) -> None:
    """Write it, with its keys in order, so that a difference is a difference of the API."""
    schema = document(build(None))  # type: ignore[arg-type]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
