"""Signals from outside: model providers behind one interface, and plugins.

providers = Providers.of(settings, config_table, vault)
values = await providers.values(org_id, need, inputs, deadline=loop.time() + 5)
"""

from __future__ import annotations

from coop_signals.plugin import InstalledSignals, PluginProblem, load
from coop_signals.providers import Providers
from coop_signals.settings import SignalSettings

__all__ = ["InstalledSignals", "PluginProblem", "Providers", "SignalSettings", "load"]
