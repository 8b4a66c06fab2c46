"""From settings to the scanners that are shown mail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.log import Event, Log

if TYPE_CHECKING:  # h11 and its like are loaded where a scanner is configured
    from ulak.policy import content
    from ulak.server.scanners.scanner import Program
    from ulak.server.scanners.scanners import Scanners


def scanners_of(config: settings.Config) -> Scanners | None:
    """Make the scanners of one process; None where there are none."""
    if not config.scanners:
        return None
    from ulak.server.scanners.scanner import Scanner  # noqa: PLC0415 -- as above
    from ulak.server.scanners.scanners import Engaged, Scanners  # noqa: PLC0415 -- as above

    return Scanners(
        [
            Engaged(
                Scanner(
                    _program(one),
                    timeout=one.timeout,
                    max_size=one.max_size,
                    connections=one.connections,
                    clock=time.monotonic,
                ),
                _rules(one),
                frozenset(one.scans),
            )
            for one in config.scanners
        ]
    )


async def greet(scanners: Scanners | None, log: Log) -> None:
    """Ask every scanner whether it is there, and tell the log."""
    if scanners is None:
        return
    for name, said in await scanners.health():
        event = Event.SCANNER_READY if isinstance(said, str) else Event.SCANNER_FAILED
        log.emit(event, scanner=name, said=str(said))


def _program(one: settings.Scanner) -> Program:
    from ulak.server.scanners.clamd import Clamd  # noqa: PLC0415 -- as above
    from ulak.server.scanners.exchange import Place  # noqa: PLC0415 -- as above

    place = Place(one.address.host, one.address.port, one.address.path)
    if one.kind == "clamd":
        return Clamd(one.called, place)
    from ulak.server.scanners.rspamd import Rspamd  # noqa: PLC0415 -- as above

    return Rspamd(one.called, place, one.password or "")


def _rules(one: settings.Scanner) -> content.Rules:
    from ulak.policy.content import Action, Rules, Scores  # noqa: PLC0415 -- as above

    unsure = {"accept": "none"}  # a mail that was not scanned says so itself
    return Rules(
        spam=Action(one.spam),
        suspect=Action(one.suspect),
        virus=Action(one.virus),
        greylist=Action(one.greylist),
        later=Action(one.soft_reject),
        failed=Action(unsure.get(one.on_error, one.on_error)),
        too_large=Action(unsure.get(one.too_large, one.too_large)),
        scores=Scores(one.mark_from, one.quarantine_from, one.refuse_from),
    )
