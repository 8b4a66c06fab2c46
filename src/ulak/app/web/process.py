"""The process of the web. Started by the supervisor, never by hand.

It takes no mail and keeps none: it may fail, and wait behind the workers for the processor.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time

import uvloop

from ulak.app.child import Child, born
from ulak.app.identifiers import Identifiers
from ulak.app.places import Places
from ulak.app.record import web_journal_of
from ulak.app.serving import make_log
from ulak.app.web.composition import composed
from ulak.app.web.health import Health
from ulak.app.web.parts import WebParts
from ulak.app.web.running import run
from ulak.journal.trace import JournalError
from ulak.log import Event, Log
from ulak.log.log import Records
from ulak.server.wire import CertificateError

_NICE = 5  # mail comes first


def main() -> int:
    """Read the job from the pipe that is named on the command line, and serve."""
    child = born()
    os.nice(_NICE)
    log = make_log(child.config, who="web")
    logging.getLogger().addHandler(Records(log))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(child, log))
    except CertificateError as error:
        log.emit(Event.CERTIFICATE_REFUSED, problem=str(error))
        return 1
    except JournalError as error:
        log.emit(Event.STORAGE_FAILED, problem=str(error))
        return 1
    finally:
        log.close()
    return 0


async def _serve(child: Child, log: Log) -> None:
    config = child.config
    child.watch()
    journal = web_journal_of(config, log)
    parts = WebParts(config, Places(config.data), journal, log, time.time, Identifiers(time.time))

    def ready() -> None:
        log.emit(Event.WEB_READY, pid=os.getpid())
        child.ready()

    try:
        await run(parts, Health(composed(parts), parts.places), child.sockets(), ready)
    finally:
        await asyncio.to_thread(journal.close)


if __name__ == "__main__":
    sys.exit(main())
