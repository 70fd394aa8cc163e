"""`coop shadow`: carried out by review-api's own command, in the place of this process."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_said_comes_from_review_api() -> None:
    """Its arguments are passed on, its exit code and words come back."""
    asked = [sys.executable, "-m", "coop_cli", "shadow", "receive", "--file", "f"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "one of the arguments --pem --org is required" in done.stderr
