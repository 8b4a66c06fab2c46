"""`ulak queue move`: the queue into PostgreSQL, or back into SQLite."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from ulak import config as settings
from ulak.app import moving
from ulak.app.operator import StorageError, caller
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.config.mistake import hidden
from ulak.config.names import DATABASE
from ulak.journal.trace import JournalError

_NAMES = {True: "SQLite", False: "PostgreSQL"}


@click.command()
@click.option("--to", "target", metavar="STORE")
@click.option("--from", "source", metavar="STORE")
@click.option("--dry-run", is_flag=True)
@config_option
@json_option
@lang_option
@click.pass_context
def move(
    ctx: click.Context,
    target: str | None,
    source: str | None,
    config: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    lang: str,
) -> int:
    """Move the whole queue into PostgreSQL, or back into SQLite, while no server runs here."""
    del lang
    chosen = settings.load(config)
    way = _way(ctx, chosen.queue.store, target, source)
    progress = _Progress(ctx)
    try:
        if dry_run:
            result = moving.foreseen(chosen, way)
        else:
            result = moving.move(chosen, way, caller(), time.time(), told=progress)
    except moving.DataInUseError:
        raise Failure(say(ctx, "queue.move.running"), FAILED) from None
    except moving.StoppedError as error:
        progress.end()
        moved = error.moved.messages
        sentence = say(ctx, "queue.move.stopped", why=str(error), messages=moved)
        raise Failure(sentence, FAILED) from error
    except (StorageError, JournalError) as error:
        raise Failure(str(error), FAILED) from error
    progress.end()
    _tell(ctx, way, result, dry_run=dry_run, as_json=as_json)
    all_moved = not (result.left or result.lost or result.moved.refused)
    return 0 if dry_run or all_moved else FAILED


def _way(ctx: click.Context, stored: str, target: str | None, source: str | None) -> moving.Way:
    """Find the two ends: what is not said is the store of the configuration, or SQLite."""
    if target is None and source is None:
        target = stored
    if target is None:
        assert source is not None  # noqa: S101 -- as the lines above have it
        target = stored if source == moving.SQLITE else moving.SQLITE
    elif source is None:
        source = stored if target == moving.SQLITE else moving.SQLITE
    for given in (target, source):
        if given != moving.SQLITE and not DATABASE.fullmatch(given):
            raise Failure(say(ctx, "queue.move.no-store", given=output.clean(hidden(given))), USAGE)
    if (target == moving.SQLITE) == (source == moving.SQLITE):
        raise Failure(say(ctx, "queue.move.ends"), USAGE)
    return moving.Way(source, target)


class _Progress:
    """Says on a terminal how far it is."""

    def __init__(self, ctx: click.Context) -> None:
        self._ctx = ctx
        self._on = sys.stderr.isatty()
        self._said = False

    def __call__(self, messages: int, total: int) -> None:
        """Say it."""
        if self._on:
            said = say(self._ctx, "queue.move.progress", messages=messages, total=total)
            click.echo(f"\r{output.shown(said)}", nl=False, err=True)
            self._said = True

    def end(self) -> None:
        """Go on below."""
        if self._said:
            click.echo(err=True)
            self._said = False


def _tell(
    ctx: click.Context, way: moving.Way, result: moving.Result, *, dry_run: bool, as_json: bool
) -> None:
    moved = result.moved
    source, target = (_NAMES[end == moving.SQLITE] for end in (way.source, way.target))
    if as_json:
        output.json_object(
            {
                "from": source.lower(),
                "to": target.lower(),
                "dry_run": dry_run,
                "messages": moved.messages,
                "recipients": moved.recipients,
                "octets": moved.octets,
                "known": moved.known,
                "refused": moved.refused,
                "left": result.left,
                "lost": result.lost,
            }
        )
        return
    done = "queue.move.would" if dry_run else "queue.move.done"
    output.line(
        say(
            ctx,
            done,
            messages=moved.messages,
            recipients=moved.recipients,
            octets=moved.octets,
            source=source,
            target=target,
        )
    )
    if moved.known:
        output.line(say(ctx, "queue.move.known", messages=moved.known))
    for identifier in moved.refused:
        output.line(say(ctx, "queue.move.refused", id=identifier))
    if result.lost:
        output.line(say(ctx, "queue.move.lost", messages=result.lost))
    if result.left and not dry_run:
        output.line(say(ctx, "queue.move.left", messages=result.left))
    elif result.left:
        output.line(say(ctx, "queue.move.leased", recipients=result.left))
