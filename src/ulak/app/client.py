"""From settings to how this server behaves as a client."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ulak import config as settings
from ulak.app.sourcing import Sourcing
from ulak.app.transport import wishes_of
from ulak.config.smarthosts import read_password
from ulak.delivery.byname import ByName
from ulak.delivery.demands import Demands
from ulak.delivery.sending import Chunking, Sending, Timeouts
from ulak.delivery.tls import opportunistic, verifying
from ulak.dns.resolver import DnsResolver
from ulak.smtp.sasl.client import Credentials


def resolver_of(config: settings.Config) -> DnsResolver:
    """Make who is asked for names."""
    dns = config.dns
    return DnsResolver(
        [(server.host, server.port) for server in dns.servers],
        timeout=dns.timeout,
        attempts=dns.attempts,
        deadline=dns.deadline,
        trust_ad=dns.trust_ad,
    )


def sending_of(config: settings.Config, sourcing: Sourcing | None = None) -> Sending:
    """Make the settings of the SMTP carrier.

    Raises OSError for a file that is not there any more.
    """
    delivery, times = config.delivery, config.delivery.timeouts
    own = {(li.address.host, li.address.port) for li in config.listeners if not li.address.path}
    sources: dict[str, Any] = {}
    if sourcing is not None:
        sources = {"sources": sourcing.of, "aside": sourcing.aside}
    return Sending(
        hostname=config.hostname,
        tls=opportunistic() if delivery.tls == "opportunistic" else None,
        proven=partial(verifying, delivery.authorities),
        smarthosts=_smart_hosts(config),
        wishes=wishes_of(config),
        dane=delivery.dane,
        mta_sts=delivery.mta_sts,
        addresses=frozenset(own),
        ports=frozenset({delivery.port}),
        names=frozenset(one.hostname for one in config.sources if one.hostname),
        messages_per_connection=delivery.messages_per_connection,
        per_connection=ByName(
            {
                name: one.messages_per_connection
                for name, one in config.destinations.items()
                if one.messages_per_connection
            }
        ),
        recipients=delivery.recipients_per_message,
        chunking=Chunking(delivery.chunking),
        timeouts=Timeouts(
            connect=times.connect,
            greeting=times.greeting,
            hello=times.hello,
            tls=times.tls,
            mail=times.mail,
            rcpt=times.rcpt,
            data=times.data,
            block=times.block,
            end=times.end,
            quit=times.quit,
            idle=times.idle,
        ),
        **sources,
    )


def _smart_hosts(config: settings.Config) -> dict[tuple[str, int], Demands]:
    found: dict[tuple[str, int], Demands] = {}
    for name, one in config.smarthosts.items():
        host, _, port = name.rpartition(":")
        required = one.tls != "opportunistic"
        found[host.strip("[]"), int(port)] = Demands(
            name,
            verifying(one.ca) if required else opportunistic(),
            required=required,
            implicit=one.tls == "implicit",
            login=_credentials(one),
            trusted=one.trust_unproven,
        )
    return found


def _credentials(one: settings.SmartHost) -> Callable[[], Credentials] | None:
    name, file, password = one.username, one.password_file, one.password or ""
    if not name:
        return None
    if file is None:
        return lambda: Credentials(name, password)
    return lambda: Credentials(name, read_password(file))
