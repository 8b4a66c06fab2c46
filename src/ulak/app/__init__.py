"""The composition root: the only room that knows a database, a resolver, a socket by name."""
