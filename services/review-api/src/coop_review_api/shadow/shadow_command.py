"""What Coop decides beside what is decided here, for whoever runs the system.

    shadow receive --file FILE (--pem FILE … | --org ORG) [--listen 127.0.0.1:8099]
                   [--max-body BYTES] [--max-file BYTES]
    shadow report  --org ORG --since TIME [--until TIME] --said FILE … [--import-report FILE]
                   [--slack MINUTES] [--samples N] [--work FOLDER] [--format json]

`receive` hears Coop's webhooks, or copies of them, and keeps of each which action is done to which
item because of which rules. `report` compares these, or exports of Coop's analytics, with what was
evaluated here. It writes nothing here but a file of work, in a folder that is gone afterwards;
stopped, it is run again. Exit codes: 0 nothing is unexplained; 1 something is, or it could not be
done; 2 wrong usage.

Must not: act, or be reachable by others than `receive` is told to listen for.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind, WebhookKey
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import ReviewError
from coop_review_api.organisation import state
from coop_review_api.settings import Settings
from coop_review_api.shadow.comparison import Compare
from coop_review_api.shadow.gathering import Window, gather_ours, gather_theirs
from coop_review_api.shadow.ledger import Ledger
from coop_review_api.shadow.logbook import Logbook, LogbookError
from coop_review_api.shadow.receiver import MAX_BODY, KeyFileError, Receiver, Verifier, serve
from coop_review_api.shadow.report import ShadowReport, as_text, report_of
from coop_review_api.shadow.rulebook import ImportReportError, differing_in, rulebook_of
from coop_review_api.shadow.said import SaidError
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.process.error import Retryable

NAME: Final = "coop-review-api-shadow"
_PORT: Final = 8099
_MAX_FILE: Final = 4 * 1024**3
_KEY_FILE: Final = 64 * 1024

_FAULTS = (
    ReviewError,
    Retryable,
    LogbookError,
    KeyFileError,
    ImportReportError,
    SaidError,
    OSError,
)


def run_shadow(arguments: Sequence[str]) -> int:
    """Carry the command out; the exit code."""
    wanted = _parsed(arguments)
    try:
        if wanted.command == "receive":
            asyncio.run(_receive(wanted))
            return 0
        report = asyncio.run(_report(wanted))
    except _FAULTS as error:
        sys.stderr.write(f"shadow {wanted.command}: {error}\n")
        return 1
    as_json = wanted.format == "json"
    shown = msgspec.json.encode(report).decode() + "\n" if as_json else as_text(report)
    sys.stdout.write(shown)
    return 1 if report.unexplained else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="coop_review_api shadow")
    commands = parser.add_subparsers(dest="command", required=True)
    receive = commands.add_parser("receive", help="hear Coop's webhooks, or copies of them")
    receive.add_argument("--file", type=Path, required=True, help="where they are kept")
    keys = receive.add_mutually_exclusive_group(required=True)
    keys.add_argument("--pem", type=Path, action="append", help="Coop's public key")
    keys.add_argument("--org", help="the organisation here, with the key that was imported")
    receive.add_argument("--listen", type=_address, default=("127.0.0.1", _PORT))
    receive.add_argument("--max-body", type=_count, default=MAX_BODY, help="bytes of a webhook")
    receive.add_argument("--max-file", type=_count, default=_MAX_FILE, help="bytes of the file")
    report = commands.add_parser("report", help="compare what Coop said with what is said here")
    report.add_argument("--org", required=True, help="its id, its slug, or one of its domains")
    report.add_argument("--since", type=_moment, required=True, help="ISO 8601, UTC without a zone")
    report.add_argument("--until", type=_moment, help="the same; now")
    report.add_argument(
        "--said", type=Path, action="append", required=True, help="the receiver's file, an export"
    )
    report.add_argument("--import-report", type=Path, help="of import coop --format json")
    report.add_argument("--slack", type=_count, default=10, help="minutes between the two sides")
    report.add_argument("--samples", type=_count, default=5, help="differences shown of a rule")
    report.add_argument("--work", type=Path, help="a folder with space for the work")
    report.add_argument("--format", choices=("text", "json"), default="text")
    return parser.parse_args(arguments)


def _moment(given: str) -> datetime:
    found = datetime.fromisoformat(given)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _count(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 2**53:
        raise ValueError(given)
    return int(given)


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    ipaddress.ip_address(host.strip("[]"))
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(given)
    return host.strip("[]"), int(port)


def _engine(settings: Settings) -> AsyncEngine:
    return engine_of(settings.postgres, pool_size=1, application_name=NAME)


async def _receive(wanted: argparse.Namespace) -> None:
    keys = [_read(path) for path in wanted.pem] if wanted.pem else await _keys_of(wanted.org)
    logbook = Logbook(wanted.file, limit=wanted.max_file, clock=now)
    application = Receiver(logbook, Verifier(keys), clock=now, max_body=wanted.max_body)
    host, port = wanted.listen
    if not ipaddress.ip_address(host).is_loopback:
        _say(f"{host} is reached from elsewhere: what is sent there is not encrypted")
    await serve(logbook, application, host=host, port=port, tell=_say)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        try:
            return file.read(_KEY_FILE).decode("ascii")
        except UnicodeDecodeError:
            raise KeyFileError(f"{path} is no public key in PEM") from None


async def _keys_of(org: str) -> list[str]:
    """The public RSA keys of an organisation that are not revoked."""
    engine = _engine(Settings.load().require("postgres"))
    current = CURRENT.of.c
    try:
        async with transaction(engine) as connection:
            org_id = (await state.named(connection, org)).org_id
            documents = await connection.scalars(
                select(current.document).where(
                    current.org_id == org_id,
                    current.kind == Kind.WEBHOOK_KEY,
                    current.document.is_not(None),
                )
            )
            keys = [msgspec.convert(one, WebhookKey) for one in documents]
    finally:
        await engine.dispose()
    return [one.public_key for one in keys if one.public_key and one.status != "REVOKED"]


async def _report(wanted: argparse.Namespace) -> ShadowReport:
    window = Window(
        since=wanted.since,
        until=wanted.until or now(),
        slack=timedelta(minutes=wanted.slack),
    )
    differing = differing_in(wanted.import_report) if wanted.import_report else {}
    engine = _engine(Settings.load().require("postgres"))
    try:
        async with transaction(engine) as connection:
            org_id = (await state.named(connection, wanted.org)).org_id
            rulebook = await rulebook_of(connection, org_id, differing=differing)
        with Ledger.opened(wanted.work) as ledger:
            told = gather_theirs(wanted.said, org_id, window, ledger)
            await gather_ours(engine, org_id, window, ledger, _say)
            done = Compare(window, rulebook, told, ledger, wanted.samples)
            done.run()
            return report_of(org_id, done)
    finally:
        await engine.dispose()


def _say(said: str) -> None:
    print(said, file=sys.stderr, flush=True)  # noqa: T201 - progress
