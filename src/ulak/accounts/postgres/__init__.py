"""What servers of a cluster know together of failed logins and of what accounts have sent."""

from ulak.accounts.postgres.attempts import PostgresRecords
from ulak.accounts.postgres.sent import PostgresSent

__all__ = ["PostgresRecords", "PostgresSent"]
