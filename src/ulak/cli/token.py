"""`ulak token …`: what programs show to the API, and what each of them may do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from ulak import config as settings
from ulak.accounts.access import SCOPES, SENDS, AccessToken, AccessTokens, hashed, mint, wrong
from ulak.accounts.account import Account
from ulak.app.accounts import access_of, accounts_of
from ulak.cli import output
from ulak.cli.account import asked, moment, where
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import json_option

_DAY = 86_400.0
_RANDOM = 24  # octets of a token


@click.group()
def token() -> None:
    """Manage the access tokens that programs show to the API."""


@token.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--scope", "scopes", multiple=True, required=True, metavar="SCOPE", type=click.Choice(SCOPES)
)
@click.option("--account", default="", metavar="ADDRESS")
@click.option("--days", type=click.IntRange(1, 36_500), metavar="NUMBER")
@json_option
@where
@click.pass_context
def add(
    ctx: click.Context,
    /,
    name: str,
    scopes: tuple[str, ...],
    account: str,
    days: int | None,
    config: Path | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    """Make an access token for a program. It is shown once, and only its hash is kept."""
    if wrong(name, scopes):
        raise Failure(say(ctx, "token.no-name"), USAGE)
    if (SENDS in scopes) != bool(account):
        raise Failure(say(ctx, "token.account-to-send"), USAGE)
    if account and asked(ctx, lambda: _find(config, data, account)) is None:
        raise Failure(say(ctx, "token.no-account", account=output.clean(account)), FAILED)
    now, made = time.time(), mint(os.urandom(_RANDOM))
    until = now + days * _DAY if days else 0.0
    scopes = tuple(dict.fromkeys(scopes))
    fresh = AccessToken(name, hashed(made), scopes, now, until, account)
    tokens = _tokens(config, data)
    if not asked(ctx, lambda: tokens.add(fresh)):
        raise Failure(say(ctx, "token.there-already", name=output.clean(name)))
    if as_json:
        output.json_object(_fields(fresh) | {"token": made})
        return
    click.echo(say(ctx, "token.made", name=output.clean(name)), err=True)
    output.line(made)


@token.command("list")
@json_option
@where
@click.pass_context
def list_(ctx: click.Context, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    """List the access tokens: what each may do, and until when."""
    tokens = _tokens(config, data)
    every = asked(ctx, tokens.list)
    if as_json:
        output.json_object({"tokens": list(map(_fields, every))})
        return
    if not every:
        output.line(say(ctx, "token.empty"))
        return
    heads = [
        say(ctx, f"token.head.{name}") for name in ("name", "scopes", "account", "made", "until")
    ]
    rows = [
        (
            output.clean(one.name),
            ", ".join(one.scopes),
            output.clean(one.account) or "–",
            moment(one.made),
            moment(one.until) if one.until else "–",
        )
        for one in every
    ]
    output.line(output.table(rows, heads))


@token.command()
@click.argument("name", metavar="NAME")
@where
@click.pass_context
def remove(ctx: click.Context, name: str, config: Path | None, data: Path | None) -> int:
    """Forget an access token: whoever shows it is turned away from then on."""
    tokens = _tokens(config, data)
    there = asked(ctx, lambda: tokens.remove(name))
    output.line(say(ctx, "token.removed" if there else "token.none", name=output.clean(name)))
    return 0 if there else FAILED


def _tokens(config: Path | None, data: Path | None) -> AccessTokens:
    return access_of(settings.load(config, data))


def _find(config: Path | None, data: Path | None, account: str) -> Account | None:
    return accounts_of(settings.load(config, data)).find(account)


def _fields(one: AccessToken) -> dict[str, object]:
    return {
        "name": one.name,
        "scopes": list(one.scopes),
        "made": one.made,
        "until": one.until or None,
        "account": one.account or None,
    }
