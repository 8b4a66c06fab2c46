"""The suppression list of a configuration, for the server and for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.storing import in_database, member_of
from ulak.delivery.carrier import Carrier
from ulak.delivery.suppressing import SuppressingCarrier
from ulak.log import Event
from ulak.suppression.copying import Copying
from ulak.suppression.gate import Gate
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.sqlite.copy import SqliteCopy
from ulak.suppression.suppressed import Rules, SuppressionError

if TYPE_CHECKING:
    from ulak.app.parts import Parts


def suppressions_of(chosen: settings.Config) -> SqliteSuppressions:
    """Open the list."""
    return SqliteSuppressions(Places(chosen.data).suppressions)


def rules_of(chosen: settings.Config) -> Rules:
    """Give what puts an address there."""
    told = chosen.suppression
    return Rules(frozenset(told.causes), told.keep, told.shared)


def gate_of(parts: Parts) -> Gate | None:
    """Make the list as mail passes it; None where the configuration wants none."""
    chosen = parts.config
    if not chosen.suppression.on:
        return None
    files = suppressions_of(chosen), suppressions_of(chosen)

    async def close() -> None:
        for file in files:
            await asyncio.to_thread(file.close)

    parts.closing.append(close)
    return Gate(
        *files,
        rules_of(chosen),
        local=parts.directory.local,
        clock=parts.clock,
        incident=parts.incident,
    )


def suppressing(parts: Parts, carrier: Carrier) -> Carrier:
    """Have the list asked before a carrier delivers."""
    gate = parts.gate
    if gate is None:
        return carrier
    return SuppressingCarrier(carrier, gate, local=parts.directory.local, clock=parts.clock)


def keeping_together(parts: Parts, *, first: bool) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Give what keeps the list in step with those of the other servers of a cluster."""
    if not first:
        return []
    copy = SqliteCopy(Places(parts.config.data).suppressions)
    if not in_database(parts.config):
        try:
            copy.leave()
        except SuppressionError as error:
            parts.incident(error)
        copy.close()
        return []
    from ulak.database.line import Line  # noqa: PLC0415 -- what speaks to PostgreSQL is not everywhere
    from ulak.suppression.postgres import PostgresCluster  # noqa: PLC0415 -- as above

    name = f"{member_of(parts.config)} suppressions"
    cluster = PostgresCluster(Line(parts.config.queue.store, name))

    def apart(problem: str) -> None:
        parts.log.emit(Event.SUPPRESSION_APART, problem=problem)

    def together() -> None:
        parts.log.emit(Event.SUPPRESSION_TOGETHER)

    async def close() -> None:
        await cluster.close()
        await asyncio.to_thread(copy.close)

    parts.closing.append(close)
    copying = Copying(copy, cluster, apart=apart, together=together, incident=parts.incident)
    return [copying.run]
