"""Who runs in the local stack: each service's command, environment and ports, and the migrations.

Guarantees: what runs, and what it needs, is what the services' own tables of roles say; a service
gets its own database role and only the secrets that it uses; no service gets the address of the
superuser, or of the owner of its tables: the migrations get the owners'. The order is that of the
start; the stop goes the other way, so that the front door closes first.
Must not: import more of a service than its table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from coop_action_dispatcher.roles import TABLE as DISPATCHER
from coop_hma_bridge.roles import TABLE as HMA_BRIDGE
from coop_ingest.roles import TABLE as INGEST
from coop_local.counters import Counted
from coop_local.engine import EngineError, is_free, remembered_port
from coop_local.migration import MigrationSpec
from coop_local.secret_file import Secrets
from coop_local.service_process import ServiceSpec
from coop_local.settings import Settings
from coop_local.stack import EngineAddresses
from coop_ncmec_reporter.roles import TABLE as NCMEC_REPORTER
from coop_review_api.process.roles import TABLE as REVIEW_API
from coop_routing.roles import TABLE as ROUTING
from coop_rules_engine.roles import TABLE as RULES_ENGINE
from coop_runtime.database.engine import owner_of, service_url
from coop_runtime.process.role import Role
from coop_runtime.process.settings import variable_of

_OWNED = (
    "COOP_TEST_",
    "COOP_STATE",
    "COOP_CACHE",
    "COOP_POSTGRES",
    "COOP_SECRET_KEYS",
    "COOP_INTERNAL_TOKEN",
)
_LOOPBACK = "127.0.0.0/8"
# Where `make console` puts it; without it review-api serves a page that says so.
_CONSOLE = Path(__file__).resolve().parents[4] / "services" / "review-console" / "dist"


# In the order of the start.
_TABLES = (REVIEW_API, DISPATCHER, ROUTING, HMA_BRIDGE, NCMEC_REPORTER, RULES_ENGINE, INGEST)
_ROLES = tuple((table.module, role) for table in _TABLES for role in table.roles)

_PLATFORM = "demo-platform"
_SIMULATOR = "ncmec-simulator"
# What has another internal port here than by its own default, and what has none.
_INTERNAL_HERE = {_PLATFORM: 9086, "dispatch-api": 9090, _SIMULATOR: 9097}

COUNTED = (
    Counted("accepted", "ingest", "coop_ingest_accepted_total", {"kind": "item"}),
    Counted("evaluated", "rules-engine", "coop_rules_items_evaluated_total"),
    Counted("delivered", "action-dispatcher", "coop_deliveries_delivered_total"),
    Counted("jobs", "routing", "coop_routing_jobs_created_total"),
)


@dataclass(frozen=True)
class Ports:
    """The stack's ports by service: `public` where people and platforms go, `internal` for health
    and metrics."""

    public: Mapping[str, int]
    internal: Mapping[str, int]


def ports_of(settings: Settings, *, free: Callable[[int], bool] = is_free) -> Ports:
    """The ports to use, each of them `free`. Raises EngineError, which names the setting."""
    asked = {role.port: role.process for _, role in _ROLES} | {
        "platform_port": _PLATFORM,
        "ncmec_simulator_port": _SIMULATOR,
    }
    public = {
        asked[setting]: _checked(settings, setting, int(getattr(settings, setting)), setting, free)
        for setting in Settings.model_fields
        if setting in asked
    }
    internal = {
        name: _checked(
            settings, f"internal-{name}", settings.internal_ports + number, "internal_ports", free
        )
        for name, number in _internal_numbers().items()
    }
    _check_distinct(public, internal)
    return Ports(public, internal)


def _internal_numbers() -> Mapping[str, int]:
    """By process and counted from the first: as the services' own defaults follow each other."""
    defaults = {role.process: role.internal_port for _, role in _ROLES} | _INTERNAL_HERE
    first = min(defaults.values())
    return {name: port - first for name, port in sorted(defaults.items(), key=itemgetter(1))}


def _check_distinct(public: Mapping[str, int], internal: Mapping[str, int]) -> None:
    """Raises EngineError where two services would listen on one port."""
    taken: dict[int, str] = {}
    named = [*public.items(), *((f"{name}'s metrics", port) for name, port in internal.items())]
    for name, port in named:
        if port in taken:
            raise EngineError(
                f"Port {port} would serve {taken[port]} and {name}: change COOP_INGEST_PORT, "
                "COOP_REVIEW_PORT, COOP_PLATFORM_PORT, COOP_DISPATCH_PORT, "
                "COOP_REVIEW_LOOKUP_PORT, COOP_HASH_PORT, COOP_NCMEC_PORT, "
                "COOP_NCMEC_SIMULATOR_PORT or COOP_INTERNAL_PORTS."
            )
        taken[port] = name


def _checked(
    settings: Settings, memory: str, fixed: int, setting: str, free: Callable[[int], bool]
) -> int:
    if settings.free_ports:
        return remembered_port(settings.state / "ports" / memory)
    if not free(fixed):
        raise EngineError(
            f"Port {fixed} is in use by another process: choose another one with "
            f"COOP_{setting.upper()}, or let the stack choose with COOP_FREE_PORTS=true."
        )
    return fixed


def services(
    settings: Settings, addresses: EngineAddresses, secrets: Secrets, ports: Ports
) -> list[ServiceSpec]:
    """The services, in the order of the start."""
    specs = [_simulator(settings, addresses, ports)]
    for module, role in _ROLES:
        internal = f"http://127.0.0.1:{ports.internal[role.process]}"
        served = f"http://127.0.0.1:{ports.public[role.process]}" if role.port else None
        specs.append(
            ServiceSpec(
                name=role.process,
                command=(sys.executable, "-m", module, role.name),
                environment=_service_environment(role, settings, addresses, secrets, ports),
                ready_url=f"{internal}/readyz",
                metrics_url=f"{internal}/metrics",
                url=served if role.public else None,
            )
        )
    return specs


def _simulator(settings: Settings, addresses: EngineAddresses, ports: Ports) -> ServiceSpec:
    """What reports to NCMEC are filed to here."""
    internal = f"http://127.0.0.1:{ports.internal[_SIMULATOR]}"
    return ServiceSpec(
        name=_SIMULATOR,
        command=(sys.executable, "-m", "coop_ncmec_simulator"),
        environment=_environment(settings, addresses)
        | {
            "COOP_INTERNAL_PORT": str(ports.internal[_SIMULATOR]),
            "COOP_NCMEC_SIMULATOR_PORT": str(ports.public[_SIMULATOR]),
        },
        ready_url=f"{internal}/readyz",
        metrics_url=f"{internal}/metrics",
        url=None,
    )


def _service_environment(
    role: Role, settings: Settings, addresses: EngineAddresses, secrets: Secrets, ports: Ports
) -> Mapping[str, str]:
    environment = _environment(settings, addresses) | {
        "COOP_INTERNAL_PORT": str(ports.internal[role.process])
    }
    # Where the links of invitations and of single sign-on lead to.
    public_url = f"http://127.0.0.1:{ports.public['review-api']}"
    environment.setdefault("COOP_REVIEW_PUBLIC_URL", public_url)
    if role.process == "review-api" and (_CONSOLE / "index.html").exists():
        environment.setdefault("COOP_REVIEW_CONSOLE", str(_CONSOLE))
    if role.database_role:
        environment["COOP_POSTGRES"] = _database(addresses, secrets, role.database_role)
    if role.secret_keys:
        environment["COOP_SECRET_KEYS"] = secrets.secret_keys
    if role.internal_token:
        environment["COOP_INTERNAL_TOKEN"] = secrets.internal_token
        environment["COOP_DISPATCH_URL"] = f"http://127.0.0.1:{ports.public['dispatch-api']}"
        environment["COOP_LOOKUP_URL"] = f"http://127.0.0.1:{ports.public['review-lookup']}"
        environment["COOP_HASH_URL"] = f"http://127.0.0.1:{ports.public['hma-bridge']}"
        environment["COOP_NCMEC_URL"] = f"http://127.0.0.1:{ports.public['ncmec-reporter']}"
    if role.egress:
        # The demo platform receives its webhooks on this machine; partial items and single sign-on
        # can be tried on it, too.
        environment.setdefault("COOP_EGRESS_ALLOW", _LOOPBACK)
    if role.object_store:
        folder = settings.state.resolve() / "media"
        environment.setdefault("COOP_OBJECT_STORE", folder.as_uri())
    if role.process == "ncmec-reporter":
        # To the stand-in and nowhere else, whatever the user's own environment says.
        environment |= {
            "COOP_NCMEC_ENVIRONMENT": "test",
            "COOP_NCMEC_OUTSIDE": "false",
            "COOP_NCMEC_PRODUCTION_URL": "",
            "COOP_NCMEC_TEST_URL": f"http://127.0.0.1:{ports.public[_SIMULATOR]}/ispws",
            "COOP_NCMEC_EVIDENCE": str(settings.state.resolve() / "evidence"),
        }
    if role.port:
        environment[variable_of(role.port)] = str(ports.public[role.process])
    return environment


def migrations(
    settings: Settings, addresses: EngineAddresses, secrets: Secrets
) -> list[MigrationSpec]:
    """The migrations, each as the owner of its schema."""
    found = []
    for table in _TABLES:
        if table.migration is None:
            continue
        environment = _environment(settings, addresses) | {
            "COOP_POSTGRES": _database(addresses, secrets, owner_of(table.migration.database_role)),
            # Read by every role's settings; a migration listens on nothing.
            "COOP_INTERNAL_PORT": "0",
        }
        found.append(
            MigrationSpec(
                name="migrate-" + table.module.removeprefix("coop_").replace("_", "-"),
                command=(sys.executable, "-m", table.module, table.migration.name),
                environment=environment,
            )
        )
    return found


def _environment(settings: Settings, addresses: EngineAddresses) -> dict[str, str]:
    """The user's own environment, which may set what services read, under the stack's facts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OWNED) and name != "COOP_INTERNAL_PORT"
    }
    return {
        "COOP_REVIEW_SECURE_COOKIES": "false",  # plain HTTP on loopback
        "COOP_INGEST_ALLOW_PRIVATE_URLS": "true",  # the demo platform's pictures lie on loopback
        **kept,
        "PYTHONUNBUFFERED": "1",
        "COOP_KAFKA": addresses.kafka,
        "COOP_KAFKA_IDEMPOTENCE": str(addresses.kafka_idempotence).lower(),
        "COOP_REDIS": addresses.redis,
        "COOP_STOP_TIMEOUT": f"{settings.stop_timeout:g}",
    }


def _database(addresses: EngineAddresses, secrets: Secrets, role: str) -> str:
    return service_url(addresses.postgres_admin, role, secrets.passwords[role])


def log_path(state: Path, name: str) -> Path:
    """Where a service or a migration writes its log."""
    return state / "logs" / f"{name}.log"
