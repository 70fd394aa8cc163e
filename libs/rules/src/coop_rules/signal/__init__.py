"""What a signal is, and the catalogue of the signals that rules may name."""
