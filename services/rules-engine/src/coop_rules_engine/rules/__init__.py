"""What an organisation's rules say and entail: compiled from its configuration, kept current."""
