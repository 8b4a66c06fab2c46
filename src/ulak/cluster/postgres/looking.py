"""How the database is: what PostgreSQL tells of itself, as far as its user may see."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from ulak.cluster.database import Database, Slot, Standby, Table, Transaction
from ulak.cluster.postgres.place import ClusterError

_WHOLE = """
SELECT current_setting('server_version'), current_setting('server_version_num')::INTEGER,
    pg_is_in_recovery(), reset_val, current_setting('synchronous_standby_names'),
    pg_has_role('pg_read_all_stats', 'USAGE'),
    (SELECT sum(numbackends)::INTEGER FROM pg_stat_database),
    current_setting('max_connections')::INTEGER, current_setting('autovacuum')::BOOLEAN,
    pg_database_size(current_database())
FROM pg_settings WHERE name = 'synchronous_commit'
"""
# On a standby that feeds others there is no place to compare with.
_STANDBYS = """
SELECT application_name, coalesce(host(client_addr), ''), coalesce(state, ''),
    coalesce(sync_state, ''),
    CASE WHEN pg_is_in_recovery() THEN 0
        ELSE coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn), 0) END::BIGINT,
    coalesce(extract(epoch FROM flush_lag), 0)::FLOAT8
FROM pg_stat_replication ORDER BY application_name, pid
"""
_TABLES = """
SELECT relname, n_live_tup, n_dead_tup,
    extract(epoch FROM clock_timestamp() - last_autovacuum)::FLOAT8
FROM pg_stat_user_tables
WHERE schemaname = %s AND relname IN ('message', 'pending', 'node', 'member') ORDER BY relname
"""
_BODIES = """
SELECT pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname ~ '^body_[0-9]+$' ORDER BY c.relname
"""
_OLDEST = """
SELECT coalesce(usename, ''), coalesce(application_name, ''),
    extract(epoch FROM clock_timestamp() - xact_start)::FLOAT8 AS age, ''
FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
    AND datname IS NOT NULL
UNION ALL
SELECT owner, '', extract(epoch FROM clock_timestamp() - prepared)::FLOAT8, gid
FROM pg_prepared_xacts
ORDER BY age DESC LIMIT 1
"""
_SLOTS = """
SELECT slot_name, CASE WHEN pg_is_in_recovery() THEN 0
    ELSE coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) END::BIGINT
FROM pg_replication_slots WHERE NOT active ORDER BY slot_name
"""
_VERSIONS = """
SELECT begun, ended, extract(epoch FROM keep_for)::FLOAT8,
    CASE WHEN ended < begun AND isfinite(older_seen)
        THEN extract(epoch FROM older_seen + keep_for)::FLOAT8 END
FROM store
"""


def looked(connection: psycopg.Connection[TupleRow], schema: str, known: int) -> Database:
    """Look; `known` is the version of tables that this Ulak knows. Raises ClusterError."""
    try:
        return _looked(connection, schema, known)
    except psycopg.Error as error:
        raise ClusterError from error


def _looked(connection: psycopg.Connection[TupleRow], schema: str, known: int) -> Database:
    def rows(statement: str, *values: object) -> list[TupleRow]:
        return connection.execute(statement, values).fetchall()

    (version, number, standby, durable, wanted, sees_all, used, most, autovacuum, size), *_ = rows(
        _WHOLE
    )
    (made,), *_ = rows("SELECT to_regclass('store') IS NOT NULL")
    (begun, ended, keep_for, kept_until), *_ = rows(_VERSIONS) if made else [(0, 0, 0.0, None)]
    oldest = [Transaction(*row) for row in rows(_OLDEST)]
    return Database(
        version=version,
        number=number,
        standby=standby,
        durable=durable,
        wanted=wanted,
        standbys=tuple(Standby(*row) for row in rows(_STANDBYS)),
        sees_all=sees_all,
        used=used,
        most=most,
        autovacuum=autovacuum,
        tables=tuple(Table(*row) for row in rows(_TABLES, schema)),
        bodies=tuple(size for (size,) in rows(_BODIES, schema)),
        size=size,
        oldest=oldest[0] if oldest else None,
        slots=tuple(Slot(*row) for row in rows(_SLOTS)),
        begun=begun,
        ended=ended,
        known=known,
        keep_for=keep_for,
        kept_until=kept_until,
    )
