"""How often things happened, by quarter of an hour: exact, small, and quick to ask."""
