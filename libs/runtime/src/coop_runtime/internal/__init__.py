"""HTTP between the system's own services: one gate, one client."""
