"""A condition set as people write it, checked and bound to an item type, signals and banks."""
