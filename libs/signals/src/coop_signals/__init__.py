"""Signals from outside: model providers behind one interface, and plugins."""
