"""What changes while somebody looks: counts, notifications, the jobs they hold."""
