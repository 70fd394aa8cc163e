"""What happens on Largo, the demonstration's made-up network: people, posts, reports, decisions."""
