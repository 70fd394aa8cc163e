"""What Coop decides on the same traffic, beside what is decided here."""
