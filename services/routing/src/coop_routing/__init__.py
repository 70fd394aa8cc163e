"""Routing: reports, appeals and review requests become jobs in review queues."""
