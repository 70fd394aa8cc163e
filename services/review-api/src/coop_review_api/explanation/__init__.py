"""Why something happened to an item: what was recorded, in words, and evaluated again."""
