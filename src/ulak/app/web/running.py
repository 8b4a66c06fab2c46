"""Serving an application until it is told to stop, whoever asks for it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from socket import socket

from starlette.types import ASGIApp

from ulak import config as settings
from ulak.app import certificates
from ulak.app.child import settle
from ulak.app.web.certificate import WebCertificate
from ulak.app.web.connection import Limits
from ulak.app.web.outermost import Outermost
from ulak.app.web.parts import WebParts
from ulak.app.web.server import Server
from ulak.log import Event


async def run(
    parts: WebParts, app: ASGIApp, sockets: Sequence[socket], ready: Callable[[], None]
) -> None:
    """Serve `app` on `sockets` until SIGTERM or SIGINT; SIGHUP looks for new certificates.

    Raises CertificateError.
    """
    loop = asyncio.get_running_loop()
    tls = tls_of(parts.web)
    server = Server(
        Outermost(
            app,
            proxies=parts.web.proxies,
            incident=parts.incident,
            log=parts.log,
            clock=time.monotonic,
        ),
        limits_of(parts.web),
        tls=tls.context if tls else None,
        patience=parts.config.limits.shutdown,
        ready=ready,
    )
    look = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    loop.add_signal_handler(signal.SIGHUP, look.set)
    watch = loop.create_task(certificates.watch([tls], parts.log, look)) if tls else None
    settle()
    try:
        await server.serve(list(sockets))
    finally:
        if watch is not None:
            watch.cancel()
        await parts.close()
    parts.log.emit(Event.STOPPED)


def limits_of(web: settings.Web) -> Limits:
    """Give what connections keep to. A proxy brings those of many clients, named or not."""
    return Limits(
        connections=web.connections,
        per_client=web.connections_per_client,
        boundless=partial(_near, web),
    )


def tls_of(web: settings.Web) -> WebCertificate | None:
    """Make what is needed for TLS; None where there is none. Raises CertificateError."""
    if web.tls is None or web.tls.certificate is None:
        return None
    return WebCertificate(web.tls.certificate, web.tls.key or web.tls.certificate)


def _near(web: settings.Web, host: str) -> bool:
    """Whether a client is a proxy of ours, or on this machine."""
    if not host:
        return False
    address = ip_address(host)
    return address.is_loopback or any(address in network for network in web.proxies)
