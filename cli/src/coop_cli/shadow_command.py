"""`coop shadow`: what Coop decides on the same traffic, beside what is decided here.

Carried out by `python -m coop_review_api shadow`, in a process of its own, so review-api has to be
installed here. Its settings are review-api's: COOP_POSTGRES.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import typer

_SERVICE = "coop_review_api"
_EXIT_USAGE = 2


def shadow(context: typer.Context) -> None:
    """Coop and this system on the same traffic: receive, report (each with --help)."""
    if find_spec(_SERVICE) is None:
        typer.echo("review-api is not installed here: run this where it is", err=True)
        raise typer.Exit(_EXIT_USAGE)
    command = [sys.executable, "-m", _SERVICE, "shadow", *context.args]
    sys.stdout.flush()
    # In the place of this process, so that a signal reaches the receiver.
    os.execv(sys.executable, command)  # noqa: S606 - our own module
