"""What the workers of a cluster share of sites, in PostgreSQL."""

from ulak.delivery.postgres.seats import PostgresSeats
from ulak.delivery.postgres.shared import PostgresShared

__all__ = ["PostgresSeats", "PostgresShared"]
