"""`ulak cluster …`: the servers that share a queue: how they are, and taking one out of service."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from ulak import config as settings
from ulak.app.clustering import Clustering, NoSuchMemberError
from ulak.app.control import ControlError
from ulak.app.operator import StorageError, caller
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.cli.wholeness import shown, told
from ulak.cluster.member import Duty, Member, Order
from ulak.config.values import parse_duration

T = TypeVar("T")

_STEP = 0.25  # seconds between two looks at a server that is waited for


@click.group()
def cluster() -> None:
    """See the servers that share a queue, and take one of them out of service and back."""


@cluster.command()
@config_option
@json_option
@lang_option
@click.pass_context
def status(ctx: click.Context, config: Path | None, *, as_json: bool, lang: str) -> int:
    """Show the servers, the queue and the database, and what is wrong with them."""
    del lang
    clustering = _clustering(config)
    look = _asked(ctx, clustering.look, lambda: _kept_here(ctx, clustering))
    if as_json:
        output.json_object(told(ctx, look))
    else:
        output.line(shown(ctx, look))
    return FAILED if any(problem.grave for problem in look.problems) else 0


def _duration(ctx: click.Context, _param: click.Parameter, value: str) -> float:
    seconds = parse_duration(value)
    if seconds is None:
        raise Failure(say(ctx, "queue.no-duration", given=output.clean(value)), USAGE)
    return seconds


@cluster.command()
@click.argument("name", default="", metavar="[NAME]")
@click.option("--wait", is_flag=True)
@click.option("--timeout", default="10m", metavar="DURATION", callback=_duration)
@config_option
@json_option
@lang_option
@click.pass_context
def drain(
    ctx: click.Context,
    name: str,
    timeout: float,
    config: Path | None,
    *,
    wait: bool,
    as_json: bool,
    lang: str,
) -> int:
    """Have a server take no new mail, give back what waits in it, and end what is under way."""
    del lang
    return _order(ctx, Order.DRAIN, name, config, timeout if wait else None, as_json=as_json)


@cluster.command()
@click.argument("name", default="", metavar="[NAME]")
@click.option("--wait", is_flag=True)
@click.option("--timeout", default="10m", metavar="DURATION", callback=_duration)
@config_option
@json_option
@lang_option
@click.pass_context
def resume(
    ctx: click.Context,
    name: str,
    timeout: float,
    config: Path | None,
    *,
    wait: bool,
    as_json: bool,
    lang: str,
) -> int:
    """Have a server that was drained take mail and deliver again."""
    del lang
    return _order(ctx, Order.RESUME, name, config, timeout if wait else None, as_json=as_json)


def _order(
    ctx: click.Context,
    order: Order,
    name: str,
    config: Path | None,
    patience: float | None,
    *,
    as_json: bool,
) -> int:
    """Do what is asked of a server; wait so many seconds until it is so."""
    clustering = _clustering(config)
    member = _asked(ctx, lambda: clustering.order(name, order, caller()))
    if member is None:
        if as_json:
            output.json_object({"name": clustering.here, "duty": None, "in_hand": None})
        else:
            output.line(say(ctx, f"cluster.not-running.{order.value}", name=clustering.here))
        return 0
    wanted = Duty.DRAINED if order is Order.DRAIN else Duty.SERVING
    if patience is not None:
        member = _waited(ctx, clustering, member, wanted, patience)
    if as_json:
        in_hand = member.stand.in_hand
        work = {
            "sessions": in_hand.sessions,
            "messages": in_hand.messages,
            "attempts": in_hand.attempts,
        }
        output.json_object({"name": member.name, "duty": member.stand.duty.value, "in_hand": work})
    elif member.stand.duty is wanted:
        output.line(say(ctx, f"cluster.is.{wanted.value}", name=output.clean(member.name)))
    else:
        output.line(_under_way(ctx, member, order))
    return FAILED if patience is not None and member.stand.duty is not wanted else 0


def _waited(
    ctx: click.Context, clustering: Clustering, member: Member, wanted: Duty, patience: float
) -> Member:
    """Wait until a server is about what is wanted of it, or the time is over; give how it is."""
    end = time.monotonic() + patience
    while member.stand.duty is not wanted and time.monotonic() < end:
        time.sleep(_STEP)
        name = member.name
        now = _asked(ctx, partial(clustering.member, name))
        if now is None:
            raise Failure(say(ctx, "cluster.gone", name=output.clean(name)), FAILED)
        member = now
    return member


def _under_way(ctx: click.Context, member: Member, order: Order) -> str:
    in_hand = member.stand.in_hand
    key = f"cluster.{'draining' if member.stand.duty is Duty.DRAINING else f'asked.{order.value}'}"
    return say(
        ctx,
        key,
        name=output.clean(member.name),
        sessions=in_hand.sessions,
        messages=in_hand.messages,
        attempts=in_hand.attempts,
    )


def _clustering(config: Path | None) -> Clustering:
    return Clustering(settings.load(config), time.time())


def _kept_here(ctx: click.Context, clustering: Clustering) -> str:
    """Say how much waits on this machine for the database; nothing where nothing does."""
    kept = clustering.spilled()
    return " " + say(ctx, "queue.spilled", messages=kept.messages) if kept else ""


def _asked(
    ctx: click.Context, question: Callable[[], T], more: Callable[[], str] = lambda: ""
) -> T:
    """Ask; where the queue does not answer, say that and `more`."""
    try:
        return question()
    except NoSuchMemberError as error:
        names = ", ".join(map(output.clean, error.names)) or "–"
        text = say(ctx, "cluster.no-such", name=output.clean(error.name), names=names)
        raise Failure(text, FAILED) from error
    except StorageError as error:
        raise Failure(str(error) + more(), FAILED) from error
    except ControlError as error:
        raise Failure(str(error), FAILED) from error
