"""The site, put together from a configuration: which pieces it has, and what each is given."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from types import MappingProxyType

from starlette.types import ASGIApp

from ulak import config as settings
from ulak.app.web.parts import WebParts
from ulak.language import LANGUAGES
from ulak.web.application import Piece, application
from ulak.web.site import Site

Maker = Callable[[WebParts], Piece | None]
"""Makes a piece of what the process has, or None where the configuration wants none."""

PIECES: MappingProxyType[str, Maker] = MappingProxyType({})
"""All pieces, in the order in which navigation shows them."""


def site_of(config: settings.Config) -> Site:
    """Tell what the pages know of the server they stand for."""
    web = config.web or settings.Web()
    return Site(
        hostname=config.hostname, base=web.base, hosts=hosts_of(config), languages=LANGUAGES
    )


def hosts_of(config: settings.Config) -> frozenset[str]:
    """Give the names that a request may ask for, as a Host field has them (RFC 9110 §7.2)."""
    web = config.web or settings.Web()
    names = set(web.hosts)
    if not names:
        names = {config.hostname, "localhost"}
        for one in web.addresses:
            if not ip_address(one.host).is_unspecified:
                names.add(one.host)
    if web.base:
        host = web.base.partition("://")[2]
        names.add(host.partition("]")[0].strip("[") if "[" in host else host.partition(":")[0])
    return frozenset(f"[{name}]" if ":" in name else name for name in names)


def composed(parts: WebParts) -> ASGIApp:
    """Make the application with all that the configuration wants."""
    made = [piece for make in PIECES.values() if (piece := make(parts)) is not None]
    return application(site_of(parts.config), made, parts.incident)
