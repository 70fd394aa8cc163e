"""Notes on users of the platform."""
