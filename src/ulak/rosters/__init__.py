"""Rosters: who has a mailbox in a domain, as something outside of the configuration knows it."""
