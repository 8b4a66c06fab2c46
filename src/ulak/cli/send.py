"""`ulak send`: send one message, show the dialogue, explain each reply."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import click

from ulak import explain
from ulak.app import sending
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import json_option, lang_option
from ulak.delivery.outcome import Outcome, Result


@click.command()
@click.option("--server", required=True, metavar="HOST:PORT")
@click.option("--from", "sender", required=True, metavar="ADDRESS")
@click.option("--to", "recipients", required=True, multiple=True, metavar="ADDRESS")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@json_option
@lang_option
@click.pass_context
def send(
    ctx: click.Context,
    server: str,
    sender: str,
    recipients: tuple[str, ...],
    file: Path | None,
    *,
    as_json: bool,
    lang: str,
) -> int:
    """Send one message to a server, show the dialogue, and explain each reply."""
    host, colon, port = server.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()):
        raise Failure(say(ctx, "send.server", server=server), USAGE)
    hostname = socket.gethostname()
    if file is not None:
        data = sys.stdin.buffer.read() if str(file) == "-" else sending.read(file)
    else:
        data = sending.sample(sender, recipients, hostname)
    sender = "" if sender == "<>" else sender
    try:
        outcomes = sending.send((host.strip("[]"), int(port)), sender, recipients, data, hostname)
    except sending.NoSuchHostError as error:
        raise Failure(say(ctx, "send.no-host", host=host, problem=error), FAILED) from error
    dialogue = max((outcome.dialogue for outcome in outcomes), key=len, default=())
    if as_json:
        output.json_object(
            {
                "server": server,
                "dialogue": list(dialogue),
                "outcomes": [_fields(outcome, lang) for outcome in outcomes],
            }
        )
    else:
        _show(ctx, dialogue, outcomes, lang)
    return 0 if all(o.result is Result.DELIVERED for o in outcomes) else 1


def _fields(outcome: Outcome, lang: str) -> dict[str, object]:
    return {
        "recipient": outcome.recipient,
        "result": outcome.result.value,
        "cause": outcome.cause,
        "reply": outcome.reply,
        "host": outcome.host,
        "tls": outcome.tls,
        "explanation": explain(outcome.reply, lang=lang).to_json(),
    }


def _show(
    ctx: click.Context, dialogue: tuple[str, ...], outcomes: list[Outcome], lang: str
) -> None:
    for line in dialogue:
        colour = "cyan" if line.startswith("C") else "green"
        if line.startswith("S: ") and line[3:4] in "45":
            colour = "red"
        output.line(output.paint(output.clean(line), colour))
    for outcome in outcomes:
        output.line()
        output.line(
            say(
                ctx,
                f"send.{outcome.result.value}",
                recipient=output.clean(outcome.recipient),
                reply=output.clean(outcome.reply),
            )
        )
        told = explain(outcome.reply, lang=lang)
        output.line(output.prose(told.means, "  "))
        for step in told.fix:
            output.line(output.prose(f"- {step.step}", "  "))
