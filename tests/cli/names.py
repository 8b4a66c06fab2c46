"""A name server in a thread, for commands that ask one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ulak.dns.zone import Zone
from ulak.lab.nameserver import NameServer


@contextmanager
def serving(zone: Zone) -> Iterator[str]:
    """Serve a zone, which may be changed meanwhile; give the address as `--dns` takes it."""
    loop = asyncio.new_event_loop()
    server = NameServer(zone)
    host, port = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"{host}:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(server.stop())
        loop.close()
