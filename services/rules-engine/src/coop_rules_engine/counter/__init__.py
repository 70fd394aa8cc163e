"""What the engine counts in Redis: groups of items, daily limits, blast radius; and strikes."""
