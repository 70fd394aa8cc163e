"""Moving in: an organisation of Coop's, read from its database, and everything of it made here."""
