"""What the log says of submissions, kept where it can be asked: evaluations, items, deliveries."""
