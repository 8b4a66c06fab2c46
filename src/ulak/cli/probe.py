"""`ulak probe`: talk to a server without sending mail, and explain each reply."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from pathlib import Path
from typing import Any

import click

from ulak import config as settings
from ulak.app import probing
from ulak.app.diagnosing import resolver_of
from ulak.app.probing import Wish
from ulak.cli import output
from ulak.cli.check import path, server
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.diagnose import probe as told
from ulak.diagnose.probe import Probed
from ulak.dns.names import to_ascii

_PORT = 25
_SUBMISSIONS = 465  # RFC 8314 §7.3
_MOST_PORT = 65_535
_MOST_SECONDS = 600
# What could begin another command, or end an address (RFC 5321 §4.1.2).
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>]")
_COLOURS = {"client": "cyan", "server": "green", "refusal": "red", "remark": "yellow"}


@click.command()
@click.argument("host", metavar="HOST[:PORT]")
@click.option("--vrfy", multiple=True, metavar="TEXT")
@click.option("--rcpt", multiple=True, metavar="ADDRESS")
@click.option("--mail-from", metavar="ADDRESS")
@click.option("--helo", metavar="NAME")
@click.option("--port", type=click.IntRange(1, _MOST_PORT), metavar="NUMBER")
@click.option("--tls", type=click.Choice(("starttls", "implicit", "none")))
@click.option("--ca", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--all", "every", is_flag=True)
@click.option("--timeout", type=click.FloatRange(0.1, _MOST_SECONDS), metavar="SECONDS")
@click.option("--dns", metavar="HOST:PORT")
@config_option
@json_option
@lang_option
@click.pass_context
def probe(
    ctx: click.Context,
    /,
    host: str,
    lang: str,
    *,
    every: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 -- what the lines above name, each with its own kind
) -> int:
    """Talk to a mail server without sending mail, and explain each reply."""
    name, given = _split(ctx, host)
    number = given or options["port"] or (_SUBMISSIONS if options["tls"] == "implicit" else _PORT)
    wish = _wish(ctx, number, options)
    chosen, at = settings.load(options["config"]), server(ctx, options["dns"])

    async def ask() -> list[Probed]:
        resolver = resolver_of(chosen, at)
        try:
            names: tuple[str, ...] = ()
            if not given and not _is_address(name):
                names = await probing.mail_hosts(resolver, name)
            names = names or (name,)
            made = []
            for one in names if every else names[:1]:
                where = resolver if at is not None else None
                place = await probing.located(where, one, number)
                made.append(await probing.probe(place, wish))
            return made
        finally:
            await resolver.close()

    try:
        found = asyncio.run(ask())
    except FileNotFoundError as error:
        raise Failure(say(ctx, "send.no-authorities", path=error.filename), USAGE) from error
    if as_json:
        output.json_object({"servers": [told.to_dict(one, lang) for one in found]})
    else:
        for place, one in enumerate(found):
            if place:
                output.line()
            _show(one, lang)
    return 0 if all(one.good for one in found) else FAILED


def _wish(ctx: click.Context, port: int, options: dict[str, Any]) -> Wish:
    recipients = tuple(path(one) or "" for one in options["rcpt"])
    sender, greeting = path(options["mail_from"]) or "", options["helo"] or ""
    for text in (*options["vrfy"], *recipients, sender, greeting):
        if _UNFIT.search(text):
            raise Failure(say(ctx, "probe.unfit", given=output.clean(text)), USAGE)
    return Wish(
        greeting or socket.gethostname(),
        options["vrfy"],
        recipients,
        sender,
        options["tls"] or ("implicit" if port == _SUBMISSIONS else "starttls"),
        options["timeout"] or 30.0,
        options["ca"],
    )


def _show(probed: Probed, lang: str) -> None:
    for kind, text in told.lines(probed, lang):
        clean = output.clean(text)
        if kind == "head":
            output.line(output.paint(clean, "cyan", bold=True))
        elif kind in ("client", "server") or (kind == "refusal" and text.startswith("S: ")):
            output.line(output.paint(clean, _COLOURS[kind]))
        else:
            shown = output.prose(clean, "     ")
            output.line(output.paint(shown, _COLOURS[kind]) if kind in _COLOURS else shown)


def _split(ctx: click.Context, text: str) -> tuple[str, int]:
    """Read `HOST`, `HOST:PORT`, an IPv6 address, `[IPv6]:PORT`; the port is 0 without one."""
    host, port = text, 0
    if not _is_address(text):
        before, colon, after = text.rpartition(":")
        if colon and not text.endswith("]"):
            host = before
            port = int(after) if after.isascii() and after.isdigit() and len(after) < 6 else -1  # noqa: PLR2004 -- digits
    host = host.removeprefix("[").removesuffix("]")
    name = host if _is_address(host) else to_ascii(host.strip()) or ""
    if not name or not 0 <= port <= _MOST_PORT or (port == 0 and text.endswith(":0")):
        raise Failure(say(ctx, "probe.no-host", given=output.clean(text)), USAGE)
    return name, port


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
