"""Changes of rules that a second person has to approve."""
