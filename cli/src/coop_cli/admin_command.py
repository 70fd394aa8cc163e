"""`coop admin`: what has to be there before a service starts: topics, roles and schemas.

Guarantees: each command may be repeated, and does then what is missing; none deletes. Passwords go
to the server as verifiers, and are in no output.
"""

from __future__ import annotations

from typing import Annotated

import psycopg
import typer
from confluent_kafka import KafkaException

from coop_cli.settings import BootstrapSettings, CliSettings
from coop_runtime.database.schema import ROLES, bootstrap, bootstrap_script
from coop_runtime.kafka.topic_plan import TopicAdmin, TopicPlan, plan, wanted_topics

_EXIT_FAILED = 1
_EXIT_BROKER = 3

admin = typer.Typer(no_args_is_help=True, help="Before the services start: topics, database.")
topics = typer.Typer(no_args_is_help=True, help="The topics of the contracts, on COOP_KAFKA.")
database = typer.Typer(no_args_is_help=True, help="Roles and schemas of the services.")
admin.add_typer(topics, name="topics")
admin.add_typer(database, name="database")

Replication = Annotated[
    int, typer.Option("--replication-factor", min=1, help="Copies of each partition.")
]
MinIsr = Annotated[
    int | None,
    typer.Option(
        "--min-isr", min=1, help="Copies that must have a record before it counts as kept."
    ),
]
AddPartitions = Annotated[
    bool,
    typer.Option(
        "--add-partitions", help="Add what is missing; stop the services that consume it before."
    ),
]


@topics.command("plan")
def plan_topics(
    replication: Replication = 3,
    min_isr: MinIsr = None,
    add_partitions: AddPartitions = False,
) -> None:
    """What `apply` would do, and what is not as it should be. Exit code 1 if there is anything."""
    _, made = _planned(replication, min_isr, add_partitions)
    _tell(made)
    if made or made.drift:
        raise typer.Exit(_EXIT_FAILED)


@topics.command("apply")
def apply_topics(
    replication: Replication = 3,
    min_isr: MinIsr = None,
    add_partitions: AddPartitions = False,
) -> None:
    """Create what is missing and set what is set otherwise; nothing is deleted."""
    client, made = _planned(replication, min_isr, add_partitions)
    _tell(made)
    try:
        client.apply(made)
    except KafkaException as error:
        typer.echo(f"the broker refuses: {error.args[0].str()}", err=True)
        raise typer.Exit(_EXIT_FAILED) from None


def _planned(
    replication: int, min_isr: int | None, add_partitions: bool
) -> tuple[TopicAdmin, TopicPlan]:
    isr = min_isr if min_isr is not None else max(1, replication - 1)
    if isr > replication:
        raise typer.BadParameter("--min-isr is larger than --replication-factor")
    settings = CliSettings.load()
    wanted = wanted_topics(replication=replication, min_isr=isr)
    try:
        client = TopicAdmin(settings)
        found = client.found([topic.name for topic in wanted])
    except KafkaException as error:
        typer.echo(
            f"the broker at {settings.kafka} does not answer: {error.args[0].str()}", err=True
        )
        raise typer.Exit(_EXIT_BROKER) from None
    return client, plan(wanted, found, add_partitions=add_partitions)


def _tell(made: TopicPlan) -> None:
    for line in made.lines():
        typer.echo(line)
    for line in made.drift:
        typer.echo(f"left as it is: {line}", err=True)
    if not made:
        typer.echo("nothing to do")


@database.command("bootstrap")
def bootstrap_database() -> None:
    """Create roles and schemas, and give the roles their passwords.

    COOP_POSTGRES_ADMIN is a superuser's URL, or that of the database's owner with CREATEROLE. The
    passwords are COOP_REVIEW_PASSWORD, COOP_REVIEW_OWNER_PASSWORD, and so on for QUEUES, DISPATCH,
    HASHES, NCMEC; each may be a file's (COOP_REVIEW_PASSWORD_FILE).
    """
    settings = BootstrapSettings.load()
    try:
        bootstrap(settings.postgres_admin, settings.passwords())
    except psycopg.errors.InsufficientPrivilege as error:
        typer.echo(
            f"the database refuses: {error.diag.message_primary}. Whoever may can run what"
            " `coop admin database sql` prints.",
            err=True,
        )
        raise typer.Exit(_EXIT_FAILED) from None
    except psycopg.OperationalError as error:
        typer.echo(f"the database does not answer: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(_EXIT_BROKER) from None
    typer.echo(f"roles and schemas are there: {', '.join(ROLES)}")


@database.command("sql")
def print_sql(
    name: Annotated[str, typer.Option("--database", help="The database's name.")] = "coop",
) -> None:
    """The same as SQL for psql, to be read and run by whoever may create roles."""
    typer.echo(bootstrap_script(name), nl=False)
