"""Where the database of a cluster is, and how its connections are."""

from __future__ import annotations

import logging
from typing import Any

from psycopg import conninfo

# As in the queue: whoever asked is told by us.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

_CONNECT = 2  # seconds
PATIENCE = 5.0  # seconds
SESSION = (
    "SELECT set_config('search_path', %(schema)s, FALSE), "
    "set_config('statement_timeout', '4s', FALSE), set_config('synchronous_commit', 'off', FALSE)"
)


class ClusterError(Exception):
    """The database of the cluster cannot be reached, or not do what it was asked."""


class RivalError(Exception):
    """Another server has the same name and is alive."""


def where_is(url: str, name: str, *, writes: bool = True) -> str:
    """Say how to connect; `writes`: to the server of the database that can be written to."""
    given = conninfo.conninfo_to_dict(url)
    more: dict[str, Any] = {
        "connect_timeout": _CONNECT,
        "application_name": name,
        "target_session_attrs": "read-write" if writes else "any",
        "tcp_user_timeout": int(PATIENCE * 1000),
    }
    return conninfo.make_conninfo("", **{**more, **given})
