"""Osprey's rules as rules here: parsed, never run."""
