"""The commands about the keys that sign mail, whether the server runs or not."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from ulak.cli import output
from ulak.cli.account import where
from ulak.cli.dkim.desk import Desk, fields, moment
from ulak.cli.frame import FAILED, USAGE, Failure
from ulak.cli.nameservers import Server, dns_option
from ulak.cli.options import json_option
from ulak.keys.folder import ThereAlreadyError
from ulak.keys.key import Algorithm, DkimKey, Stage, is_selector
from ulak.keys.rotation import over, plan

_domain = click.argument("domain", metavar="DOMAIN")
_selector = click.argument("selector", metavar="SELECTOR")
_force = click.option("--force", is_flag=True)


@click.group()
def dkim() -> None:
    """Manage the keys with which outgoing mail is signed (DKIM)."""


@dkim.command()
@_domain
@click.option("--selector", default="", metavar="NAME")
@click.option("--algorithm", type=click.Choice(["both", "rsa", "ed25519"]), default="both")
@json_option
@where
@click.pass_context
def keygen(
    ctx: click.Context,
    domain: str,
    selector: str,
    algorithm: str,
    config: Path | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    """Make new keys for a domain and show what to publish. They do not sign yet."""
    desk = Desk(ctx, config, data)
    name = desk.domain(domain)
    algorithms = tuple(Algorithm) if algorithm == "both" else (Algorithm(algorithm),)
    keys = _make(desk, name, selector, algorithms)
    if as_json:
        output.json_object({"keys": list(map(fields, keys))})
        return
    desk.line("dkim.made")
    desk.publish(keys)
    output.line()
    for key in keys:
        output.line(desk.say("dkim.then", domain=key.domain, selector=key.selector))


@dkim.command("list")
@click.argument("domain", metavar="[DOMAIN]", default="")
@json_option
@where
@click.pass_context
def list_(
    ctx: click.Context, domain: str, config: Path | None, data: Path | None, *, as_json: bool
) -> int:
    """List the keys, what each does, and since when."""
    desk = Desk(ctx, config, data)
    name = desk.domain(domain) if domain else ""
    keys, unusable = desk.asked(desk.keys.every)
    keys = [key for key in keys if name in {"", key.domain}]
    unusable = [each for each in unusable if name in {"", each.domain}]
    if as_json:
        wrong = [
            {"domain": e.domain, "selector": e.selector, "problem": e.error.problem}
            for e in unusable
        ]
        output.json_object({"keys": list(map(fields, keys)), "unusable": wrong})
    elif keys:
        heads = ("domain", "selector", "algorithm", "stage", "made", "activated", "retired")
        rows = [
            (
                key.domain,
                key.selector,
                f"{key.algorithm} {key.bits}" if key.algorithm is Algorithm.RSA else key.algorithm,
                desk.say(f"dkim.stage.{key.stage}"),
                moment(key.made),
                moment(key.activated),
                moment(key.retired),
            )
            for key in keys
        ]
        output.line(output.table(rows, [desk.say(f"dkim.head.{head}") for head in heads]))
    elif not unusable:
        desk.line("dkim.empty")
    for each in unusable:
        click.echo(desk.unusable(each.error), err=True)
    return FAILED if unusable else 0


@dkim.command()
@_domain
@_selector
@_force
@dns_option
@where
@click.pass_context
def activate(
    ctx: click.Context,
    domain: str,
    selector: str,
    dns: tuple[Server, ...],
    config: Path | None,
    data: Path | None,
    *,
    force: bool,
) -> int:
    """Sign with a key from now on, if DNS has its record."""
    desk = Desk(ctx, config, data)
    name = desk.domain(domain)
    key = desk.asked(lambda: desk.keys.read(name, selector))
    if not force and desk.missing([key], dns):
        desk.warn("dkim.not-activated", selector=selector)
        return FAILED
    desk.asked(lambda: desk.keys.change(name, selector, Stage.SIGNING, time.time()))
    desk.line("dkim.activated", domain=name, selector=selector)
    desk.told()
    return 0


@dkim.command()
@_domain
@_selector
@where
@click.pass_context
def retire(
    ctx: click.Context, domain: str, selector: str, config: Path | None, data: Path | None
) -> None:
    """Sign with a key no more. Its record has to stay in DNS for a while."""
    desk = Desk(ctx, config, data)
    name = desk.domain(domain)
    now = time.time()
    key = desk.asked(lambda: desk.keys.change(name, selector, Stage.RETIRED, now))
    desk.line("dkim.retired", selector=selector, until=_end(desk, key))
    if not any(k.stage is Stage.SIGNING for k in desk.asked(lambda: desk.keys.of(name))):
        desk.warn("dkim.nothing-signs", domain=name)
    desk.told()


@dkim.command()
@_domain
@_selector
@_force
@where
@click.pass_context
def remove(
    ctx: click.Context,
    domain: str,
    selector: str,
    config: Path | None,
    data: Path | None,
    *,
    force: bool,
) -> None:
    """Delete a key that is not needed any more."""
    desk = Desk(ctx, config, data)
    name = desk.domain(domain)
    if not force:
        key = desk.asked(lambda: desk.keys.read(name, selector))
        if key.stage is Stage.SIGNING:
            raise Failure(desk.say("dkim.still-signs", domain=name, selector=selector))
        lifetime = desk.chosen.delivery.give_up_after
        if key.stage is Stage.RETIRED and over(key, lifetime) > time.time():
            raise Failure(desk.say("dkim.too-early", selector=selector, until=_end(desk, key)))
    desk.asked(lambda: desk.keys.remove(name, selector))
    desk.line("dkim.removed", selector=selector, name=f"{selector}._domainkey.{name}")
    desk.told()


@dkim.command()
@_domain
@_force
@dns_option
@where
@click.pass_context
def rotate(
    ctx: click.Context,
    domain: str,
    dns: tuple[Server, ...],
    config: Path | None,
    data: Path | None,
    *,
    force: bool,
) -> int:
    """Do the next step of replacing the keys of a domain by new ones, and say what comes then."""
    desk = Desk(ctx, config, data)
    name = desk.domain(domain)
    keys = desk.asked(lambda: desk.keys.of(name))
    now = time.time()
    step = plan(keys, now, desk.chosen.delivery.give_up_after)
    for key in step.gone:
        desk.asked(lambda which=key.selector: desk.keys.remove(name, which))  # type: ignore[misc] # mypy gives no type to a lambda's default
        desk.line("dkim.removed", selector=key.selector, name=key.name)
    if step.next:
        if not force and desk.missing(step.next, dns):
            desk.warn("dkim.not-yet", domain=name)
            desk.publish(step.next)
            return FAILED
        _take_over(desk, step.next, step.last, now)
    elif step.begin:
        made = _make(desk, name, "", step.begin)
        desk.line("dkim.made")
        desk.publish(made)
        output.line()
        output.line(desk.say("dkim.then-rotate", domain=name))
    elif step.until:
        desk.line("dkim.later", domain=name, until=moment(step.until))
    if step.gone:
        desk.told()
    return 0


def _take_over(
    desk: Desk, fresh: tuple[DkimKey, ...], old: tuple[DkimKey, ...], now: float
) -> None:
    """Let keys sign, and then those before them no more: at no time is there none."""
    for key in fresh:
        name, selector = key.domain, key.selector
        desk.asked(lambda n=name, s=selector: desk.keys.change(n, s, Stage.SIGNING, now))  # type: ignore[misc] # as above
        desk.line("dkim.activated", domain=name, selector=selector)
    for key in old:
        name, selector = key.domain, key.selector
        changed = desk.asked(
            lambda n=name, s=selector: desk.keys.change(n, s, Stage.RETIRED, now)  # type: ignore[misc] # as above
        )
        desk.line("dkim.retired", selector=selector, until=_end(desk, changed))
    desk.told()


def _make(
    desk: Desk, domain: str, selector: str, algorithms: tuple[Algorithm, ...]
) -> list[DkimKey]:
    """Make new keys, named by today where no name is given."""
    if selector and not is_selector(selector):
        raise Failure(desk.say("dkim.no-selector", selector=output.clean(selector)), USAGE)
    now = time.time()
    base = selector or datetime.fromtimestamp(now, UTC).strftime("s%Y%m%d")
    try:
        keys = desk.asked(
            lambda: desk.keys.make(domain, base, algorithms, now, exact=bool(selector))
        )
    except ThereAlreadyError as error:
        taken = error.args[0]
        raise Failure(desk.say("dkim.there-already", domain=domain, selector=taken)) from None
    if not desk.ours(domain):
        desk.warn("dkim.foreign", domain=domain)
    return keys


def _end(desk: Desk, key: DkimKey) -> str:
    return moment(over(key, desk.chosen.delivery.give_up_after))
