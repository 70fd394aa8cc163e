"""The month before the demonstration's story: what reviewers decided then, and what rules did."""
