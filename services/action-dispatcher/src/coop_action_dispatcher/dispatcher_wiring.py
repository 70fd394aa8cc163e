"""Puts a dispatcher together from its parts; the composition root and the tests call it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.breaker import Breakers
from coop_action_dispatcher.connection import prepare
from coop_action_dispatcher.courier import Courier
from coop_action_dispatcher.destination import endpoints_of
from coop_action_dispatcher.dispatcher import Dispatcher
from coop_action_dispatcher.endpoint import Directory
from coop_action_dispatcher.health import Tally
from coop_action_dispatcher.keyring import Keyring
from coop_action_dispatcher.lease import Leases
from coop_action_dispatcher.schedule import Schedule
from coop_action_dispatcher.sender import Sender
from coop_action_dispatcher.signer import Signer
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import Store
from coop_action_dispatcher.strike import settings_of
from coop_action_dispatcher.strike_store import Strikes
from coop_action_dispatcher.tuning import Tuning
from coop_action_dispatcher.upkeep import Upkeep
from coop_runtime.egress.post import Poster
from coop_runtime.secret.vault import Vault

_PROBE_MARGIN = 15.0  # seconds beyond the timeout until a probe counts as lost


def assemble(
    tuning: Tuning,
    *,
    engine: AsyncEngine,
    config: Configuration,
    vault: Vault,
    poster: Poster,
    signer: Signer,
    strikes: Strikes,
    slots: Slots | None = None,
) -> Dispatcher:
    """A dispatcher, ready to run."""
    prepare(engine)
    breakers, tally, directory = Breakers(tuning.breaker), Tally(), Directory(engine)
    store = Store(engine, strikes=strikes, directory=directory, breakers=breakers)
    leases = Leases(
        engine,
        owner=store.owner,
        owner_timeout=tuning.owner_timeout,
        probe_timeout=tuning.timeout + _PROBE_MARGIN,
    )
    courier = Courier(
        config=config,
        keyring=Keyring(vault, config, signer),
        sender=Sender(poster),
        schedule=Schedule(tuning.retry_delays),
        bodies=store,
        directory=directory,
    )
    upkeep = Upkeep(
        engine,
        breakers=breakers,
        tally=tally,
        directory=directory,
        leases=leases,
        endpoints_of=lambda org_id: endpoints_of(config, org_id),
        retention=tuning.retention,
    )
    slots = slots or Slots(total=tuning.concurrency, per_endpoint=tuning.endpoint_concurrency)
    slots.close_to(lambda org_id: settings_of(org_id, config).suspended_at is not None)
    return Dispatcher(
        store=store,
        leases=leases,
        slots=slots,
        courier=courier,
        upkeep=upkeep,
        revision=config.revision,
        tuning=tuning,
    )
