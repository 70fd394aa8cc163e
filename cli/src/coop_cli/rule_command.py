"""`coop rules`: why something happened, tests of rules, and rules as files.

Exit codes as of `coop`: 1 also where files and system differ (`diff`), or a test failed (`test`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from coop_cli import rule_apply
from coop_cli.api_client import ApiRefused, ApiUnavailable, ReviewApi, signed_in
from coop_cli.explained import NotExplained, explained
from coop_cli.explanation_text import explanation_lines
from coop_cli.printable import printable
from coop_cli.rule_case import run_cases
from coop_cli.rule_case_file import read_case_file
from coop_cli.rule_file import MOVED, FileKind
from coop_cli.rule_folder import FileError, RuleFile, free_path, read_folder, write_file
from coop_cli.rule_sync import Comparison, SyncState, System, compare, difference, read_system
from coop_cli.settings import ReviewApiSettings

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 3

rules = typer.Typer(no_args_is_help=True, help="Rules: explained, tested, and as files.")

Folder = Annotated[Path, typer.Option("--dir", file_okay=False, help="The folder of the files.")]
_HERE = Path(".")


@rules.command("explain")
def explain(
    named: Annotated[
        str, typer.Argument(metavar="SUBMISSION|ITEM", help="A submission's id, or an item's.")
    ],
    item_type: Annotated[
        str | None, typer.Option("--type", help="The item's type: its name or id.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> None:
    """Why the rules said what they said of a submission, condition by condition. Of an item: of its
    newest submission of which something is recorded; which others there are is said."""
    try:
        with _api() as api:
            found, others = explained(api, named, item_type=item_type)
    except NotExplained as error:
        _fail(str(error))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for line in explanation_lines(found):
        typer.echo(printable(line))
    for one in others:
        typer.echo(printable(f"earlier: submission {one['submissionId']} of {one['time']}"))


@rules.command("test")
def test(
    file: Annotated[Path, typer.Argument(dir_okay=False, exists=True, help="A file of cases.")],
) -> None:
    """Check rules against cases: which rules pass on which item. Nothing is asked of a system."""
    try:
        results = run_cases(read_case_file(file))
    except FileError as error:
        _fail(str(error))
    failed = [result for result in results if result.lines]
    for result in failed:
        typer.echo(printable(f"FAILED {result.name}"))
        for line in result.lines:
            typer.echo(printable(f"  {line}"))
    typer.echo(f"{len(results) - len(failed)} of {len(results)} passed")
    if failed:
        raise typer.Exit(EXIT_FAILED)


@rules.command("pull")
def pull(
    folder: Folder = _HERE,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that were changed here.")
    ] = False,
) -> None:
    """Write the system's rules, and the banks and item types they refer to, into files.

    Files of documents that the system no longer has are removed; files without an id stay.
    """
    with _api() as api:
        system = read_system(api, FileKind)
    with _files():
        local = {kind: read_folder(folder, kind) for kind in FileKind}
        _refuse_to_lose(local, system, force=force)
        written = removed = 0
        for kind, files in local.items():
            written += _write_all(folder, kind, files, system)
            for file in files:
                if file.id is not None and file.id not in system.documents[kind]:
                    file.path.unlink()
                    removed += 1
    count = sum(len(found) for found in system.documents.values())
    typer.echo(f"{count} documents, {written} files written, {removed} removed")


def _refuse_to_lose(local: dict[FileKind, list[RuleFile]], system: System, *, force: bool) -> None:
    """A file that differs from the very revision that it came from was changed here."""
    moved = System({kind: system.documents[kind] for kind in MOVED}, system.names)
    files = [file for kind in MOVED for file in local[kind]]
    changed = [one for one in compare(files, moved) if one.state is SyncState.CHANGED]
    if changed and not force:
        for one in changed:
            assert one.file is not None
            typer.echo(f"{one.file.path}: changed here and not applied", err=True)
        _fail("nothing was written: apply them first, or give --force to lose them")


def _write_all(folder: Path, kind: FileKind, files: Sequence[RuleFile], system: System) -> int:
    """Write every document of a kind; how many files that changed."""
    paths = {file.id: file.path for file in files if file.id is not None}
    taken = {file.path for file in files}
    written = 0
    for document_id, document in sorted(system.documents[kind].items()):
        path = paths.get(document_id)
        if path is None:
            path = free_path(folder, kind, document["name"], document_id, taken)
            taken.add(path)
        written += write_file(path, system.file_of(kind, document_id))
    return written


@rules.command("diff")
def diff(folder: Folder = _HERE) -> None:
    """Show what differs between the system and the files. Exit code 1 where something does."""
    with _api() as api:
        system = read_system(api, MOVED)
    found = _compared(folder, system)
    _show(found, system)
    if any(one.state is not SyncState.SAME for one in found):
        raise typer.Exit(EXIT_FAILED)


@rules.command("apply")
def apply(
    folder: Folder = _HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Act without asking.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Act on conflicts too: the files win.")
    ] = False,
) -> None:
    """Make the system what the files say; the difference is shown first. Deletes nothing."""
    with _api() as api:
        system = read_system(api, MOVED)
        found = _compared(folder, system)
        _show(found, system)
        acting = (SyncState.NEW, SyncState.CHANGED, *([SyncState.CONFLICT] if overwrite else []))
        wanted = [one for one in found if one.state in acting]
        conflicts = [one for one in found if one.state is SyncState.CONFLICT]
        if conflicts and not overwrite:
            _fail("nothing was done: pull and merge, or give --overwrite to let the files win")
        for file, unknown in rule_apply.missing_names(system, wanted):
            typer.echo(printable(f"{file.path}: {unknown}"), err=True)
        if rule_apply.missing_names(system, wanted):
            _fail("nothing was done")
        if not wanted:
            typer.echo("nothing to do")
            return
        if not yes and not (sys.stdin.isatty() and typer.confirm("Act?")):
            _fail("nothing was done: give --yes to act")
        try:
            rule_apply.apply(api, system, wanted, lambda line: typer.echo(printable(line)))
        except rule_apply.ApplyError as error:
            _fail(str(error))


def _compared(folder: Path, system: System) -> list[Comparison]:
    with _files():
        if not folder.is_dir():
            _fail(f"there is no folder {folder}")
        return compare([file for kind in MOVED for file in read_folder(folder, kind)], system)


def _show(found: Sequence[Comparison], system: System) -> None:
    for one in found:
        if one.state is SyncState.SAME:
            continue
        why = f": {one.why}" if one.why else ""
        typer.echo(printable(f"{one.state} {one.kind.removesuffix('s')} {one.name}{why}"))
        if one.state is not SyncState.MISSING:
            for line in difference(one, system):
                typer.echo(printable(f"  {line}"))


@contextmanager
def _files() -> Iterator[None]:
    try:
        yield
    except FileError as error:
        _fail(str(error))


@contextmanager
def _api() -> Iterator[ReviewApi]:
    settings = ReviewApiSettings.load()
    try:
        with signed_in(settings) as api:
            yield api
    except ApiRefused as error:
        reasons = "".join(f"\n  {one.pointer}: {one.reason}" for one in error.refusals)
        _fail(f"{error} (HTTP {error.status}){reasons}")
    except ApiUnavailable as error:
        typer.echo(f"the API at {settings.url} does not answer: {error}", err=True)
        raise typer.Exit(EXIT_UNAVAILABLE) from None


def _fail(reason: str) -> NoReturn:
    typer.echo("\n".join(printable(line) for line in reason.splitlines()), err=True)
    raise typer.Exit(EXIT_FAILED)
