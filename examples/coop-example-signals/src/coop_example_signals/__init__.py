"""An example of a plugin for Coop: two signals on text."""
