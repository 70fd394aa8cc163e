"""An item looked up: what it is, what it was, who made it, what was said around it."""
