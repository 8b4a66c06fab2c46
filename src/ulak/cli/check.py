"""`ulak check`: the checks of Ulak made by hand, with their reasons and what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ulak import config as settings
from ulak.app.diagnosing import LONGEST, PATIENCE, Examiner, Reach, TooLargeError, TooLateError
from ulak.cli import output
from ulak.cli.address import address as what_of_an_address
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.diagnose.diagnosis import Diagnosis, to_dict
from ulak.diagnose.domain import NoDomainError
from ulak.diagnose.message import Envelope
from ulak.diagnose.printed import printed

F = TypeVar("F", bound=Callable[..., Any])
_DNS_PORT = 53
_MOST_PORT = 65_535


@click.group()
def check() -> None:
    """Check an address, a domain, a message or a sender, and say why."""


check.add_command(what_of_an_address)


def _common(function: F) -> F:
    """Add the options that all of these commands have."""
    dns = click.option("--dns", metavar="HOST:PORT")
    return click.pass_context(dns(config_option(json_option(lang_option(function)))))  # type: ignore[return-value] # Click's wrappers keep it callable


@check.command()
@click.argument("ip", metavar="IP")
@click.option("--zone", "zones", multiple=True, metavar="ZONE")
@click.option("--only-configured", is_flag=True)
@click.option("--helo", metavar="NAME")
@_common
def ip(
    ctx: click.Context,
    /,
    ip: str,
    zones: tuple[str, ...],
    helo: str | None,
    *,
    only_configured: bool,
    **common: Any,  # noqa: ANN401 -- the options of all
) -> int:
    """Look up the name of an address, and the lists that have it."""
    address(ctx, ip)
    return _end(
        ctx, common, lambda examiner: examiner.ip(ip, zones, helo or "", known=not only_configured)
    )


@check.command()
@click.argument("name", metavar="NAME")
@click.option("--selector", "selectors", multiple=True, metavar="SELECTOR")
@click.option("--connect", is_flag=True)
@click.option("--no-fetch", is_flag=True)
@click.option("--private", is_flag=True)
@_common
def domain(
    ctx: click.Context,
    /,
    name: str,
    selectors: tuple[str, ...],
    *,
    connect: bool,
    no_fetch: bool,
    private: bool,
    **common: Any,  # noqa: ANN401 -- the options of all
) -> int:
    """Look at what a domain publishes about its mail, and at the TLS of its servers."""
    reach = Reach(fetch=not no_fetch, connect=connect, private=private)
    try:
        return _end(ctx, common, lambda examiner: examiner.domain(name, selectors, reach))
    except NoDomainError as error:
        raise Failure(say(ctx, "check.no-domain", name=output.clean(name)), USAGE) from error


@check.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--ip", metavar="IP")
@click.option("--helo", metavar="NAME")
@click.option("--mail-from", metavar="ADDRESS")
@_common
def message(
    ctx: click.Context,
    /,
    file: Path,
    ip: str | None,
    helo: str | None,
    mail_from: str | None,
    **common: Any,  # noqa: ANN401 -- the options of all
) -> int:
    """Check who a message in a file is really from."""
    if ip is not None:
        address(ctx, ip)
    given = Envelope(ip, helo, path(mail_from))
    try:
        return _end(ctx, common, lambda examiner: examiner.message(file, given))
    except TooLargeError as error:
        facts = {"file": file, "limit": LONGEST // 1_000_000}
        raise Failure(say(ctx, "check.too-large", **facts), USAGE) from error


@check.command()
@click.option("--ip", required=True, metavar="IP")
@click.option("--helo", required=True, metavar="NAME")
@click.option("--mail-from", required=True, metavar="ADDRESS")
@_common
def spf(ctx: click.Context, /, ip: str, helo: str, mail_from: str, **common: Any) -> int:  # noqa: ANN401 -- the options of all
    """Ask whether a client may send for a domain."""
    address(ctx, ip)
    given = Envelope(ip, helo, path(mail_from))
    return _end(ctx, common, lambda examiner: examiner.spf(given))


def _end(ctx: click.Context, common: dict[str, Any], ask: Callable[[Examiner], Diagnosis]) -> int:
    """Make the diagnosis and show it; 1 where something was found."""
    examiner = Examiner(settings.load(common["config"]), server(ctx, common["dns"]))
    try:
        made = ask(examiner)
    except TooLateError as error:
        raise Failure(say(ctx, "check.too-late", seconds=f"{PATIENCE:g}"), FAILED) from error
    if common["as_json"]:
        output.json_object(to_dict(made, common["lang"]))
    else:
        text = printed(made, common["lang"], width=output.width(), paint=output.paint)
        output.line(text.rstrip("\n"))
    return 0 if made.good else FAILED


def server(ctx: click.Context, text: str | None) -> tuple[str, int] | None:
    """Read `HOST:PORT`, `HOST`, `[IPv6]:PORT`; the host is an address."""
    if text is None:
        return None
    host, colon, port = text, "", ""
    if not _is_address(text):
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
    number = _DNS_PORT if not colon else int(port) if port.isascii() and port.isdigit() else 0
    if not _is_address(host) or not 0 < number <= _MOST_PORT:
        raise Failure(say(ctx, "check.no-server", given=output.clean(text)), USAGE)
    return host, number


def address(ctx: click.Context, text: str) -> None:
    """Refuse what is no IP address."""
    if not _is_address(text):
        raise Failure(say(ctx, "check.no-address", given=output.clean(text)), USAGE)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def path(text: str | None) -> str | None:
    """Give a reverse-path without its brackets; `<>` is the null one."""
    return None if text is None else text.strip().removeprefix("<").removesuffix(">")
