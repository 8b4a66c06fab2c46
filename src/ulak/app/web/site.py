"""What the pages know of the server they stand for, from its configuration."""

from __future__ import annotations

from ipaddress import ip_address

from ulak import config as settings
from ulak.language import LANGUAGES
from ulak.language.case import lower
from ulak.web.site import Site


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
    for address in (web.base, config.why.address):
        if address:
            host = lower(address.partition("://")[2].partition("/")[0])
            names.add(host.partition("]")[0].strip("[") if "[" in host else host.partition(":")[0])
    return frozenset(f"[{name}]" if ":" in name else name for name in names)
