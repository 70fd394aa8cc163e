"""What happened to an item or a user, in one order."""
