"""What every test of the repository can use: the real engines."""

pytest_plugins = ["coop_local.testing"]
