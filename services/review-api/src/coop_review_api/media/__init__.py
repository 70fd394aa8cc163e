"""Media as reviewers see them: veiled, until they choose otherwise."""
