"""What all commands share: lazy loading, languages, and errors that are sentences.

Exit codes: 0 done, 1 a finding or a failure, 2 wrong usage or configuration. A command ends with
another one than 0 by returning it, or by raising `Failure`.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from ulak import __version__
from ulak.cli import usage
from ulak.cli.dress import TEXTS, Context, prepare
from ulak.cli.language import asked_for

USAGE = 2
FAILED = 1
INTERRUPTED = 130  # as a shell says it: 128 + SIGINT


class Failure(click.ClickException):
    """A command cannot do what it was asked to; `sentence` says why and what to do."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


class Ulak(click.Group):
    """The group of all commands; each is imported when it is wanted."""

    context_class = Context

    def __init__(self, commands: Mapping[str, str]) -> None:
        """Take `{name: "module:attribute"}`."""
        version = click.Option(
            ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version
        )
        super().__init__("ulak", params=[version], no_args_is_help=True)
        self.places = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of the commands."""
        del ctx
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        prepare(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        lang = language(ctx)
        rows = [(n, TEXTS.find(lang, f"help.{n}") or "") for n in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none of the name, guess among those there are."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that has enough (`| head`) ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            if not _reader_is_gone():
                raise
            return 0
        return result

    def main(  # type: ignore[override] # Click's own never returns where standalone
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: object,
    ) -> int:
        """Run, say what goes wrong in a sentence, and end with the right code."""
        words = list(sys.argv[1:] if args is None else args)
        lang = asked_for(words, os.environ)
        _printable(sys.stdout)
        _printable(sys.stderr)
        try:
            prepare(self)
            code = super().main(words, prog_name or "ulak", None, False, obj=lang, **extra)  # noqa: FBT003 -- Click's own order
            code = code if isinstance(code, int) else 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else FAILED
        except BaseException as error:  # noqa: BLE001 -- no traceback is shown to anybody
            code = _explain(error, lang)
        if standalone_mode:
            sys.exit(code)
        return code


def language(ctx: click.Context) -> str:
    """Give the language of the user."""
    found = ctx.find_root().obj
    return found if isinstance(found, str) else asked_for((), os.environ)


def say(ctx: click.Context, name: str, /, **facts: object) -> str:
    """Give a text of the command line (`cli/texts`) in the language of the user."""
    return TEXTS.say(language(ctx), name, **facts)


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- Click's own way
    if value:
        click.echo(f"ulak {__version__}")
        ctx.exit()


def _explain(error: BaseException, lang: str) -> int:
    """Say in a sentence what went wrong; give the exit code."""
    if os.environ.get("ULAK_TRACEBACK"):
        import traceback  # noqa: PLC0415 -- no command has to wait for what only errors need

        traceback.print_exception(error)
    sentences, code = _sentences(error, lang)
    for sentence in sentences:
        click.echo(sentence, err=True)
    return code


def _sentences(error: BaseException, lang: str) -> tuple[list[str], int]:
    match error:
        case click.exceptions.NoArgsIsHelpError():
            return [error.format_message()], USAGE
        case Failure():
            return [error.message], error.code
        case click.ClickException():
            return [usage.sentence(error, lang)], USAGE
        case click.Abort() | KeyboardInterrupt():
            return [], INTERRUPTED
        case _ if hasattr(error, "sentences"):  # ConfigError: no command has to import it for this
            return error.sentences(lang), USAGE
        case OSError(filename=str(), strerror=str()):
            facts = {"path": error.filename, "problem": error.strerror}
            return [TEXTS.say(lang, "error.file", **facts)], USAGE
        case _:
            return [TEXTS.say(lang, "error.unexpected", **_incident(error))], FAILED


def _incident(error: BaseException) -> dict[str, str]:
    """Name an error so that two reports of the same one can be known for the same.

    The text of the exception stays inside: it may hold what no report should.
    """
    import hashlib  # noqa: PLC0415 -- no command has to wait for what only errors need
    import traceback  # noqa: PLC0415 -- as above

    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"  # noqa: PTH119 -- of a name, not a file
    kind = type(error).__name__
    digest = hashlib.sha256(f"{kind} {place} {__version__}".encode()).hexdigest()
    return {"id": digest[:8], "kind": kind, "place": place}


def _reader_is_gone() -> bool:
    """Whether standard output is what broke; then nothing more goes there."""
    out = sys.stdout.fileno()
    poll = select.poll()
    poll.register(out, select.POLLOUT)
    if not any(happened & (select.POLLERR | select.POLLHUP) for _, happened in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), out)
    return True


def _printable(stream: object) -> None:
    """Let a terminal that lacks a letter show an escape in its place, and not fail."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
