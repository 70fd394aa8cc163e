"""All that a page of the console needs before it shows anything."""
