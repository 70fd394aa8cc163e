"""Contents of hash banks, which hma-bridge owns."""
