"""`ulak sources`: from where mail is sent, how warm that is, and whether it is set up well."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ulak import config as settings
from ulak.app.diagnosing import PATIENCE, Examiner, TooLateError
from ulak.app.sourced import Held, Sourced, Standing, standing, wanted
from ulak.cli import output
from ulak.cli.account import where
from ulak.cli.check import server
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.delivery.source.quota import LedgerError
from ulak.delivery.source.source import Pool
from ulak.diagnose.diagnosis import to_dict
from ulak.diagnose.printed import printed

_MOST = 3  # sites that a line names


@click.group(invoke_without_command=True)
@json_option
@where
@click.pass_context
def sources(ctx: click.Context, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Show the sources, their warm-up, the pools and the tenants."""
    if ctx.invoked_subcommand is not None:
        return
    found = _standing(ctx, settings.load(config, data))
    if as_json:
        output.json_object(_fields(found))
        return
    if not found.sources:
        output.line(say(ctx, "sources.none"))
    else:
        heads = [say(ctx, f"sources.head.{name}") for name in ("name", "address", "helo", "warm")]
        heads.append(say(ctx, "sources.head.today"))
        output.line(output.table([_row(ctx, one) for one in found.sources], heads))
    if found.pools:
        output.line()
        heads = [say(ctx, f"sources.head.{name}") for name in ("pool", "weights")]
        output.line(output.table([_pool(ctx, one, found.default) for one in found.pools], heads))
    if found.tenants:
        output.line()
        heads = [say(ctx, f"sources.head.{name}") for name in ("tenant", "pool", "whose", "today")]
        output.line(output.table([_tenant(ctx, one) for one in found.tenants], heads))
    for one in found.sources:
        for address, problem in one.problems.items():
            facts = {"name": one.source.name, "address": address, "problem": problem}
            click.echo(say(ctx, "sources.unusable", **facts), err=True)


@sources.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--only-configured", is_flag=True)
@click.option("--dns", metavar="HOST:PORT")
@config_option
@json_option
@lang_option
@click.pass_context
def check(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    dns: str | None,
    config: Path | None,
    lang: str,
    *,
    only_configured: bool,
    as_json: bool,
) -> int:
    """Check the names and the listings of each source, and say what to publish for it."""
    chosen = settings.load(config)
    found = [one for one in _standing(ctx, chosen).sources if not names or one.source.name in names]
    if not found:
        raise Failure(say(ctx, "sources.no-such" if names else "sources.none"), USAGE)
    examiner = Examiner(chosen, server(ctx, dns))
    good, told = True, list[dict[str, Any]]()
    for one in found:
        records = list(wanted(one))
        made = []
        for address in one.source.addresses:
            try:
                made.append(examiner.ip(address, (), one.hostname, known=not only_configured))
            except TooLateError as error:
                late = say(ctx, "check.too-late", seconds=f"{PATIENCE:g}")
                raise Failure(late, FAILED) from error
        good = good and not one.problems and all(each.good for each in made)
        if as_json:
            told.append(
                {
                    "source": one.source.name,
                    "unusable": one.problems,
                    "checks": [to_dict(each, lang) for each in made],
                    "publish": [" ".join(record) for record in records],
                }
            )
            continue
        output.line(output.paint(f"== {one.source.name}: {one.hostname}", "cyan", bold=True))
        for address, problem in one.problems.items():
            facts = {"name": one.source.name, "address": address, "problem": problem}
            output.line(say(ctx, "sources.unusable", **facts))
        for each in made:
            text = printed(each, lang, width=output.width(), paint=output.paint)
            output.line(text.rstrip("\n"))
            output.line()
        output.line(say(ctx, "sources.publish"))
        for record in records:
            output.line("    " + " ".join(record))
        output.line()
    if as_json:
        output.json_object({"sources": told})
    return 0 if good else FAILED


def _standing(ctx: click.Context, config: settings.Config) -> Standing:
    try:
        return standing(config, time.time())
    except LedgerError as error:
        raise Failure(say(ctx, "sources.no-counts", problem=str(error)), USAGE) from error


def _row(ctx: click.Context, one: Sourced) -> tuple[str, ...]:
    plan = one.source.plan
    if plan is None or one.limit is None:
        warm = say(ctx, "sources.warm")
    elif not one.step:
        warm = say(ctx, "sources.cold")
    else:
        kind = "sources.warming-site" if plan.per_site else "sources.warming"
        warm = say(ctx, kind, day=one.step, days=len(plan.daily), limit=one.limit)
    return one.source.name, ", ".join(one.source.addresses), one.hostname, warm, _today(one)


def _today(one: Sourced) -> str:
    if one.limit is None or not one.step:
        return "–"
    most = sorted(one.sent.items(), key=lambda each: -each[1])
    parts = [f"{count}/{one.limit} {site}".rstrip() for site, count in most[:_MOST]]
    return ", ".join([*parts, *(["…"] if len(most) > _MOST else [])]) or f"0/{one.limit}"


def _pool(ctx: click.Context, one: Pool, default: str) -> tuple[str, ...]:
    name = say(ctx, "sources.default", pool=one.name) if one.name == default else one.name
    return name, ", ".join(f"{source} ({weight})" for source, weight in one.weights.items())


def _tenant(ctx: click.Context, one: Held) -> tuple[str, ...]:
    tenant = one.tenant
    whose = ", ".join(sorted(tenant.domains | tenant.accounts))
    limit = tenant.per_day
    sent = f"{one.sent}/{limit}" if limit else "–"
    if tenant.per_hour:
        sent += say(ctx, "sources.per-hour", limit=tenant.per_hour)
    return tenant.name, tenant.pool or "–", whose, sent


def _fields(found: Standing) -> dict[str, object]:
    return {
        "sources": [
            {
                "name": one.source.name,
                "address": one.source.address or None,
                "address6": one.source.address6 or None,
                "hostname": one.hostname,
                "warm": one.limit is None,
                "day": one.step or None,
                "days": len(one.source.plan.daily) if one.source.plan else None,
                "limit": one.limit,
                "per_site": one.source.plan.per_site if one.source.plan else None,
                "sent": one.sent,
                "unusable": one.problems,
            }
            for one in found.sources
        ],
        "pools": [{"name": one.name, "sources": dict(one.weights)} for one in found.pools],
        "default": found.default or None,
        "tenants": [
            {
                "name": one.tenant.name,
                "pool": one.tenant.pool or None,
                "domains": sorted(one.tenant.domains),
                "accounts": sorted(one.tenant.accounts),
                "per_hour": one.tenant.per_hour or None,
                "per_day": one.tenant.per_day or None,
                "sent": one.sent,
            }
            for one in found.tenants
        ],
    }
