"""Delivery: from a lease of the queue to what came of it, for each recipient."""
