"""`coop erase`: end users of the platform, erased.

    coop erase user TYPE ID …          these users
    coop erase user TYPE --file FILE   those whose ids are in a file, one a line
    coop erase show ERASURE            how far it is: what went, what stayed and why

Asked of the review API as COOP_EMAIL, who needs ERASE_END_USERS. Lists of any length become
erasures of a thousand each. Exit codes: 0 asked for, or finished; 1 refused, or not finished; 2
wrong usage; 3 the API cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from coop_cli.api_client import ApiRefused, ApiUnavailable, ReviewApi, part, signed_in
from coop_cli.settings import ReviewApiSettings

EXIT_FAILED, EXIT_USAGE, EXIT_API = 1, 2, 3
_AT_ONCE = 1000

erase = typer.Typer(no_args_is_help=True, help="End users of the platform: erase what they sent.")


@erase.command("user")
def user(
    type_id: Annotated[str, typer.Argument(help="The item type of users.")],
    ids: Annotated[list[str] | None, typer.Argument(help="Their ids.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file of ids, one a line.")] = None,
    reason: Annotated[str | None, typer.Option(help="Kept with the report; names nobody.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase users: everything that they sent until now. It cannot be taken back."""
    wanted = list(dict.fromkeys([*(ids or ()), *_read(file)]))
    if not wanted:
        typer.echo("name the users: ids, or --file", err=True)
        raise typer.Exit(EXIT_USAGE)
    if not yes and not typer.confirm(f"erase {len(wanted)} users for good?"):
        raise typer.Exit(EXIT_FAILED)
    with _asked() as api:
        rest = iter(wanted)
        while batch := list(islice(rest, _AT_ONCE)):
            users = [{"typeId": type_id, "id": one} for one in batch]
            body = {"users": users} | ({} if reason is None else {"reason": reason})
            _print(api.call("POST", "/v1/erasures", body).json())


@erase.command("show")
def show(erasure_id: Annotated[str, typer.Argument(help="The erasure's id.")]) -> None:
    """The report of an erasure."""
    with _asked() as api:
        found = api.get(f"/v1/erasures/{part(erasure_id)}")
    _print(found)
    if found["state"] != "COMPLETE":
        raise typer.Exit(EXIT_FAILED)


def _read(file: Path | None) -> Iterator[str]:
    if file is None:
        return
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    yield from (line.strip() for line in lines if line.strip())


@contextmanager
def _asked() -> Iterator[ReviewApi]:
    try:
        with signed_in(ReviewApiSettings.load()) as api:
            yield api
    except ApiRefused as error:
        typer.echo(f"refused: {error}", err=True)
        for fault in error.refusals:
            typer.echo(f"  {fault.pointer}: {fault.reason}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except ApiUnavailable as error:
        typer.echo(f"the review API cannot be reached: {error}", err=True)
        raise typer.Exit(EXIT_API) from None


def _print(answer: Any) -> None:
    typer.echo(msgspec.json.encode(answer).decode())
