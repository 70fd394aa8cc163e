"""Moving in, for whoever runs the system.

    import coop    --dsn URL --org ID [--apply] [--overwrite] [--saml-entity-id ID] [--format json]
    import promote --org ORG [--rule ID …] [--apply] [--format json]
    import links   --org ORG [--email ADDRESS …]

`coop` reads an organisation of Coop's out of its PostgreSQL (COOP_IMPORT_DSN instead of --dsn keeps
its password out of the list of processes) and says what there would be here; with --apply it is
made. `promote` turns on the rules that act in Coop. `links` makes links with which people set their
password: of those named, or of those who administer the organisation. What is done meanwhile goes
to the standard error. Exit code 1 where something was refused that was not known of before.

Must not: be reachable over HTTP; write to Coop's database.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import ReviewError
from coop_review_api.moving import links
from coop_review_api.moving.mapper import Known, mapped
from coop_review_api.moving.mover import Destination, Mover
from coop_review_api.moving.promotion import promote
from coop_review_api.moving.reader import SourceError, read
from coop_review_api.moving.report import as_text
from coop_review_api.organisation import state
from coop_review_api.settings import ImportSettings, Settings
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.process.error import Retryable
from coop_runtime.secret.vault import Vault
from coop_signals import InstalledSignals, load

NAME = "coop-review-api-import"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a command says, and whether all of it was done."""

    shown: str
    done: bool


def run_import(arguments: Sequence[str], checks_of: Callable[[Settings], DocumentChecks]) -> int:
    """Carry the command out; the exit code. `checks_of` makes the checks of documents of the
    settings."""
    wanted = _parsed(arguments)
    settings = ImportSettings.load().require("postgres")
    if wanted.command == "coop":
        wanted.dsn = wanted.dsn or settings.import_dsn.get_secret_value()
        if not wanted.dsn:
            sys.stderr.write("import coop: give --dsn, or COOP_IMPORT_DSN\n")
            return 2
    try:
        result = asyncio.run(_carry_out(settings, wanted, checks_of(settings)))
    except (ReviewError, Retryable, SourceError, OSError) as error:
        sys.stderr.write(f"import {wanted.command}: {error}\n")
        return 1
    sys.stdout.write(result.shown)
    return 0 if result.done else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="coop_review_api import")
    commands = parser.add_subparsers(dest="command", required=True)
    coop = commands.add_parser("coop", help="an organisation of Coop's, out of its database")
    coop.add_argument("--dsn", help="Coop's database, postgres://…")
    coop.add_argument("--org", required=True, help="its id in Coop, which it keeps")
    coop.add_argument(
        "--overwrite", action="store_true", help="also what was changed here since the last time"
    )
    coop.add_argument("--saml-entity-id", help="the identity provider's, which Coop does not keep")
    promoting = commands.add_parser("promote", help="turn on the rules that act in Coop")
    promoting.add_argument("--org", required=True, help="its id, its slug, or one of its domains")
    promoting.add_argument("--rule", action="append", default=[], help="only this one, by id")
    for command in (coop, promoting):
        how = command.add_mutually_exclusive_group()
        how.add_argument("--plan", action="store_true", help="say what would be done (default)")
        how.add_argument("--apply", action="store_true", help="do it")
        command.add_argument("--format", choices=("text", "json"), default="text")
    linking = commands.add_parser("links", help="links with which people set their password")
    linking.add_argument("--org", required=True, help="its id, its slug, or one of its domains")
    linking.add_argument("--email", action="append", default=[], help="of this person")
    return parser.parse_args(arguments)


async def _carry_out(
    settings: Settings, wanted: argparse.Namespace, checks: DocumentChecks
) -> Imported:
    engine = engine_of(settings.postgres, pool_size=2, application_name=NAME)
    installed = load()
    here = Destination(
        engine=engine,
        vault=Vault.of(settings),
        signals=installed.catalogue,
        checks=checks,
        clock=now,
    )
    try:
        if wanted.command == "coop":
            return await _coop(here, installed, wanted)
        async with transaction(engine) as connection:
            org_id = (await state.named(connection, wanted.org)).org_id
        if wanted.command == "promote":
            return await _promote(here, org_id, wanted)
        made = await links.make(engine, settings, org_id, emails=wanted.email, clock=now)
        return Imported(shown="".join(f"{_json(one)}\n" for one in made), done=bool(made))
    finally:
        await engine.dispose()


async def _coop(
    here: Destination, installed: InstalledSignals, wanted: argparse.Namespace
) -> Imported:
    source = await read(wanted.dsn, wanted.org)
    known = Known(manifests=installed.manifests, now=now(), saml_entity_id=wanted.saml_entity_id)
    things = await asyncio.to_thread(lambda: list(mapped(source, known)))
    mover = Mover(
        here=here,
        org_id=source.org_id,
        name=source.one("public.orgs")["name"],
        things=things,
        overwrite=wanted.overwrite,
        tell=lambda said: print(said, file=sys.stderr, flush=True),  # noqa: T201 - progress
    )
    report = await (mover.apply() if wanted.apply else mover.plan())
    shown = _json(report) + "\n" if wanted.format == "json" else as_text(report)
    return Imported(shown=shown, done=True)


async def _promote(here: Destination, org_id: str, wanted: argparse.Namespace) -> Imported:
    done, refused = await promote(here, org_id, only=wanted.rule, applied=wanted.apply)
    if wanted.format == "json":
        shown = _json({"orgId": org_id, "applied": wanted.apply, "rules": done, "refused": refused})
        return Imported(shown=shown + "\n", done=not refused)
    verb = "turned on" if wanted.apply else "to be turned on"
    lines = [f"{len(done)} rules {verb}", *(f"  {one.id} {one.name}" for one in done)]
    lines += [f"refused: {one}" for one in refused]
    return Imported(shown="\n".join(lines) + "\n", done=not refused)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
