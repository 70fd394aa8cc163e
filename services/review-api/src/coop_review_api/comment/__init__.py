"""Comments that reviewers leave on items."""
