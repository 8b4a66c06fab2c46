"""`ulak dns records`: what a domain has to publish in DNS, and whether DNS has it."""

from __future__ import annotations

from pathlib import Path

import click

from ulak import config as settings
from ulak.app import signing
from ulak.app.publishing import check_domain, domain_of
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.nameservers import Server, dns_option
from ulak.cli.options import config_option, json_option
from ulak.cli.publishing import note, standing
from ulak.dns.names import to_ascii
from ulak.keys.folder import KeysError
from ulak.keys.key import strings
from ulak.language import LANGUAGES
from ulak.publish.compare import Checked, Standing
from ulak.publish.wanted import Domain, wanted


@click.group()
def dns() -> None:
    """Show what has to be published in DNS."""


@dns.command()
@click.argument("domain", metavar="DOMAIN")
@click.option("--check", is_flag=True)
@dns_option
@json_option
@click.option("--lang", type=click.Choice(LANGUAGES), metavar="LANGUAGE", expose_value=False)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@config_option
@click.pass_context
def records(
    ctx: click.Context,
    domain: str,
    dns: tuple[Server, ...],
    config: Path | None,
    data: Path | None,
    *,
    check: bool,
    as_json: bool,
) -> int:
    """Show every record that a domain of this server needs, as lines of a zone file.

    With --check, DNS is asked for each: whether it has this, another, or none.
    """
    chosen = settings.load(config, data)
    which = _domain(ctx, chosen, domain)
    asked = check or bool(dns)
    if asked:
        found = check_domain(chosen, which, dns)
    else:
        found = tuple(Checked(one, Standing.UNKNOWN) for one in wanted(which))
    if as_json:
        output.json_object({"domain": which.name, "records": [_fields(c, asked) for c in found]})
    else:
        _show(ctx, found, asked=asked)
    wrong = any(checked.standing is not Standing.THERE for checked in found)
    return FAILED if asked and wrong else 0


def _domain(ctx: click.Context, chosen: settings.Config, text: str) -> Domain:
    """Give the domain with its keys."""
    names = {to_ascii(name): name for name in chosen.domains}
    name = to_ascii(text)
    if not name or name not in names:
        ours = ", ".join(sorted(chosen.domains)) or "-"
        shown = output.clean(text)
        raise Failure(say(ctx, "dns.foreign", domain=shown, domains=ours), USAGE)
    try:
        keys = signing.folder_of(chosen).of(name)
    except KeysError as error:
        path = output.clean(str(error.where))
        problem = say(ctx, "dkim.unusable", path=path, problem=error.problem)
        raise Failure(problem, USAGE) from None
    return domain_of(chosen, name, keys)


def _show(ctx: click.Context, found: tuple[Checked, ...], *, asked: bool) -> None:
    """Write lines of a zone file, with what is to be said about them as its comments."""
    purpose = None
    for checked in found:
        one = checked.wanted
        if one.purpose is not purpose:
            if purpose is not None:
                output.line()
            purpose = one.purpose
            _comment(say(ctx, f"dns.purpose.{purpose.value}"))
        if one.value:
            output.line(output.clean(one.line()))
        if asked and one.value:
            colour = {"there": "green", "unknown": "yellow"}.get(checked.standing.value, "red")
            _comment(standing(ctx, checked), colour)
        if text := note(ctx, checked):
            _comment(text)


def _comment(text: str, colour: str = "") -> None:
    for line in output.prose(text, "; ").split("\n"):
        output.line(output.paint(line, colour) if colour else line)


def _fields(checked: Checked, asked: bool) -> dict[str, object]:  # noqa: FBT001 -- of one row
    one = checked.wanted
    return {
        "purpose": one.purpose.value,
        "name": one.name,
        "type": one.kind,
        "value": one.value or None,
        "strings": list(strings(one.value)) if one.kind == "TXT" and one.value else None,
        "stage": one.key.stage.value if one.key else None,
        "note": one.note or None,
        "state": checked.standing.value if asked else None,
        "found": list(checked.found),
        "about": checked.note or None,
        "reason": str(checked.reason) if checked.reason else None,
    }
