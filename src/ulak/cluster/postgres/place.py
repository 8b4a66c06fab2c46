"""How connections to the database of a cluster are, and what goes wrong with them."""

from __future__ import annotations

PATIENCE = 5.0  # seconds
SESSION = (
    "SELECT set_config('search_path', %(schema)s, FALSE), "
    "set_config('statement_timeout', '4s', FALSE), set_config('synchronous_commit', 'off', FALSE)"
)


class ClusterError(Exception):
    """The database of the cluster cannot be reached, or not do what it was asked."""


class RivalError(Exception):
    """Another server has the same name and is alive."""
