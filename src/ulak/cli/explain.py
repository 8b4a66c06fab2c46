"""`ulak explain`: what a reply, a bounce or a log line means."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ulak.cli import output
from ulak.cli.frame import USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.cli.pages import page, unescaped
from ulak.replies.document import Document, Facts, Heading
from ulak.replies.explain import Explanation, explain_parsed
from ulak.replies.explain import explain as explained

if TYPE_CHECKING:
    from io import BufferedIOBase

    from ulak.cli.confirming import Checking
    from ulak.replies.bounces import Bounce

_CHUNK = 16_384  # octets that are read at a time; what is said of them is written at a time
# One reply of 512 octets a line may have many lines; what is longer is no reply.
_LONGEST_LINE = 1_000_000
_STDIN = Path("-")
_MAIL = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("reply", nargs=-1)
@click.option("--stdin", "from_stdin", is_flag=True)
@click.option("--file", "mail", type=_MAIL, metavar="MAIL")
@click.option("--check", is_flag=True)
@click.option("--ip", metavar="IP")
@click.option("--helo", metavar="NAME")
@click.option("--mail-from", metavar="ADDRESS")
@click.option("--from-domain", metavar="NAME")
@click.option("--domain", metavar="NAME")
@click.option("--selector", "selectors", multiple=True, metavar="SELECTOR")
@click.option("--dns", metavar="HOST:PORT")
@config_option
@json_option
@lang_option
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    reply: tuple[str, ...],
    mail: Path | None,
    lang: str,
    *,
    from_stdin: bool,
    check: bool,
    as_json: bool,
    **known: Any,  # noqa: ANN401 -- what the checks are made of, each of its own kind
) -> int | None:
    """Explain a reply of a mail server, a bounce or a log line."""
    if bool(reply) + from_stdin + (mail is not None) != 1:
        raise Failure(say(ctx, "explain.one"), USAGE)
    what = mail or (" ".join(reply) if reply else None)
    if not check:
        _explain(ctx, what, lang, None, as_json=as_json)
        return None
    # Resolvers and cryptography: only who asks for checks waits for their import.
    from ulak.cli.confirming import Checking  # noqa: PLC0415 -- as above

    with Checking(ctx, lang, known) as checking:
        _explain(ctx, what, lang, checking, as_json=as_json)
        return checking.code


def _explain(
    ctx: click.Context,
    what: str | Path | None,
    lang: str,
    checking: Checking | None,
    *,
    as_json: bool,
) -> None:
    """Explain a reply, a bounce in a file, or without either the lines of standard input."""
    if isinstance(what, Path):
        _report(ctx, what, lang, checking, as_json=as_json)
        return
    if what is not None:
        _show(explained(unescaped(what), lang), checking, {}, as_json=as_json)
        return
    # Nothing that is made here refers to itself: to look for that often costs a twentieth.
    gc.set_threshold(100_000)
    for lines in _lines(cast("BufferedIOBase", sys.stdin.buffer)):
        every = (explained(unescaped(text), lang) for text in lines)
        if checking is None:
            output.json_objects(told.to_json() for told in every)
            continue
        for told in every:
            _show(told, checking, {}, as_json=True)


def _lines(stream: BufferedIOBase) -> Iterator[list[str]]:
    """Give the lines of a stream as they come, those that come together at a time.

    Only a line feed ends one, whatever else is in it.
    """
    rest = b""
    while chunk := stream.read1(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[:_LONGEST_LINE]  # of what is longer only the end is looked for
        if lines:
            yield list(map(_line, lines))
    if rest:
        yield [_line(rest)]


def _line(octets: bytes) -> str:
    return octets[:_LONGEST_LINE].rstrip(b"\r").decode("utf-8", "replace")


def _report(
    ctx: click.Context, mail: Path, lang: str, checking: Checking | None, *, as_json: bool
) -> None:
    # A reply alone needs none of what reads whole mails.
    from ulak.replies.bounces import bounce  # noqa: PLC0415 -- as above

    octets = sys.stdin.buffer.read() if mail == _STDIN else mail.read_bytes()
    found = bounce(octets)
    if checking is not None:
        checking.read(octets)
    if not found.failures:
        raise Failure(say(ctx, "explain.no-report", path=mail), USAGE)
    about = _about(found)
    if not as_json:
        rows = tuple(
            (say(ctx, f"explain.about-{name.replace('_', '-')}"), output.clean(value))
            for name, value in about.items()
            if value
        )
        if rows:
            heading = Heading(say(ctx, "explain.about"), 1)
            page(Document(lang, (heading, Facts(rows))))
            output.line()
    for number, failure in enumerate(found.failures):
        told = explain_parsed(failure.reply, failure.quoted, lang, cause=failure.cause)
        if not as_json:
            if number:
                output.line()
            who = output.clean(failure.recipient)
            output.line(output.paint(who, "cyan", bold=True))
            output.line(say(ctx, f"explain.action-{failure.action}") + "\n")
        beside = {
            "recipient": failure.recipient,
            "action": failure.action,
            "source": failure.source,
            "remote_mta": failure.remote_mta,
            **about,
        }
        _show(told, checking, beside, as_json=as_json)


def _about(found: Bounce) -> dict[str, str]:
    """Give what is known of the message that was not delivered, and who says so."""
    return {
        "subject": found.returned.subject,
        "message_id": found.returned.message_id,
        "sender": found.returned.sender,
        "date": found.returned.date,
        "reporting_mta": found.reporting_mta,
        "time": found.time,
    }


def _show(
    told: Explanation,
    checking: Checking | None,
    beside: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Show what a reply means and, where it is checked, whether it is so."""
    if not as_json:
        page(told.to_document())
    made = None if checking is None else checking.check(told, beside.get("recipient", ""))
    if as_json:
        checked = {} if made is None else made.to_json(told.language)
        output.json_object({**beside, **told.to_json(), **checked})
    elif checking is not None and made is not None:
        checking.show(made)
