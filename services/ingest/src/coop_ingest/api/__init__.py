"""The HTTP edge: routes, their bodies, their answers."""
