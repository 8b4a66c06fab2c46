"""`ulak suppression …`: the addresses that nothing is sent to, whether the server runs or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from ulak import config as settings
from ulak.app.control import ControlError
from ulak.app.noting import note as note_deed
from ulak.app.operator import caller
from ulak.app.suppressing import suppressions_of
from ulak.cli import output
from ulak.cli.account import moment, where
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import json_option
from ulak.journal.trace import JournalError
from ulak.suppression.suppressed import (
    Suppressed,
    SuppressionError,
    Suppressions,
    key_of,
    whose_of,
)
from ulak.suppression.told import as_json as as_told
from ulak.suppression.told import deed

T = TypeVar("T")
_DAY = 86_400.0
_PAGE = 1000

_address = click.argument("address", metavar="ADDRESS")
_whose = click.option("--for", "whose", default=None, metavar="DOMAIN")


@click.group()
def suppression() -> None:
    """Manage the suppression list: the addresses that nothing is sent to any more."""


@suppression.command("list")
@click.option("--domain", default="", metavar="DOMAIN")
@json_option
@where
@click.pass_context
def list_(
    ctx: click.Context, domain: str, config: Path | None, data: Path | None, *, as_json: bool
) -> None:
    """List the addresses on the suppression list, the newest first: for whom, why, since when."""
    store, now = _open(config, data), time.time()
    every: list[Suppressed] = []
    while True:
        offset = len(every)
        found, total = _asked(lambda: store.list(now, whose_of(f"@{domain}"), offset, _PAGE))  # noqa: B023 -- asked at once
        every += found
        if not found or len(every) >= total:
            break
    if as_json:
        output.json_object({"addresses": list(map(as_told, every))})
        return
    if not every:
        output.line(say(ctx, "suppression.empty"))
        return
    names = ("address", "whose", "cause", "since", "until")
    heads = [say(ctx, f"suppression.head.{name}") for name in names]
    rows = [
        (
            output.clean(one.address),
            output.clean(one.whose) or "*",
            one.cause,
            moment(one.since),
            moment(one.until) if one.until else "–",
        )
        for one in every
    ]
    output.line(output.table(rows, heads))


@suppression.command()
@_address
@json_option
@where
@click.pass_context
def show(
    ctx: click.Context, address: str, config: Path | None, data: Path | None, *, as_json: bool
) -> int:
    """Show whether an address is on the suppression list, and what it was put there for."""
    store, key = _open(config, data), _key(ctx, address)
    now = time.time()
    found = [one for one in _asked(lambda: store.every(key)) if not one.ended(now)]
    if as_json:
        output.json_object({"addresses": list(map(as_told, found))})
    elif not found:
        output.line(say(ctx, "suppression.none", address=output.clean(key)))
    for one in () if as_json else found:
        since = moment(one.since)
        if one.whose:
            told = say(
                ctx, "suppression.for-domain", address=output.clean(key), since=since,
                whose=output.clean(one.whose),
            )  # fmt: skip
        else:
            told = say(ctx, "suppression.for-all", address=output.clean(key), since=since)
        output.line(output.prose(told))
        reply = output.clean(one.reply) or one.cause
        output.line(output.prose(say(ctx, "suppression.why", cause=one.cause, reply=reply), "  "))
        if one.message:
            message = output.clean(one.message)
            output.line(output.prose(say(ctx, "suppression.by", id=message), "  "))
        if one.until:
            output.line(output.prose(say(ctx, "suppression.until", until=moment(one.until)), "  "))
    return 0 if found else FAILED


@suppression.command()
@_address
@_whose
@click.option("--days", type=click.IntRange(1, 36_500), metavar="NUMBER")
@click.option("--note", default="", metavar="TEXT")
@where
@click.pass_context
def add(
    ctx: click.Context,
    /,
    address: str,
    whose: str | None,
    days: int | None,
    note: str,
    config: Path | None,
    data: Path | None,
) -> int:
    """Put an address on the suppression list: from then on nothing is sent to it."""
    store, key, now = _open(config, data), _key(ctx, address), time.time()
    until = now + days * _DAY if days else 0.0
    one = Suppressed(key, whose_of(f"@{whose or ''}"), reply=note[:500], since=now, until=until)
    _asked(lambda: store.add(one))
    output.line(say(ctx, "suppression.added", address=output.clean(key)))
    return _note(ctx, "suppress", deed(key, one.whose), config, data)


@suppression.command()
@_address
@_whose
@where
@click.pass_context
def remove(
    ctx: click.Context, address: str, whose: str | None, config: Path | None, data: Path | None
) -> int:
    """Take an address off the suppression list: mail to it is sent again from then on."""
    store, key = _open(config, data), _key(ctx, address)
    only = None if whose is None else whose_of(f"@{whose}")
    count = _asked(lambda: store.remove(key, only))
    name = "suppression.removed" if count else "suppression.none"
    output.line(say(ctx, name, address=output.clean(key)))
    if not count:
        return FAILED
    return _note(ctx, "unsuppress", deed(key, only or ""), config, data)


def _open(config: Path | None, data: Path | None) -> Suppressions:
    return suppressions_of(settings.load(config, data))


def _note(
    ctx: click.Context,
    verb: str,
    facts: Mapping[str, str],
    config: Path | None,
    data: Path | None,
) -> int:
    """Note in the audit what was done, and by whom; the exit code."""
    chosen = settings.load(config, data)
    try:
        note_deed(chosen, verb, caller(), time.time(), facts)
    except (ControlError, JournalError) as error:
        raise Failure(say(ctx, "suppression.unnoted", problem=str(error)), FAILED) from error
    return 0


def _key(ctx: click.Context, address: str) -> str:
    key = key_of(address)
    if key is None:
        raise Failure(say(ctx, "suppression.no-address", address=output.clean(address)), USAGE)
    return key


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except SuppressionError as error:
        raise Failure(str(error), FAILED) from error
