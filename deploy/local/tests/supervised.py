"""A supervisor over stand-in services, as a process: `python supervised.py DIARY SPEC…`.

A SPEC is `name:port[:words of stand_in.py, separated by commas]`. The engines are those of the
environment, or started by the supervisor.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from coop_local import supervisor
from coop_local.service_process import ServiceSpec
from coop_local.settings import Settings
from coop_local.supervisor import Running

STAND_IN = Path(__file__).with_name("stand_in.py")
DIARY, SPECS = sys.argv[1], sys.argv[2:]


def services(*_: object) -> Iterator[ServiceSpec]:
    for text in SPECS:
        name, port, *words = text.split(":")
        extra = words[0].split(",") if words else []
        yield ServiceSpec(
            name=name,
            command=(sys.executable, str(STAND_IN), name, port, DIARY, *extra),
            environment=dict(os.environ),
            ready_url=f"http://127.0.0.1:{port}/readyz",
            metrics_url=f"http://127.0.0.1:{port}/metrics",
        )


async def told(running: Running) -> list[str]:
    names = ",".join(spec.name for spec in running.services)
    return [f"hook saw {names} on {running.addresses.kafka}"]


sys.exit(
    supervisor.run(
        Settings(),
        services=lambda *facts: list(services(*facts)),
        migrations=lambda *_: [],
        after_ready=[told],
    )
)
