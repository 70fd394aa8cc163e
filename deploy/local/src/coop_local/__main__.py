"""`python -m coop_local run | demo | engines | platform`."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from coop_local import supervisor
from coop_local.demo import attach
from coop_local.demo.command import run_demo
from coop_local.demo.corpus import default_corpus
from coop_local.demo.main_job import Load
from coop_local.demo.serve import DemoPlatform, serve
from coop_local.engine import EngineError, write_private
from coop_local.lock import StateInUse, StateUnusable, state_lock
from coop_local.settings import BrokerChoice, EngineSettings, Settings
from coop_local.stack import Stack
from coop_runtime.process.settings import explain

S = TypeVar("S", bound=EngineSettings)

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def main() -> None:
    """Coop on one machine."""


@app.command()
def run() -> None:
    """Start the whole stack and keep it running until Ctrl-C. Settings: COOP_… variables."""
    raise typer.Exit(
        supervisor.run(
            _settings(Settings), services=attach.services, after_ready=[attach.after_ready]
        )
    )


@app.command()
def demo(
    corpus: Annotated[
        Path | None, typer.Option("--input", help="TSV (label, text), CSV or JSON lines.")
    ] = None,
    rate: Annotated[float, typer.Option(min=1, max=20_000, help="Items a second.")] = 200,
    batch: Annotated[int, typer.Option(min=1, max=1_000, help="Items a request.")] = 5,
    report_every: Annotated[
        int, typer.Option(min=0, help="Report each n-th item as a user would; 0 for none.")
    ] = 20,
) -> None:
    """Stream a corpus through the stack, empty the queues, and report what came out."""
    load = Load(rate=rate, batch=batch, report_every=report_every)
    raise typer.Exit(run_demo(_settings(Settings), corpus or default_corpus(), load))


@app.command(hidden=True)
def platform(
    port: Annotated[int, typer.Option()],
    demo_file: Annotated[Path, typer.Option()],
    keys_file: Annotated[Path, typer.Option()],
    ingest_url: Annotated[str, typer.Option()],
    review_url: Annotated[str, typer.Option()],
    rate: Annotated[float, typer.Option()] = 0,
    told_file: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """The demo platform, a process of the stack."""
    asyncio.run(
        serve(
            DemoPlatform(
                port=port,
                demo_file=demo_file,
                keys_file=keys_file,
                ingest_url=ingest_url,
                review_url=review_url,
                rate=rate,
                told_file=told_file,
            )
        )
    )


@app.command()
def engines(
    state: Annotated[Path | None, typer.Option(help="Directory of their data.")] = None,
    broker: Annotated[BrokerChoice | None, typer.Option(help="By default COOP_BROKER.")] = None,
    env_file: Annotated[Path | None, typer.Option(help="Write the lines here too.")] = None,
) -> None:
    """Run PostgreSQL, Valkey and the broker until Ctrl-C, for tests to share."""
    settings = _settings(EngineSettings)
    if state is not None:
        settings.state = state.absolute()
    if broker is not None:
        settings.broker = broker
    try:
        with state_lock(settings.state):
            _serve_engines(settings, env_file)
    except (EngineError, StateInUse, StateUnusable) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


def _settings(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        print(explain(error), file=sys.stderr)
        raise typer.Exit(2) from None


def _serve_engines(settings: EngineSettings, env_file: Path | None) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    stack = Stack(settings, say=lambda line: print(line, file=sys.stderr, flush=True))
    addresses = stack.start()
    try:
        lines = (
            f"export COOP_TEST_KAFKA='{addresses.kafka}'\n"
            f"export COOP_TEST_KAFKA_IDEMPOTENCE={str(addresses.kafka_idempotence).lower()}\n"
            f"export COOP_TEST_POSTGRES_ADMIN='{addresses.postgres_admin}'\n"
            f"export COOP_TEST_REDIS='{addresses.redis}'\n"
        )
        print(lines, end="", flush=True)
        if env_file is not None:
            write_private(env_file, lines)
        stop.wait()
    finally:
        stack.stop()


if __name__ == "__main__":
    app()
