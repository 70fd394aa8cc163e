"""What every test of the repository can use: the real engines."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["coop_local.testing"]

# The clock alone judges this one, and a busy machine is not a slow strategy.
settings.register_profile("coop", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("coop")
