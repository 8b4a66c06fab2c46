"""`--dns IP:PORT`: which name servers a command asks, in place of the configuration's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ulak.cli.frame import USAGE, Failure, say
from ulak.config.values import parse_ip, parse_port, split_port

F = TypeVar("F", bound=Callable[..., Any])
Server = tuple[str, int]
_DNS = 53


def _servers(
    ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> tuple[Server, ...]:
    return tuple(_server(ctx, each) for each in given)


def _server(ctx: click.Context, text: str) -> Server:
    if ip := parse_ip(text):
        return str(ip), _DNS
    parts = split_port(text)
    ip = parse_ip(parts[0]) if parts else None
    port = parse_port(parts[1]) if parts else None
    if not ip or not port:
        raise Failure(say(ctx, "dns.no-server", given=text), USAGE)
    return str(ip), port


def dns_option(function: F) -> F:
    """Add `--dns IP:PORT`, any number of times; the function gets `dns`."""
    return click.option("--dns", multiple=True, metavar="IP:PORT", callback=_servers)(function)
