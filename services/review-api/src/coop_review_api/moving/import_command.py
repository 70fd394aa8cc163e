"""Moving in, for whoever runs the system.

    import coop    --dsn URL --org ID [--apply] [--overwrite] [--saml-entity-id ID] [--format json]
                   [--history [--since DAY]] [--jobs | --jobs-file FILE]
    import osprey  --org ORG --path FOLDER [--item-type ID] [--callback URL] [--fields FILE]
                   [--apply] [--overwrite] [--format json]
    import promote --org ORG [--rule ID …] [--apply] [--format json]
    import links   --org ORG [--email ADDRESS …]

`coop` reads an organisation of Coop's out of its PostgreSQL (COOP_IMPORT_DSN instead of --dsn keeps
its password out of the list of processes) and says what there would be here; with --apply it is
made. With --history decisions and comments come along, with --jobs what waits in Coop's Redis
(COOP_IMPORT_REDIS), with --jobs-file what a file of JSON lines says that waits. `osprey` reads a
folder of Osprey's rules, or one file, and never runs them. `promote` turns on the rules that act
there. `links` makes links with which people set their password: of those
named, or of those who administer the organisation. What is done meanwhile goes to the standard
error. Exit code 1 where something was refused that was not known of before.

Must not: be reachable over HTTP; write to Coop's database.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import msgspec

from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import ReviewError
from coop_review_api.moving import links
from coop_review_api.moving.coop_table import COMMENTS, DECISIONS
from coop_review_api.moving.history_mover import HistoryMover
from coop_review_api.moving.history_reader import BEGIN, HistoryReader
from coop_review_api.moving.mapper import Known, mapped
from coop_review_api.moving.mover import Destination, Mover
from coop_review_api.moving.osprey.feature import fields_in
from coop_review_api.moving.osprey.mapper import OspreyWishes
from coop_review_api.moving.osprey.mapper import mapped as of_osprey
from coop_review_api.moving.osprey.ruleset import RulesetError, read_ruleset
from coop_review_api.moving.promotion import promote
from coop_review_api.moving.reader import SourceError, read
from coop_review_api.moving.report import as_text
from coop_review_api.moving.review_job import CoopNames
from coop_review_api.moving.source import CoopSource
from coop_review_api.moving.waiting import Waiting, WaitingInFile, WaitingInRedis
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
        wanted.redis = settings.import_redis.get_secret_value()
        missing = _missing(wanted)
        if missing:
            sys.stderr.write(f"import coop: {missing}\n")
            return 2
    try:
        result = asyncio.run(_carry_out(settings, wanted, checks_of(settings)))
    except (ReviewError, Retryable, SourceError, RulesetError, OSError) as error:
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
    coop.add_argument("--history", action="store_true", help="also decisions, and comments on them")
    coop.add_argument(
        "--since", type=_day, default=BEGIN, help="decisions from this day on (YYYY-MM-DD, UTC)"
    )
    waiting = coop.add_mutually_exclusive_group()
    waiting.add_argument(
        "--jobs", action="store_true", help="also what waits in Coop's Redis, COOP_IMPORT_REDIS"
    )
    waiting.add_argument("--jobs-file", type=Path, help="also what waits, from JSON lines")
    osprey = commands.add_parser("osprey", help="rules of Osprey's, out of their files")
    osprey.add_argument("--org", required=True, help="its id, its slug, or one of its domains")
    osprey.add_argument(
        "--path", type=Path, required=True, help="the folder of main.sml, or a file"
    )
    osprey.add_argument("--item-type", help="the item type here that events are; else one is made")
    osprey.add_argument("--callback", help="where webhooks of its effects are to go")
    osprey.add_argument("--fields", type=Path, help='fields by path, as JSON: {"$.a.b": "field"}')
    osprey.add_argument(
        "--overwrite", action="store_true", help="also what was changed here since the last time"
    )
    promoting = commands.add_parser("promote", help="turn on the rules that act in Coop")
    promoting.add_argument("--org", required=True, help="its id, its slug, or one of its domains")
    promoting.add_argument("--rule", action="append", default=[], help="only this one, by id")
    for command in (coop, osprey, promoting):
        how = command.add_mutually_exclusive_group()
        how.add_argument("--plan", action="store_true", help="say what would be done (default)")
        how.add_argument("--apply", action="store_true", help="do it")
        command.add_argument("--format", choices=("text", "json"), default="text")
    linking = commands.add_parser("links", help="links with which people set their password")
    linking.add_argument("--org", required=True, help="its id, its slug, or one of its domains")
    linking.add_argument("--email", action="append", default=[], help="of this person")
    return parser.parse_args(arguments)


def _day(given: str) -> datetime:
    return datetime.combine(date.fromisoformat(given), time(), tzinfo=UTC)


def _missing(wanted: argparse.Namespace) -> str | None:
    if not wanted.dsn:
        return "give --dsn, or COOP_IMPORT_DSN"
    if wanted.jobs and not wanted.redis:
        return "--jobs needs COOP_IMPORT_REDIS, the address of Coop's Redis"
    return None


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
            name = (await settings_of(connection, org_id)).name
        if wanted.command == "osprey":
            return await _osprey(here, org_id, name, wanted)
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
    known = Known(
        manifests=installed.manifests,
        now=now(),
        saml_entity_id=wanted.saml_entity_id,
        carried=_carried(wanted),
    )
    things = await asyncio.to_thread(lambda: list(mapped(source, known)))
    mover = Mover(
        here=here,
        org_id=source.org_id,
        name=source.one("public.orgs")["name"],
        things=things,
        overwrite=wanted.overwrite,
        history=_history(wanted, source),
        tell=_say,
    )
    report = await (mover.apply() if wanted.apply else mover.plan())
    shown = _json(report) + "\n" if wanted.format == "json" else as_text(report)
    return Imported(shown=shown, done=True)


async def _osprey(
    here: Destination, org_id: str, name: str, wanted: argparse.Namespace
) -> Imported:
    wishes = OspreyWishes(
        now=now(),
        type_id=wanted.item_type,
        callback=wanted.callback,
        names=fields_in(wanted.fields) if wanted.fields else {},
    )
    ruleset = await asyncio.to_thread(read_ruleset, wanted.path)
    things = await asyncio.to_thread(of_osprey, ruleset, wishes)
    mover = Mover(
        here=here, org_id=org_id, name=name, things=things, overwrite=wanted.overwrite, tell=_say
    )
    report = await (mover.apply() if wanted.apply else mover.plan())
    shown = _json(report) + "\n" if wanted.format == "json" else as_text(report)
    return Imported(shown=shown, done=True)


def _say(said: str) -> None:
    print(said, file=sys.stderr, flush=True)  # noqa: T201 - progress


def _carried(wanted: argparse.Namespace) -> frozenset[str]:
    """The tables whose rows `_history` speaks of."""
    if wanted.history:
        return frozenset({DECISIONS, COMMENTS})
    return frozenset({COMMENTS}) if wanted.jobs or wanted.jobs_file else frozenset()


def _history(wanted: argparse.Namespace, source: CoopSource) -> HistoryMover | None:
    if not _carried(wanted):
        return None
    waiting: Waiting | None = None
    if wanted.jobs:
        queue_ids = sorted(source.ids("manual_review_tool.manual_review_queues"))
        waiting = WaitingInRedis(wanted.redis, source.org_id, queue_ids)
    elif wanted.jobs_file:
        waiting = WaitingInFile(wanted.jobs_file)
    return HistoryMover(
        org_id=source.org_id,
        reader=HistoryReader(wanted.dsn, source.org_id, since=wanted.since),
        named=CoopNames.of(source),
        past=wanted.history,
        waiting=waiting,
        tell=_say,
    )


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
