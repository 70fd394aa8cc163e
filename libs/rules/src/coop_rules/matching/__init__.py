"""What a condition compares with, and how it is found: texts, similar words, areas, banks."""
