"""`ulak queue …`: see and operate the queue, whether the server runs or not."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import click

from ulak import config as settings
from ulak.app.control import ControlError
from ulak.app.operator import NotRunningError, Operator, StorageError, caller
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.journal.trace import JournalError
from ulak.queue.item import Pending, Selection, State
from ulak.queue.told import as_json as as_told
from ulak.queue.wishes import as_table, asked_as_table
from ulak.replies import catalog

_LONG_AGO = 1e9  # a number above it is a time, in seconds since the epoch

F = TypeVar("F", bound=Callable[..., Any])


def _selection(function: F) -> F:
    """Add what selects recipients: ids, `--all`, `--domain` and `--cause`."""
    for add in (
        click.option("--cause", default="", metavar="CAUSE"),
        click.option("--domain", default="", metavar="DOMAIN"),
        click.option("--all", "everything", is_flag=True),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        function = add(function)
    return function


@click.group()
def queue() -> None:
    """See and operate the queue: the mail that is ours and not yet delivered."""


@queue.command("list")
@_selection
@config_option
@json_option
@lang_option
@click.pass_context
def list_(
    ctx: click.Context,
    ids: tuple[str, ...],
    domain: str,
    cause: str,
    config: Path | None,
    *,
    everything: bool,
    as_json: bool,
    lang: str,
) -> int:
    """List the recipients that wait, oldest message first, with the cause of each deferral."""
    del lang
    chosen = bool(ids or domain or cause)
    which = Selection(ids, domain, cause, everything=everything or not chosen)
    gc.disable()  # there may be very many rows, and all of them are needed to the end
    rows = _asked(lambda: list(_operator(config).rows(which)))
    if as_json:
        output.json_object({"recipients": list(map(as_told, rows))})
        return 0
    if not rows:
        output.line(say(ctx, "queue.empty"))
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
    found = _asked(lambda: list(operator.rows(Selection((id,)))))
    message = _asked(lambda: operator.message(id))
    if not found or message is None:
        raise Failure(say(ctx, "queue.none", id=id), FAILED)
    asked = message.envelope.asked_for
    rows = [as_told(row) | {"asked": asked_as_table(asked(row.pending.recipient))} for row in found]
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
                    cause=row["cause"],
                    reply=row["reply"],
                    host=row["host"],
                ),
                "  ",
            )
        )
        _show_wishes(ctx, asked_as_table(asked(pending.recipient)), "  ")
    output.line()
    output.line(output.clean(head))
    return 0


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
            ids: tuple[str, ...],
            domain: str,
            cause: str,
            config: Path | None,
            *,
            everything: bool,
            as_json: bool,
            lang: str,
        ) -> int:
            del lang
            which = Selection(ids, domain, cause, everything=everything)
            if not (ids or domain or cause or everything):
                raise Failure(say(ctx, "queue.which", verb=verb), USAGE)
            try:
                count = _asked(lambda: _operator(config).act(verb, which, caller()))
            except NotRunningError:
                raise Failure(say(ctx, "queue.not-running"), FAILED) from None
            if as_json:
                output.json_object({"verb": verb, "count": count})
            elif count:
                output.line(say(ctx, f"queue.did.{verb}", count=count))
            else:
                output.line(say(ctx, "queue.empty" if everything else "queue.fits-none"))
            return 0 if count or everything else FAILED

        del command
        return function

    return decorate


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


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except (StorageError, ControlError, JournalError) as error:
        raise Failure(str(error), FAILED) from error


@lru_cache(10_000)
def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _head(data: bytes | None, path: Path | None) -> str:
    if data is None and path is not None:
        with path.open("rb") as file:
            data = file.read(100_000)
    header = (data or b"").partition(b"\r\n\r\n")[0]
    return header.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
