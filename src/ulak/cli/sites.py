"""`ulak queue sites`: on which terms mail goes to its destinations, and sending to one again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ulak import config as settings
from ulak.app.control import ControlError
from ulak.app.operator import NotRunningError, Operator, caller
from ulak.cli import output
from ulak.cli.frame import FAILED, Failure, language, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.journal.trace import JournalError
from ulak.replies import catalog, texts

_MINUTE = 60.0
_NAMES = ("site", "source", "active", "waiting", "window", "pace", "suspended")


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.option("--here", is_flag=True)
@lang_option
@click.pass_context
def sites(ctx: click.Context, config: Path | None, *, as_json: bool, here: bool, lang: str) -> int:
    """See how much destinations take, and which of them wait for what."""
    if ctx.invoked_subcommand is not None:
        return 0
    operator = Operator(settings.load(config), time.time())
    try:
        told = operator.sites(here=here)
    except ControlError as error:
        raise Failure(str(error), FAILED) from error
    found = told.rows
    missing = [JournalError("silent", member=member) for member in told.silent]
    if told.away:
        missing.append(JournalError("database-away"))
    for trouble in missing:
        click.echo(output.clean(trouble.sentence(lang)), err=True)
    if as_json:
        output.json_object(
            {"sites": found, **({"silent": list(told.silent)} if told.others or missing else {})}
        )
        return 0
    if not operator.running and not told.others:
        raise Failure(say(ctx, "sites.not-running"), FAILED)
    if not found:
        output.line(say(ctx, "sites.none"))
        return 0
    names = ("member", *_NAMES) if any("member" in site for site in found) else _NAMES
    heads = [say(ctx, f"sites.head.{name}") for name in names]
    rows = [_row(ctx, site) for site in found]
    if names is not _NAMES:
        rows = [
            (output.clean(str(site["member"])), *row) for site, row in zip(found, rows, strict=True)
        ]
    output.line(output.table(rows, heads))
    for site in found:
        about = site.get("suspended")
        if isinstance(about, dict):
            output.line()
            output.line(output.prose(waiting(ctx, {"site": site["site"], **about}), ""))
    for sentence in _sharing(ctx, found):
        output.line()
        output.line(output.prose(sentence, ""))
    return 0


def _sharing(ctx: click.Context, found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Say among how many limits are divided, and that they are not reached now."""
    sharers = max((int(site.get("sharers", 0)) for site in found), default=0)
    if sharers:
        yield say(ctx, "sites.sharers", count=sharers)
    apart = min((float(site["apart"]) for site in found if "apart" in site), default=0.0)
    if apart:
        yield say(ctx, "sites.apart", since=_moment(apart))


@sites.command()
@click.argument("site", metavar="SITE")
@config_option
@json_option
@lang_option
@click.pass_context
def resume(ctx: click.Context, site: str, config: Path | None, *, as_json: bool, lang: str) -> int:
    """Send to a destination again at once, and forget how slowly it wanted mail."""
    del lang
    try:
        count = Operator(settings.load(config), time.time()).resume(site, caller())
    except NotRunningError:
        raise Failure(say(ctx, "sites.not-running"), FAILED) from None
    except ControlError as error:
        raise Failure(str(error), FAILED) from error
    if as_json:
        output.json_object({"site": site, "count": count})
    elif count:
        output.line(say(ctx, "sites.resumed", site=site))
    else:
        output.line(say(ctx, "sites.goes-on", site=site))
    return 0 if count else FAILED


def waiting(ctx: click.Context, about: Mapping[str, Any]) -> str:
    """Say until when a site is not sent to, why, and where the rule for that was read."""
    told = say(
        ctx,
        "sites.waits",
        site=output.clean(str(about["site"])),
        due=_moment(float(about["until"])),
        cause=named(ctx, str(about["cause"])),
        host=output.clean(str(about["host"])),
        reply=output.clean(str(about["reply"])),
        rule=about["rule"],
    )
    read = _read(ctx, about)
    return f"{told}\n{read}" if read else told


def by_rule(ctx: click.Context, row: Mapping[str, Any]) -> str:
    """Say by which rule a recipient waits, and where that was read; nothing where by none."""
    if "rule" not in row:
        return ""
    told = say(ctx, "sites.by-rule", rule=row["rule"])
    read = _read(ctx, row)
    return f"{told} {read}" if read else told


def _read(ctx: click.Context, rule: Mapping[str, Any]) -> str:
    """Say where a default for a provider was read; nothing where a rule is none."""
    read = rule.get("read")
    if not isinstance(read, dict):
        return ""
    if not read["date"]:
        return say(ctx, "sites.unread")
    return say(ctx, "sites.read", source=read["source"], date=read["date"])


def named(ctx: click.Context, cause: str) -> str:
    """Give a cause by its title, and the name that programs and rules have for it."""
    if cause not in catalog.CATALOG:  # another version has known it
        return output.clean(cause)
    return f"“{texts.cause(cause, language(ctx)).title}” ({cause})"


def _row(ctx: click.Context, site: Mapping[str, Any]) -> tuple[str | int, ...]:
    interval = float(site["interval"])
    pace = say(ctx, "sites.pace", count=f"{_MINUTE / interval:.3g}") if interval else ""
    about = site.get("suspended")
    return (
        output.clean(str(site["site"])),
        output.clean(str(site["source"])),
        int(site["active"]),
        int(site["waiting"]),
        int(site["window"]),
        pace,
        _moment(float(about["until"])) if isinstance(about, dict) else "",
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
