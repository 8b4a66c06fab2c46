"""The public reference without a mail server: served by this process, or written as files."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from socket import socket

import uvloop

from ulak import config as settings
from ulak.app.child import take_descriptors
from ulak.app.identifiers import Identifiers
from ulak.app.places import Places
from ulak.app.selfmade import with_certificates
from ulak.app.serving import CannotServeError, make_log
from ulak.app.sockets import ListenError, Place, listen
from ulak.app.web.parts import WebParts
from ulak.app.web.running import run
from ulak.app.web.site import site_of
from ulak.journal.memory import MemoryJournal
from ulak.log import Log
from ulak.log.log import Records
from ulak.server.wire import CertificateError
from ulak.web import reference
from ulak.web.application import application
from ulak.web.site import Site

_INCIDENTS = 1000  # that are kept; the log has all of them

Say = Callable[[Sequence[str]], None]


def public(chosen: settings.Config) -> Site:
    """Tell what the reference knows of its site.

    It may be asked for by any name where none is given: nothing here is for some eyes only.
    """
    site = site_of(chosen)
    named = chosen.web is not None and chosen.web.hosts
    return site if named else replace(site, hosts=frozenset())


def serve(chosen: settings.Config, say: Say) -> None:
    """Serve the reference where the configuration has the web, until told to stop.

    `say` is told the addresses. Raises CannotServeError, and OSError where TLS needs a
    certificate of our own making that cannot be written.
    """
    web = chosen.web or settings.Web()
    chosen = replace(chosen, listeners=(), web=web)  # no mail: whatever mail needs is not made
    sockets: list[socket] = []
    try:
        for one in web.addresses:
            sockets += listen(Place(one.host, one.port), 1)
        take_descriptors()
        if web.tls is not None and web.tls.certificate is None:
            chosen.data.mkdir(parents=True, exist_ok=True)
            chosen = with_certificates(chosen)
        with make_log(chosen, who="web") as log:
            logging.getLogger().addHandler(Records(log))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(chosen, sockets, log, say))
    except (ListenError, CertificateError) as error:
        raise CannotServeError(str(error)) from error
    finally:
        for sock in sockets:
            sock.close()


async def _serve(chosen: settings.Config, sockets: Sequence[socket], log: Log, say: Say) -> None:
    new_id = Identifiers(time.time)
    journal = MemoryJournal(_INCIDENTS)
    parts = WebParts(chosen, Places(chosen.data), journal, log, time.time, new_id)
    scheme = "https" if parts.web.tls else "http"
    addresses = [f"{scheme}://{Place(*sock.getsockname()[:2])}/" for sock in sockets]
    app = application(public(chosen), [reference.piece()], parts.incident)
    await run(parts, app, sockets, lambda: say(addresses))


def export(chosen: settings.Config, folder: Path) -> reference.Written:
    """Write the reference as files. Raises OSError."""
    return reference.export(folder, public(chosen))
