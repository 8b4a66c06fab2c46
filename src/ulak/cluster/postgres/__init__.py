"""The members of a cluster, in the table `member` of the queue's database."""

from ulak.cluster.postgres.members import Members, opened
from ulak.cluster.postgres.place import ClusterError, RivalError
from ulak.cluster.postgres.row import Row, Wanted

__all__ = ["ClusterError", "Members", "RivalError", "Row", "Wanted", "opened"]
