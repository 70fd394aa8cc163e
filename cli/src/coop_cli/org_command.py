"""`coop org`: organisations, made, listed, suspended, resumed, removed, exported.

Carried out by `python -m coop_review_api org`, which owns them, in a process of its own: nothing on
the network makes or removes an organisation, so review-api has to be installed here. Its settings
are review-api's: COOP_POSTGRES, for `create` COOP_SECRET_KEYS, for `remove` COOP_KAFKA, COOP_REDIS,
COOP_OBJECT_STORE, COOP_DISPATCH_URL, COOP_HASH_URL (hma-bridge's), COOP_NCMEC_URL
(ncmec-reporter's) and COOP_INTERNAL_TOKEN as well.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

_SERVICE = "coop_review_api"
EXIT_USAGE = 2


def org(context: typer.Context) -> None:
    """Organisations: create, list, suspend, resume, remove, export (each with --help)."""
    if find_spec(_SERVICE) is None:
        typer.echo("review-api is not installed here: run this where it is", err=True)
        raise typer.Exit(EXIT_USAGE)
    command = [sys.executable, "-m", _SERVICE, "org", *context.args]
    done = subprocess.run(command, check=False)  # noqa: S603 - our own module
    raise typer.Exit(done.returncode)
