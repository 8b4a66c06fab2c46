"""The tables that all nodes share, in a database of a test's own."""

from __future__ import annotations

import psycopg

from ulak.queue.sql import postgres as sql


def prepared(url: str, schema: str = "ulak") -> str:
    """Make the tables; give the URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"SET search_path = {schema}")
        connection.execute(sql.migration("pre", 1))
    return url
