"""The process of the web. Started by the supervisor, never by hand.

It takes no mail and keeps none: it may fail, and wait behind the workers for the processor.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from functools import partial
from ipaddress import ip_address

import uvloop

from ulak import config as settings
from ulak.app import certificates
from ulak.app.child import Child, born, settle
from ulak.app.identifiers import Identifiers
from ulak.app.places import Places
from ulak.app.record import web_journal_of
from ulak.app.serving import make_log
from ulak.app.web.certificate import WebCertificate
from ulak.app.web.composition import composed
from ulak.app.web.connection import Limits
from ulak.app.web.outermost import Outermost
from ulak.app.web.parts import WebParts
from ulak.app.web.server import Server
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
            return runner.run(_serve(child, log))
    except CertificateError as error:
        log.emit(Event.CERTIFICATE_REFUSED, problem=str(error))
        return 1
    except JournalError as error:
        log.emit(Event.STORAGE_FAILED, problem=str(error))
        return 1
    finally:
        log.close()


async def _serve(child: Child, log: Log) -> int:
    config = child.config
    loop = asyncio.get_running_loop()
    child.watch()
    journal = web_journal_of(config, log)
    parts = WebParts(config, Places(config.data), journal, log, time.time, Identifiers(time.time))
    tls = tls_of(parts.web)

    def ready() -> None:
        log.emit(Event.WEB_READY, pid=os.getpid())
        child.ready()

    server = Server(
        surrounded(parts),
        limits_of(parts.web),
        tls=tls.context if tls else None,
        patience=config.limits.shutdown,
        ready=ready,
    )
    look = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    loop.add_signal_handler(signal.SIGHUP, look.set)
    watch = loop.create_task(certificates.watch([tls], log, look)) if tls else None
    settle()
    try:
        await server.serve(child.sockets())
    finally:
        if watch is not None:
            watch.cancel()
        await parts.close()
        await asyncio.to_thread(journal.close)
    log.emit(Event.STOPPED)
    return 0


def surrounded(parts: WebParts) -> Outermost:
    """Make the whole application."""
    return Outermost(
        composed(parts),
        proxies=parts.web.proxies,
        incident=parts.incident,
        log=parts.log,
        clock=time.monotonic,
    )


def limits_of(web: settings.Web) -> Limits:
    """Give what connections keep to. A proxy brings those of many clients."""
    return Limits(
        connections=web.connections,
        per_client=web.connections_per_client,
        boundless=partial(_in_networks, web),
    )


def tls_of(web: settings.Web) -> WebCertificate | None:
    """Make what is needed for TLS; None where there is none. Raises CertificateError."""
    if web.tls is None or web.tls.certificate is None:
        return None
    return WebCertificate(web.tls.certificate, web.tls.key or web.tls.certificate)


def _in_networks(web: settings.Web, host: str) -> bool:
    return any(ip_address(host) in network for network in web.proxies) if host else False


if __name__ == "__main__":
    sys.exit(main())
