"""Schema migrations of `dispatch`."""
