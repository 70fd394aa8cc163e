"""The decision log as a file, written by the relay."""
