"""`ulak queue …`: see and operate the queue, whether the server runs or not."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from ulak import config as settings
from ulak.app.control import ControlError
from ulak.app.operator import (
    NotRunningError,
    Operator,
    PartlyDoneError,
    StorageError,
    caller,
)
from ulak.cli import moving, output, sites
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.config.values import parse_duration
from ulak.journal.trace import JournalError
from ulak.queue.item import Pending, Row, Selection, State
from ulak.queue.told import as_json as as_told
from ulak.queue.wishes import as_table, asked_as_table
from ulak.replies import catalog

_LONG_AGO = 1e9  # a number above it is a time, in seconds since the epoch

F = TypeVar("F", bound=Callable[..., Any])


def _selection(function: F) -> F:
    """Add what selects recipients, the same as in the console; the function gets it as `which`."""

    @wraps(function)
    def selecting(
        ids: tuple[str, ...],
        domain: tuple[str, ...],
        state: str | None,
        older_than: float | None,
        **more: Any,  # noqa: ANN401 -- the options of the command itself
    ) -> Any:  # noqa: ANN401 -- what the command gives
        which = Selection(
            ids,
            domain,
            more.pop("cause"),
            everything=more.pop("everything"),
            state=State(state) if state else None,
            before=None if older_than is None else time.time() - older_than,
        )
        return function(which=which, **more)

    chosen: Any = selecting
    for add in (
        click.option("--older-than", metavar="DURATION", callback=_seconds),
        click.option("--state", type=click.Choice([*map(str, State)]), metavar="STATE"),
        click.option("--cause", default="", metavar="CAUSE"),
        click.option("--domain", multiple=True, metavar="DOMAIN"),
        click.option("--all", "everything", is_flag=True),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        chosen = add(chosen)
    return cast("F", chosen)


def _seconds(ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    seconds = None if value is None else parse_duration(value)
    if value is not None and seconds is None:
        raise Failure(say(ctx, "queue.no-duration", given=output.clean(value)), USAGE)
    return seconds


@click.group()
def queue() -> None:
    """See and operate the queue: the mail that is ours and not yet delivered."""


queue.add_command(sites.sites)
queue.add_command(moving.move)


@queue.command("list")
@_selection
@config_option
@json_option
@lang_option
@click.pass_context
def list_(
    ctx: click.Context,
    config: Path | None,
    *,
    which: Selection,
    as_json: bool,
    lang: str,
) -> int:
    """List the recipients that wait, oldest message first, with the cause of each deferral."""
    del lang
    chosen = which if not which.empty else Selection(everything=True)
    gc.disable()  # there may be very many rows, and all of them are needed to the end
    operator = _operator(config)
    here = _asked(operator.spilled)
    rows, away = _rows(operator, chosen, _kept_here(ctx, here))
    if as_json:
        waiting = _asked(operator.suspended)
        told = {"recipients": [_told(row, waiting, here) for row in rows]}
        output.json_object(told | ({"away": away} if away else {}))
        return FAILED if away else 0
    if not rows:
        output.line(
            say(ctx, "queue.empty" if chosen == Selection(everything=True) else "queue.fits-none")
        )
        return 0
    names = ("id", "received", "size", "sender", "recipient", "state", "due", "attempts", "cause")
    heads = [say(ctx, f"queue.head.{name}") for name in names]
    states = {state: say(ctx, f"queue.state.{state.value}") for state in State}
    table = [
        (
            row.id,
            _moment(int(row.received)),
            row.size,
            row.sender or "<>",
            pending.recipient,
            states[pending.state],
            _moment(int(pending.due)),
            pending.attempts,
            pending.cause,
        )
        for row in rows
        for pending in (row.pending,)
    ]
    output.line(output.table(table, heads))
    kept = here & {row.id for row in rows}
    if away:
        click.echo(f"{away} {_kept_here(ctx, kept)}".strip(), err=True)
        return FAILED
    if kept:
        output.line(_kept_here(ctx, kept))
    return 0


@queue.command()
@click.argument("id", metavar="ID")
@config_option
@json_option
@lang_option
@click.pass_context
def show(
    ctx: click.Context,
    id: str,  # noqa: A002 -- the name of the argument is the word that the user reads
    config: Path | None,
    *,
    as_json: bool,
    lang: str,
) -> int:
    """Show one message: its envelope, where each recipient stands and why, and its header."""
    del lang
    operator = _operator(config)
    here = _asked(operator.spilled)
    found, away = _rows(operator, Selection((id,)), _kept_here(ctx, here))
    message = _asked(lambda: operator.message(id, here=bool(away)))
    if not found or message is None:
        raise Failure(say(ctx, "queue.none", id=id), FAILED)
    asked = message.envelope.asked_for
    waiting = _asked(operator.suspended)
    rows = [
        _told(row, waiting, here)
        | operator.ruling(row.pending)
        | {"asked": asked_as_table(asked(row.pending.recipient))}
        for row in found
    ]
    head = _head(message.body.data, message.body.path)
    if as_json:
        told: dict[str, object] = {"id": id, "recipients": rows, "header": head}
        output.json_object(told | {"wishes": as_table(message.envelope.wishes)})
        return 0
    output.line(
        say(
            ctx,
            "queue.message",
            id=id,
            sender=output.clean(message.envelope.sender) or "<>",
            size=message.body.size,
            time=_moment(int(message.received)),
        )
    )
    if id in here:
        output.line(say(ctx, "queue.spilled-one"))
    _show_wishes(ctx, as_table(message.envelope.wishes), "")
    for row, pending in zip(rows, (one.pending for one in found), strict=True):
        output.line()
        output.line(output.paint(output.clean(pending.recipient), "cyan", bold=True))
        output.line(
            output.prose(
                say(
                    ctx,
                    f"queue.{_standing(pending, time.time())}",
                    due=_moment(int(float(str(row["due"])))),
                    attempts=row["attempts"],
                    cause=sites.named(ctx, str(row["cause"])),
                    reply=row["reply"],
                    host=row["host"],
                ),
                "  ",
            )
        )
        about = row.get("waiting")
        why = sites.waiting(ctx, about) if about is not None else sites.by_rule(ctx, row)
        if why:
            output.line(output.prose(why, "  "))
        _show_wishes(ctx, asked_as_table(asked(pending.recipient)), "  ")
    output.line()
    output.line(output.clean(head))
    return 0


def _rows(operator: Operator, which: Selection, kept: str) -> tuple[list[Row], str]:
    """Give the selected recipients: where the database is away those here, and why it is.

    `kept` says how much is here; it is told where none of that is selected.
    """
    try:
        return list(operator.rows(which)), ""
    except StorageError as error:
        away = str(error)
        with suppress(StorageError):
            if found := list(operator.rows(which, here=True)):
                return found, away
        raise Failure(f"{away} {kept}".strip(), FAILED) from error


def _kept_here(ctx: click.Context, ids: Collection[str]) -> str:
    """Say how much waits on this machine for the database; nothing where nothing does."""
    return say(ctx, "queue.spilled", messages=len(ids)) if ids else ""


def _told(row: Row, waiting: Mapping[str, Any], here: Collection[str]) -> dict[str, Any]:
    """Tell of a recipient, with `waiting` why its site is not sent to now, and if it is spilled."""
    told = as_told(row) | ({"spilled": True} if row.id in here else {})
    about = waiting.get(row.pending.domain)
    return told if about is None else told | {"waiting": about}


def _standing(pending: Pending, now: float) -> str:
    """Name the text that tells how a recipient waits."""
    if pending.state is not State.READY:
        return pending.state.value
    if pending.attempts:
        return "waits"
    # An operator may have made it due: then it is as any other.
    held = pending.cause == catalog.HELD_FOR_RELEASE.name and pending.due > now
    return pending.cause if held else "new"


def _show_wishes(ctx: click.Context, wishes: dict[str, Any], indent: str) -> None:
    """Show what the sender asked for, by the names that `--json` has for it."""
    cause = wishes.pop("quarantine", "")
    if cause:
        output.line(output.prose(say(ctx, "queue.quarantine", cause=output.clean(cause)), indent))
    alias = wishes.pop("through", "")
    if alias:
        output.line(output.prose(say(ctx, "queue.through", alias=output.clean(alias)), indent))
    if wishes:
        told = ", ".join(f"{name}={_shown(value)}" for name, value in wishes.items())
        output.line(output.prose(say(ctx, "queue.wished", wishes=output.clean(told)), indent))


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value > _LONG_AGO:
            return _moment(int(value))
        case list():
            return "+".join(map(str, value))
        case dict():
            return "(" + ", ".join(f"{name}={_shown(each)}" for name, each in value.items()) + ")"
        case _:
            return str(value)


def _verb(verb: str) -> Callable[[F], F]:
    """Make a command that does a verb to the selected recipients."""

    def decorate(function: F) -> F:
        @queue.command(verb, help=function.__doc__)
        @_selection
        @config_option
        @json_option
        @lang_option
        @click.pass_context
        def command(
            ctx: click.Context,
            config: Path | None,
            *,
            which: Selection,
            as_json: bool,
            lang: str,
        ) -> int:
            del lang
            if which.empty:
                raise Failure(say(ctx, "queue.which", verb=verb), USAGE)
            operator = _operator(config)
            try:
                count = operator.act(verb, which, caller())
            except NotRunningError:
                raise Failure(say(ctx, "queue.not-running"), FAILED) from None
            except PartlyDoneError as error:
                raise Failure(
                    say(ctx, "queue.partly", why=error.why, count=error.count), FAILED
                ) from error
            except (StorageError, ControlError, JournalError) as error:
                kept = _not_returned(ctx, operator, which) if verb == "bounce" else ""
                raise Failure(f"{error} {kept}".strip(), FAILED) from error
            if not count and verb == "bounce" and (kept := _not_returned(ctx, operator, which)):
                raise Failure(kept, FAILED)
            if as_json:
                output.json_object({"verb": verb, "count": count})
            elif count:
                output.line(say(ctx, f"queue.did.{verb}", count=count))
            else:
                output.line(say(ctx, "queue.empty" if which.everything else "queue.fits-none"))
            return 0 if count or which.everything else FAILED

        del command
        return function

    return decorate


def _not_returned(ctx: click.Context, operator: Operator, which: Selection) -> str:
    """Say what is selected and cannot be returned yet; nothing where there is none."""
    here = _asked(operator.spilled)
    count = sum(row.id in here for row in _asked(lambda: list(operator.rows(which, here=True))))
    return say(ctx, "queue.bounce-later", count=count) if count else ""


@_verb("retry")
def retry() -> None:
    """Try the selected recipients now and not only when they are due."""


@_verb("hold")
def hold() -> None:
    """Keep the selected recipients from being tried until they are released."""


@_verb("release")
def release() -> None:
    """Let the selected recipients that are held be tried again, now."""


@_verb("drop")
def drop() -> None:
    """Remove the selected recipients for good, without a report to the sender."""


@_verb("bounce")
def bounce() -> None:
    """Give the selected recipients up and report that to the sender."""


def _operator(config: Path | None) -> Operator:
    return Operator(settings.load(config), time.time())


T = TypeVar("T")


def _asked(question: Callable[[], T], beside: str = "") -> T:
    try:
        return question()
    except (StorageError, ControlError, JournalError) as error:
        raise Failure(f"{error} {beside}".strip(), FAILED) from error


@lru_cache(10_000)
def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _head(data: bytes | None, path: Path | None) -> str:
    if data is None and path is not None:
        with path.open("rb") as file:
            data = file.read(100_000)
    header = (data or b"").partition(b"\r\n\r\n")[0]
    return header.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
