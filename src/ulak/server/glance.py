"""What can be seen of a session from outside, for those who watch the server."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass

from ulak.server.connection import Connection
from ulak.server.session import Session
from ulak.smtp.states import State


@dataclass(frozen=True, slots=True)
class Glance:
    """One session, since when in seconds since the epoch.

    `sender` is None where no transaction is under way, `stage` is a name of `State` in lower case,
    `tls` protocol and cipher, `octets` what has come of the message under way.
    """

    id: str
    since: float
    ip: str
    listener: str
    stage: str
    client: str
    tls: str
    account: str
    accepted: int
    refused: int
    sender: str | None
    recipients: int
    octets: int


def glances(connections: Collection[Connection], limit: int) -> list[Glance]:
    """Look at those that have been there longest."""
    longest = heapq.nsmallest(limit, connections, key=lambda connection: connection.since)
    return [_glance(session) for session in longest if isinstance(session, Session)]


def receiving(connections: Collection[Connection]) -> int:
    """Count those from which a message is coming."""
    return sum(connection.core.receiving for connection in connections)


def _glance(session: Session) -> Glance:
    core, transaction, account = session.core, session.transaction, session.account
    stage = State.CLOSED if core.closed else core.state
    return Glance(
        id=session.id,
        since=session.since,
        ip=session.ip,
        listener=session.listener,
        stage=stage.name.lower(),
        client=core.client_name,
        tls=session.tls,
        account=account.address if account is not None else "",
        accepted=session.accepted,
        refused=session.refused,
        sender=None if transaction is None else transaction.sender,
        recipients=0 if transaction is None else transaction.count,
        octets=core.received,
    )
