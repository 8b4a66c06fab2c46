"""`ulak account …`: who may log in, whether the server runs or not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ulak import config as settings
from ulak.accounts import enrol
from ulak.accounts.account import Account, Role, key_of
from ulak.accounts.attempts import Ban
from ulak.accounts.store import Accounts, AccountsError
from ulak.app.accounts import accounts_of, attempts_of
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option
from ulak.language import LANGUAGES

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_LONGEST_LINE = 10_000  # of a password that comes by a pipe


def where(function: F) -> F:
    """Add what says whose data is meant, and `--lang`, which has been read by then."""
    data = click.Path(path_type=Path, file_okay=False)
    choice = click.Choice(LANGUAGES)
    for add in (
        click.option("--lang", type=choice, metavar="LANGUAGE", expose_value=False),
        click.option("--data", type=data, metavar="DIR"),
        config_option,
    ):
        function = add(function)
    return function


_address = click.argument("address", metavar="ADDRESS")
_limit = click.IntRange(0, 1_000_000)


@click.group()
def account() -> None:
    """Manage the accounts: who may log in, and as whom they may send."""


@account.command()
@_address
@click.option("--send-as", multiple=True, metavar="ADDRESS")
@click.option("--messages-per-hour", type=_limit, metavar="NUMBER")
@click.option("--recipients-per-hour", type=_limit, metavar="NUMBER")
@click.option("--no-plain", is_flag=True)
@click.option("--no-scram", is_flag=True)
@click.option("--replace", "again", is_flag=True)
@where
@click.pass_context
def add(
    ctx: click.Context,
    /,
    address: str,
    send_as: tuple[str, ...],
    config: Path | None,
    data: Path | None,
    **options: Any,  # noqa: ANN401 -- what the line above names, each with its own kind
) -> None:
    """Add an account that logs in by this address and a password, and may send as this address.

    The password is asked for twice. Where standard input is no terminal, its first line is it.
    """
    if options["no_plain"] and options["no_scram"]:
        raise Failure(say(ctx, "account.no-way-in"), USAGE)
    chosen = settings.load(config, data)
    now = time.time()
    try:
        fresh = replace(
            enrol.account(address, send_as, now),
            messages_per_hour=options["messages_per_hour"],
            recipients_per_hour=options["recipients_per_hour"],
        )
    except enrol.NoAddressError as error:
        raise Failure(say(ctx, "account.no-address", address=error.address), USAGE) from None
    accounts = accounts_of(chosen)
    old = asked(ctx, lambda: accounts.find(address))
    if old is not None and not options["again"]:
        raise Failure(say(ctx, "account.there-already", address=old.address))
    plain, scram = not options["no_plain"], not options["no_scram"]
    fresh = _with_password(ctx, fresh, plain=plain, scram=scram)
    if old is None and not asked(ctx, lambda: accounts.add(fresh)):
        raise Failure(say(ctx, "account.there-already", address=address))
    if old is not None:
        fresh = replace(fresh, made=old.made)
        _replace(ctx, accounts, fresh, old)
    output.line(say(ctx, "account.replaced" if old else "account.added", address=address))
    domain = address.rpartition("@")[2].lower()
    if domain not in chosen.domains:
        click.echo(say(ctx, "account.foreign", domain=output.clean(domain)), err=True)


@account.command()
@_address
@where
@click.pass_context
def password(ctx: click.Context, address: str, config: Path | None, data: Path | None) -> None:
    """Give an account another password; asked for as `ulak account add` does."""
    accounts, old = _found(ctx, address, config, data)
    plain, scram = bool(old.password), old.scram is not None
    fresh = _with_password(ctx, old, plain=plain or not scram, scram=scram)
    _replace(ctx, accounts, fresh, old)
    output.line(say(ctx, "account.password-changed", address=old.address))


@account.command()
@_address
@where
@click.pass_context
def remove(ctx: click.Context, address: str, config: Path | None, data: Path | None) -> None:
    """Remove an account. Its mailbox and its mail stay."""
    accounts, old = _found(ctx, address, config, data)
    if not asked(ctx, lambda: accounts.remove(address)):
        raise Failure(say(ctx, "account.none", address=address))
    output.line(say(ctx, "account.removed", address=old.address))


@account.command()
@_address
@where
@click.pass_context
def disable(ctx: click.Context, address: str, config: Path | None, data: Path | None) -> None:
    """Let nobody log in with an account until it is enabled again."""
    accounts, old = _found(ctx, address, config, data)
    _replace(ctx, accounts, replace(old, disabled=True, changed=time.time()), old)
    output.line(say(ctx, "account.disabled", address=old.address))


@account.command()
@_address
@where
@click.pass_context
def enable(ctx: click.Context, address: str, config: Path | None, data: Path | None) -> None:
    """Let an account that was disabled log in again."""
    accounts, old = _found(ctx, address, config, data)
    _replace(ctx, accounts, replace(old, disabled=False, changed=time.time()), old)
    output.line(say(ctx, "account.enabled", address=old.address))


@account.command()
@_address
@click.argument("role", metavar="ROLE", type=click.Choice(["admin", "read-only", "none"]))
@where
@click.pass_context
def role(
    ctx: click.Context, address: str, role: str, config: Path | None, data: Path | None
) -> None:
    """Say what an account may do in the console: act (admin), look (read-only), or neither (none).

    Who is in the console with the account is out of it, and logs in again.
    """
    accounts, old = _found(ctx, address, config, data)
    given = Role.NONE if role == "none" else Role(role)
    _replace(ctx, accounts, replace(old, role=given, changed=time.time()), old)
    output.line(say(ctx, f"account.role.{role}", address=old.address))
    if given and not old.password:
        click.echo(say(ctx, "account.role-without-password", address=old.address), err=True)


@account.command("list")
@json_option
@where
@click.pass_context
def list_(ctx: click.Context, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    """List the accounts: as whom each may send, how it logs in, and its limits."""
    accounts = accounts_of(settings.load(config, data))
    every = asked(ctx, accounts.list)
    if as_json:
        output.json_object({"accounts": list(map(_fields, every))})
        return
    if not every:
        output.line(say(ctx, "account.empty"))
        return
    names = ("address", "send-as", "ways", "messages", "recipients", "role", "state", "changed")
    heads = [say(ctx, f"account.head.{name}") for name in names]
    rows = [
        (
            one.address,
            ", ".join(one.send_as) or "-",
            ", ".join(_ways(one)),
            "-" if one.messages_per_hour is None else one.messages_per_hour,
            "-" if one.recipients_per_hour is None else one.recipients_per_hour,
            one.role.value or "-",
            say(ctx, "account.state.disabled" if one.disabled else "account.state.enabled"),
            moment(one.changed),
        )
        for one in every
    ]
    output.line(output.table(rows, heads))


@account.command()
@json_option
@where
@click.pass_context
def bans(ctx: click.Context, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    """List who may not log in for a while, after too many failures."""
    with closing(attempts_of(settings.load(config, data))) as attempts:
        every = asked(ctx, lambda: attempts.bans(time.time()))
    if as_json:
        output.json_object({"bans": list(map(_ban, every))})
        return
    if not every:
        output.line(say(ctx, "account.no-bans"))
        return
    heads = [say(ctx, f"account.head.{name}") for name in ("whom", "until")]
    rows = []
    for ban in every:
        name, _, network = ban.name.rpartition(" ")
        whom = say(ctx, f"account.ban.{ban.kind.value}", name=name or network, network=network)
        rows.append((whom, moment(ban.until)))
    output.line(output.table(rows, heads))


@account.command()
@click.argument("whom", metavar="WHOM")
@where
@click.pass_context
def unban(ctx: click.Context, whom: str, config: Path | None, data: Path | None) -> int:
    """Let an IP address, a network or an account try to log in again at once."""
    with closing(attempts_of(settings.load(config, data))) as attempts:
        count = asked(ctx, lambda: attempts.lift(key_of(whom) or whom, time.time()))
    words = "account.unbanned" if count else "account.not-banned"
    output.line(say(ctx, words, whom=output.clean(whom), count=count))
    return 0 if count else FAILED


# -- what they share ------------------------------------------------------------------------------


def _found(
    ctx: click.Context, address: str, config: Path | None, data: Path | None
) -> tuple[Accounts, Account]:
    """Give the accounts, and the one of this name."""
    accounts = accounts_of(settings.load(config, data))
    found = asked(ctx, lambda: accounts.find(address))
    if found is None:
        raise Failure(say(ctx, "account.none", address=output.clean(address)))
    return accounts, found


def _replace(ctx: click.Context, accounts: Accounts, fresh: Account, old: Account) -> None:
    if not asked(ctx, lambda: accounts.replace(fresh, was=old)):
        raise Failure(say(ctx, "account.changed-meanwhile", address=old.address))


def asked(ctx: click.Context, question: Callable[[], T]) -> T:
    """Ask a store; where it cannot be used, say why and end."""
    try:
        return question()
    except AccountsError as error:
        facts = {"path": error.where, "problem": error.problem}
        raise Failure(say(ctx, "account.unusable", **facts), USAGE) from error


def _with_password(ctx: click.Context, one: Account, *, plain: bool, scram: bool) -> Account:
    given = _typed(ctx) if sys.stdin.isatty() else _piped(ctx)
    try:
        return enrol.with_password(one, given, os.urandom, time.time(), plain=plain, scram=scram)
    except enrol.WeakPasswordError as error:
        raise Failure(say(ctx, f"account.weak.{error.why.value}")) from None


def _typed(ctx: click.Context) -> str:
    first, second = (
        click.prompt(
            say(ctx, f"account.prompt.{which}"),
            hide_input=True,
            default="",
            show_default=False,
            err=True,
        )
        for which in ("first", "second")
    )
    if first != second:
        raise Failure(say(ctx, "account.not-twice"))
    return str(first)


def _piped(ctx: click.Context) -> str:
    line = sys.stdin.buffer.readline(_LONGEST_LINE)
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise Failure(say(ctx, "account.not-utf8")) from None


def _ways(one: Account) -> list[str]:
    ways = {"plain": one.password, "scram": one.scram is not None}
    return [way for way, there in ways.items() if there]


def _fields(one: Account) -> dict[str, object]:
    return {
        "address": one.address,
        "send_as": list(one.send_as),
        "ways": _ways(one),
        "disabled": one.disabled,
        "messages_per_hour": one.messages_per_hour,
        "recipients_per_hour": one.recipients_per_hour,
        "role": one.role.value or None,
        "made": one.made,
        "changed": one.changed,
    }


def _ban(ban: Ban) -> dict[str, object]:
    name, _, place = ban.name.rpartition(" ")
    return {
        "account": name or None,
        ban.kind.value.replace("door", "network"): place,
        "until": ban.until,
    }


def moment(seconds: float) -> str:
    """Write a time, in seconds since the epoch, as the clock on the wall has it."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
