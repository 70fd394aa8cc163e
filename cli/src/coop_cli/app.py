"""`coop`: the operator's commands.

Exit codes: 0 done; 1 something could not be done, and the output says what; 2 wrong usage or
settings; 3 the broker, or the review API, cannot be reached.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from typing import Annotated

import msgspec
import typer
from confluent_kafka import KafkaException

from coop_cli.admin_command import admin
from coop_cli.audit_command import audit
from coop_cli.erase_command import erase
from coop_cli.import_command import import_
from coop_cli.letter_box import LetterBox, Patience
from coop_cli.letter_text import as_json, as_text
from coop_cli.media_command import media
from coop_cli.org_command import org
from coop_cli.replay import Summary, chosen, reason_of, replay
from coop_cli.rule_command import rules
from coop_cli.settings import CliSettings
from coop_cli.shadow_command import shadow
from coop_contracts.topic import DEAD_LETTER_SUFFIX

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BROKER = 3

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The operator's commands.")
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: messages that could not be handled.")
app.add_typer(dlq, name="dlq")
app.add_typer(rules, name="rules")
app.add_typer(admin, name="admin")
app.add_typer(audit, name="audit")
app.add_typer(erase, name="erase")
app.add_typer(media, name="media")
app.command(
    "org",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(org)
app.command(
    "import",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(import_)
app.command(
    "shadow",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(shadow)


class LetterFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    LetterFormat, typer.Option("--format", help="text, or JSON: one object a line.")
]
TopicArgument = Annotated[
    str, typer.Argument(help="A topic, such as coop.items.v1, or its dead-letter topic.")
]


@app.callback()
def callback() -> None:
    """The broker is COOP_KAFKA (default 127.0.0.1:9092); the review API COOP_URL (default
    http://127.0.0.1:8081), asked as COOP_EMAIL with COOP_PASSWORD; the database COOP_POSTGRES."""


@dlq.command("list")
def list_letters(
    context: typer.Context,
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    format: FormatOption = LetterFormat.TEXT,  # noqa: A002 - the option's name
) -> None:
    """How many dead letters each topic has, by reason, and how many were not replayed yet."""
    with _letter_box(context) as (_, box):
        existing = box.topics()
        wanted = existing if topic is None else [_checked(_dead_letter_topic(topic), existing)]
        total = 0
        for name in wanted:
            replayed = box.replayed(name)
            reasons: Counter[str] = Counter()
            waiting = 0
            for letter in box.read(name):
                reasons[reason_of(letter)] += 1
                waiting += letter.offset not in replayed
            total += waiting
            _print_count(name, reasons, waiting, format)
        if format is LetterFormat.TEXT:
            typer.echo(f"{total} waiting in {len(wanted)} topics")


def _print_count(name: str, reasons: Counter[str], waiting: int, form: LetterFormat) -> None:
    count = sum(reasons.values())
    if form is LetterFormat.JSON:
        row = {"topic": name, "letters": count, "waiting": waiting, "reasons": dict(reasons)}
        _print_json(row)
    elif count:
        parts = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
        typer.echo(f"{name}: {count} ({parts}), {waiting} not replayed")


@dlq.command("show")
def show(
    context: typer.Context,
    topic: TopicArgument,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    offset: Annotated[int | None, typer.Option(min=0, help="From this offset on.")] = None,
    format: FormatOption = LetterFormat.TEXT,  # noqa: A002 - the option's name
) -> None:
    """The dead letters of a topic, oldest first."""
    with _letter_box(context) as (_, box):
        name = _checked(_dead_letter_topic(topic), box.topics())
        replayed = box.replayed(name)
        for letter in islice(box.read(name, start=offset), limit):
            done = letter.offset in replayed
            if format is LetterFormat.JSON:
                _print_json(as_json(letter, replayed=done))
            else:
                typer.echo(as_text(letter, replayed=done))


@dlq.command("replay")
def replay_letters(
    context: typer.Context,
    topic: TopicArgument,
    offset: Annotated[
        int | None, typer.Option(min=0, help="The one at this offset, even if replayed before.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that were not replayed yet.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Those not replayed yet with this reason: undecodable, poison, error."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Put the original messages back onto their topic, in order, and remember which."""
    if (offset is not None) + everything + (reason is not None) != 1:
        typer.echo("say which: one of --offset, --all, --reason", err=True)
        raise typer.Exit(EXIT_USAGE)
    with _letter_box(context) as (settings, box):
        name = _checked(_dead_letter_topic(topic), box.topics())
        letters = chosen(box, name, offset=offset, reason=reason)
        if dry_run:
            count = 0
            for count, letter in enumerate(letters, start=1):  # noqa: B007 - the last is the sum
                typer.echo(f"would replay offset {letter.offset} ({reason_of(letter)})")
            typer.echo(f"{count} to replay to {name.removesuffix(DEAD_LETTER_SUFFIX)}")
            if offset is not None and not count:
                raise typer.Exit(EXIT_FAILED)
            return
        summary = asyncio.run(replay(settings, box, name, letters, progress=_progress))
    _report(summary, one=offset)


def _report(summary: Summary, *, one: int | None) -> None:
    for offset, why in summary.refused.items():
        typer.echo(f"refused offset {offset}: {why}", err=True)
    topic = summary.topic.removesuffix(DEAD_LETTER_SUFFIX)
    said = f"{len(summary.replayed)} replayed to {topic}, {len(summary.refused)} refused"
    if summary.repeats:
        said += f"; {summary.repeats} of them for records that another letter brought back"
    typer.echo(said)
    if summary.broker_error is not None:
        typer.echo(f"stopped, the broker does not answer: {summary.broker_error}", err=True)
        raise typer.Exit(EXIT_BROKER)
    if one is not None and not summary.replayed and not summary.refused:
        typer.echo(f"there is no dead letter at offset {one}", err=True)
        raise typer.Exit(EXIT_FAILED)
    if summary.refused:
        raise typer.Exit(EXIT_FAILED)


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"{count} …", err=True)


def _print_json(row: object) -> None:
    typer.echo(msgspec.json.encode(row).decode())


def _dead_letter_topic(topic: str) -> str:
    return topic if topic.endswith(DEAD_LETTER_SUFFIX) else topic + DEAD_LETTER_SUFFIX


def _checked(topic: str, existing: list[str]) -> str:
    if topic not in existing:
        typer.echo(f"there is no topic {topic}", err=True)
        raise typer.Exit(EXIT_FAILED)
    return topic


@contextmanager
def _letter_box(context: typer.Context) -> Iterator[tuple[CliSettings, LetterBox]]:
    settings = CliSettings.load()
    # Who calls the commands from Python may hand in another patience, as the context's object.
    box = LetterBox(settings, patience=context.find_object(Patience) or Patience())
    try:
        yield settings, box
    except KafkaException as error:
        typer.echo(f"the broker at {settings.kafka} does not answer: {error.args[0]}", err=True)
        raise typer.Exit(EXIT_BROKER) from None
    finally:
        box.close()


def main() -> None:
    """The entry point of `coop`."""
    app()
