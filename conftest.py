"""What every test of the repository can use: the real engines."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["coop_local.testing"]

# The clock alone judges this one, and a busy machine is not a slow strategy.
settings.register_profile("coop", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("coop")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--reruns` is for what shares this machine with servers; all else has no reason to fail once.
    See docs/decisions/0060-tried-again.md."""
    if config.getoption("reruns", None):
        for item in items:
            if not any(item.iter_markers("engines")) and not any(item.iter_markers("journey")):
                item.add_marker(pytest.mark.flaky(reruns=0))
