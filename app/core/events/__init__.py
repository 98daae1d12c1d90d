"""Domain events: an outbox written in the transaction that made them, routed once. Owns the table `domain_events`."""
