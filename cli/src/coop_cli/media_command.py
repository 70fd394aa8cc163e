"""`coop media`: what was sent is looked at again.

Carried out by `python -m coop_hma_bridge`, whose banks and rules of fetching they are, in a process
of its own, so hma-bridge has to be installed here. Its settings are hma-bridge's: COOP_KAFKA; with
`--apply` COOP_POSTGRES, COOP_EGRESS_ALLOW, COOP_HMA_URL and COOP_HMA_TOKEN as well.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

_SERVICE = "coop_hma_bridge"
_EXIT_USAGE = 2

media = typer.Typer(no_args_is_help=True, help="Media that platforms sent.")


@media.callback()
def callback() -> None:
    """Media that platforms sent."""


@media.command(
    "rehash",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def rehash(context: typer.Context) -> None:
    """Hash and match what was sent in a span of time again: --since, --until, --org, --apply."""
    if find_spec(_SERVICE) is None:
        typer.echo("hma-bridge is not installed here: run this where it is", err=True)
        raise typer.Exit(_EXIT_USAGE)
    command = [sys.executable, "-m", _SERVICE, "rehash", *context.args]
    done = subprocess.run(command, check=False)  # noqa: S603 - our own module
    raise typer.Exit(done.returncode)
