"""`python -m coop_ncmec_simulator`: the stand-in as a process of this machine."""

from __future__ import annotations

import sys

from coop_ncmec_simulator.app import Simulator
from coop_ncmec_simulator.document import INTERFACE
from coop_ncmec_simulator.settings import Settings
from coop_runtime.process.service import Service


def simulator(settings: Settings) -> Service:
    """The process."""
    service = Service("ncmec-simulator", settings)
    application = Simulator(
        users={settings.ncmec_simulator_user: settings.ncmec_simulator_password},
        schema=settings.ncmec_xsd or INTERFACE,
    )
    service.serve(application, settings.ncmec_simulator_host, settings.ncmec_simulator_port)
    return service


if __name__ == "__main__":
    sys.exit(simulator(Settings.load()).run())
