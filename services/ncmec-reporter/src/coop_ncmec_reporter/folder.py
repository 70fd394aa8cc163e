"""Names in a folder, kept."""

from __future__ import annotations

import os
from pathlib import Path


def sync(folder: Path) -> None:
    """What is named in it now is so after the machine lost its power, too. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
