"""`coop import`: an organisation of Coop's, moved in.

Carried out by `python -m coop_review_api import`, through whose checks everything goes, in a
process of its own, so review-api has to be installed here. Its settings are review-api's:
COOP_POSTGRES and COOP_SECRET_KEYS; Coop's database is `--dsn`, or COOP_IMPORT_DSN.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

_SERVICE = "coop_review_api"
_EXIT_USAGE = 2


def import_(context: typer.Context) -> None:
    """Moving in from Coop: coop, promote, links (each with --help)."""
    if find_spec(_SERVICE) is None:
        typer.echo("review-api is not installed here: run this where it is", err=True)
        raise typer.Exit(_EXIT_USAGE)
    command = [sys.executable, "-m", _SERVICE, "import", *context.args]
    done = subprocess.run(command, check=False)  # noqa: S603 - our own module
    raise typer.Exit(done.returncode)
