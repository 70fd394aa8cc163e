"""`coop audit`: whether the logs of configuration and of people's deeds are as they were written.

Reads the database of `COOP_POSTGRES` by itself, not through the API, whose host may be the one in
question. Exit codes as of `coop`: 1 when a fault was found; 3 when the database does not answer.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from coop_cli.printable import printable
from coop_cli.settings import CliSettings
from coop_runtime.process.error import Retryable
from coop_runtime.secret.vault import Vault

if TYPE_CHECKING:
    from coop_audit.chain import Report

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3

audit = typer.Typer(no_args_is_help=True, help="The audit log.")


@audit.callback()
def callback() -> None:
    """The audit log and the configuration log, one chain of hashes an organisation."""


@audit.command("verify")
def verify_chains(
    org: Annotated[str | None, typer.Option(help="Only this organisation's chain.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    known: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="What was true before: the JSON of an earlier verification, or the relay's log.",
        ),
    ] = None,
) -> None:
    """Find every change, deletion and reordering. With COOP_SECRET_KEYS the anchors' authenticity
    is checked as well: without, a chain that was computed anew whole can go unnoticed. Whoever
    deletes everything since a moment, anchors included, is found by --known alone: keep the JSON of
    each verification where the database's owner cannot write."""
    try:
        heads = _known_in(known.read_bytes()) if known else []
    except (msgspec.MsgspecError, UnicodeDecodeError):
        typer.echo(f"{known} has neither a report nor a log in it", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    if known and not heads:
        typer.echo(f"{known} tells of no chain", err=True)
        raise typer.Exit(EXIT_USAGE)
    settings = CliSettings.load().require("postgres")
    vault = Vault.of(settings) if settings.secret_keys.get_secret_value() else None
    try:
        report = asyncio.run(_verify(settings, vault, org, heads))
    except Retryable as error:
        typer.echo(f"the database does not answer: {error}", err=True)
        raise typer.Exit(EXIT_UNAVAILABLE) from None
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _print(report, authenticated=vault is not None)
    if report.faults:
        raise typer.Exit(EXIT_FAILED)


class _Line(msgspec.Struct):
    """What is read of a line of the relay's log: an anchor has all of it."""

    chain: str | None = None
    sequence: int | None = None
    hash: str | None = None


class _Before(msgspec.Struct):
    """What is read of an earlier report."""

    heads: dict[str, tuple[int, str]]


def _known_in(content: bytes) -> list[tuple[str, int, str]]:
    """Chain, sequence and hash (hex) of each head that a file tells of. Raises MsgspecError."""
    try:
        before = msgspec.json.decode(content, type=_Before)
    except msgspec.MsgspecError:
        lines = [line for line in content.splitlines() if line.lstrip().startswith(b"{")]
        found = [msgspec.json.decode(line, type=_Line) for line in lines]
        return [
            (one.chain, one.sequence, one.hash)
            for one in found
            if one.chain is not None and one.sequence is not None and one.hash is not None
        ]
    return [(chain, sequence, head) for chain, (sequence, head) in before.heads.items()]


async def _verify(
    settings: CliSettings,
    vault: Vault | None,
    org: str | None,
    known: list[tuple[str, int, str]],
) -> Report:
    # Here, because every other command starts faster without them.
    from coop_audit.chain import verify  # noqa: PLC0415
    from coop_audit.witness import Head  # noqa: PLC0415
    from coop_runtime.database.engine import engine_of  # noqa: PLC0415

    engine = engine_of(settings.postgres, pool_size=1, application_name="coop-cli")
    try:
        heads = [Head(chain=chain, sequence=number, hash=head) for chain, number, head in known]
        return await verify(engine, vault, org_id=org, known=heads)
    finally:
        await engine.dispose()


def _print(report: Report, *, authenticated: bool) -> None:
    for fault in report.faults:
        where = "" if fault.sequence is None else f" at entry {fault.sequence}"
        chain = fault.chain or "of no organisation"
        typer.echo(printable(f"{fault.kind}: chain {chain}{where}: {fault.what}"))
    if report.truncated:
        typer.echo(f"only the first {len(report.faults)} faults are shown")
    anchors = f"{report.anchors} anchors" + ("" if authenticated else " (authenticity not checked)")
    faults = f"{len(report.faults) or 'no'} faults"
    if report.unanchored:
        typer.echo(f"{report.unanchored} entries are newer than their chain's last anchor")
    typer.echo(f"{report.entries} entries in {len(report.heads)} chains, {anchors}: {faults}")
