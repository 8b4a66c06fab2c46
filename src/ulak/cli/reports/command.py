"""The commands of `ulak reports`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from ulak import config as settings
from ulak.app import reporting, reportsnow
from ulak.app.control import ControlError
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.cli.reports import printed
from ulak.queue.store import StorageError
from ulak.reports.aggregate import Aggregate
from ulak.reports.plain import DMARC, table_of
from ulak.reports.reading import Report, Unreadable, read_file
from ulak.reports.sources import sources
from ulak.reports.store import Incoming, Kept, ReportsError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_DAY = 86_400
_MOST = 100_000


def _common(function: F) -> F:
    """Add `--config`, `--json` and `--lang`, which has been read by then."""
    for add in (lang_option, json_option, config_option):
        function = add(function)
    return function


def _some(function: F) -> F:
    """Add what says which reports are meant."""
    for add in (
        click.option("--days", type=click.IntRange(1, 10_000), default=30, metavar="NUMBER"),
        click.option("--domain", default="", metavar="DOMAIN"),
    ):
        function = add(function)
    return function


@click.group()
def reports() -> None:
    """Read what others report about your domains (DMARC, TLS), and see what is reported to them."""


@reports.command("list")
@_some
@_common
@click.pass_context
def list_(
    ctx: click.Context,
    domain: str,
    days: int,
    config: Path | None,
    *,
    as_json: bool,
    lang: str,
) -> int:
    """List the reports of others that were read, the newest first."""
    del lang
    found = _asked(ctx, lambda: _found(_incoming(config), domain, days))
    if as_json:
        output.json_object({"reports": [asdict(kept) for kept in found]})
        return 0
    if not found:
        output.line(say(ctx, "reports.none"))
        return 0
    heads = printed.heads(
        ctx, "number", "kind", "domain", "organization", "period", "count", "well"
    )
    rows = [
        (
            kept.number,
            say(ctx, f"reports.kind.{kept.kind}"),
            kept.domain,
            kept.organization,
            printed.period(kept.begin, kept.end),
            kept.messages,
            printed.share(kept.passed, kept.messages),
        )
        for kept in found
    ]
    output.line(output.table(rows, heads))
    return 0


@reports.command("sources")
@_some
@_common
@click.pass_context
def sources_(
    ctx: click.Context,
    domain: str,
    days: int,
    config: Path | None,
    *,
    as_json: bool,
    lang: str,
) -> int:
    """Add up who has sent mail as your domains, how it came out, and what to do."""
    del lang
    store = _incoming(config)
    found = _asked(ctx, lambda: sources(_aggregates(store, domain, days)))
    if as_json:
        output.json_object({"sources": [printed.source_table(source) for source in found]})
        return 0
    if not found:
        output.line(say(ctx, "reports.none"))
        return 0
    printed.sources(ctx, found)
    return 0


@reports.command()
@click.argument("number", type=int, metavar="NUMBER")
@_common
@click.pass_context
def show(ctx: click.Context, number: int, config: Path | None, *, as_json: bool, lang: str) -> int:
    """Show one report: who sent mail, how many messages, what came of it, and what to do."""
    del lang
    report = _asked(ctx, lambda: _incoming(config).read(number))
    if report is None:
        raise Failure(say(ctx, "reports.no-such", number=number), FAILED)
    if as_json:
        output.json_object(table_of(report))
        return 0
    if isinstance(report, Aggregate):
        printed.dmarc(ctx, report)
    else:
        printed.tls(ctx, report)
    return 0


@reports.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE...",
)
@_common
@click.pass_context
def import_(
    ctx: click.Context, files: tuple[Path, ...], config: Path | None, *, as_json: bool, lang: str
) -> int:
    """Read reports from files: XML or JSON, packed or not, or mails with reports attached."""
    del lang
    store = _incoming(config)
    told: list[dict[str, Any]] = []
    code = 0
    for file in files:
        found = read_file(file.read_bytes())
        if isinstance(found, Unreadable):
            code = FAILED
            why = say(ctx, f"reports.trouble.{found.trouble}", detail=found.detail)
            told.append({"file": str(file), "trouble": str(found.trouble), "why": why})
            continue
        new = _kept(ctx, store, found, file)
        told.append({"file": str(file), "reports": len(found), "new": new})
    if as_json:
        output.json_object({"files": told})
        return code
    for each in told:
        name = "unreadable" if "why" in each else "imported" if each["new"] else "known"
        output.line(output.clean(say(ctx, f"reports.{name}", **each)))
    return code


@reports.command()
@click.option("--domain", default="", metavar="DOMAIN")
@_common
@click.pass_context
def sent(ctx: click.Context, domain: str, config: Path | None, *, as_json: bool, lang: str) -> int:
    """List the reports that this server has sent to the owners of domains, or why it has not."""
    del lang
    outgoing = reporting.outgoing_of(settings.load(config))
    printed.parcels(
        ctx, _asked(ctx, lambda: outgoing.parcels(1000, domain.lower())), as_json=as_json
    )
    return 0


@reports.command()
@click.option("--now", "at_once", is_flag=True)
@click.option("--dry-run", is_flag=True)
@_common
@click.pass_context
def send(
    ctx: click.Context,
    config: Path | None,
    *,
    at_once: bool,
    dry_run: bool,
    as_json: bool,
    lang: str,
) -> int:
    """Send the reports that are due, about days that are over."""
    del lang
    chosen = settings.load(config)
    if dry_run:
        planned = _asked(ctx, lambda: reportsnow.plan(chosen, time.time()))
        printed.parcels(ctx, planned, as_json=as_json)
        return 0
    count = _asked(ctx, lambda: reportsnow.send(chosen, time.time(), at_once=at_once))
    if as_json:
        output.json_object({"sent": count})
        return 0
    output.line(say(ctx, "reports.sent" if count else "reports.nothing-due", count=count))
    return 0


# -- what they share ------------------------------------------------------------------------------


def _incoming(config: Path | None) -> Incoming:
    return reporting.incoming_of(settings.load(config))


def _asked(ctx: click.Context, question: Callable[[], T]) -> T:
    try:
        return question()
    except ReportsError as error:
        facts = {"path": error.where, "problem": error.problem}
        raise Failure(say(ctx, "reports.unusable", **facts), USAGE) from error
    except (StorageError, ControlError) as error:
        raise Failure(str(error), USAGE) from error


def _kept(ctx: click.Context, store: Incoming, found: Iterable[Report], file: Path) -> int:
    return _asked(ctx, lambda: store.keep(tuple(found), time.time(), file.name))


def _found(store: Incoming, domain: str, days: int) -> list[Kept]:
    since = time.time() - days * _DAY
    return list(store.list(domain.lower().rstrip("."), since, _MOST))


def _aggregates(store: Incoming, domain: str, days: int) -> Iterable[Aggregate]:
    for kept in _found(store, domain, days):
        report = store.read(kept.number) if kept.kind == DMARC else None
        if isinstance(report, Aggregate):
            yield report
