"""`ulak send`: send one message, show the dialogue, explain each reply."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ulak import explain
from ulak.app import sending
from ulak.app.sending import Manner
from ulak.cli import output
from ulak.cli.dress import TEXTS
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import json_option, lang_option
from ulak.delivery.outcome import Outcome, Result
from ulak.mail.envelope import DeliverBy, Wishes
from ulak.smtp.sasl.client import Credentials

_SUBMISSIONS = 465  # RFC 8314 §7.3
_BY = re.compile(r"([0-9]{1,9})([NR]?)", re.IGNORECASE | re.ASCII)
_NOTIFY = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})
_PASSWORD = "ULAK_PASSWORD"  # noqa: S105 -- the name of a variable
# What of the options needs which keyword.
_NEEDS = {
    "notify": "DSN",
    "ret": "DSN",
    "envid": "DSN",
    "priority": "MT-PRIORITY",
    "by": "DELIVERBY",
}


@click.command()
@click.option("--server", required=True, metavar="HOST:PORT")
@click.option("--from", "sender", required=True, metavar="ADDRESS")
@click.option("--to", "recipients", required=True, multiple=True, metavar="ADDRESS")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option("--tls", type=click.Choice(("opportunistic", "required", "implicit", "off")))
@click.option("--ca", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--auth", metavar="USER")
@click.option("--trust-unproven", is_flag=True)
@click.option("--require-tls", is_flag=True)
@click.option("--notify", metavar="WHEN")
@click.option("--ret", type=click.Choice(("full", "hdrs"), case_sensitive=False))
@click.option("--envid", metavar="TEXT")
@click.option("--priority", type=click.IntRange(-9, 9), metavar="NUMBER")
@click.option("--by", metavar="SECONDS[R]")
@json_option
@lang_option
@click.pass_context
def send(
    ctx: click.Context,
    /,
    server: str,
    sender: str,
    recipients: tuple[str, ...],
    file: Path | None,
    lang: str,
    *,
    as_json: bool,
    **options: Any,  # noqa: ANN401 -- what the lines above name, each with its own kind
) -> int:
    """Send one message to a server, show the dialogue, and explain each reply."""
    host, colon, port = server.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()):
        raise Failure(say(ctx, "send.server", server=server), USAGE)
    hostname = socket.gethostname()
    manner = _manner(ctx, int(port), options, piped=str(file) == "-")
    if file is not None:
        data = sys.stdin.buffer.read() if str(file) == "-" else sending.read(file)
    else:
        data = sending.sample(sender, recipients, hostname)
    sender = "" if sender == "<>" else sender
    place = (host.strip("[]"), int(port))
    try:
        outcomes = sending.send(place, sender, recipients, data, hostname, manner)
    except sending.NoSuchHostError as error:
        raise Failure(say(ctx, "send.no-host", host=host, problem=error), FAILED) from error
    except sending.AuthoritiesError as error:
        raise Failure(say(ctx, "send.no-authorities", path=error), USAGE) from error
    dialogue = max((outcome.dialogue for outcome in outcomes), key=len, default=())
    if as_json:
        output.json_object(
            {
                "server": server,
                "dialogue": list(dialogue),
                "outcomes": [_fields(ctx, outcome, lang) for outcome in outcomes],
            }
        )
    else:
        _show(ctx, dialogue, outcomes, lang)
        _left_out(ctx, dialogue, options)
    return 0 if all(o.result is Result.DELIVERED for o in outcomes) else 1


# -- how it is sent -------------------------------------------------------------------------------


def _manner(ctx: click.Context, port: int, options: dict[str, Any], *, piped: bool) -> Manner:
    user = options["auth"]
    proven = user and not options["trust_unproven"]
    usual = "implicit" if port == _SUBMISSIONS else "required" if proven else "opportunistic"
    return Manner(
        tls=options["tls"] or usual,
        authorities=options["ca"],
        login=Credentials(user, _password(ctx, piped=piped)) if user else None,
        trusted=options["trust_unproven"],
        wishes=Wishes(
            ret=(options["ret"] or "").upper(),
            envid=options["envid"] or "",
            require_tls=options["require_tls"],
            priority=options["priority"] or 0,
            deliver_by=_by(ctx, options["by"]),
        ),
        notify=_notify(ctx, options["notify"]),
    )


def _notify(ctx: click.Context, words: str | None) -> frozenset[str]:
    wanted = frozenset(words.upper().split(",")) if words else frozenset[str]()
    if not wanted <= _NOTIFY or ("NEVER" in wanted and len(wanted) > 1):
        raise Failure(say(ctx, "send.notify", given=words), USAGE)
    return wanted


def _by(ctx: click.Context, text: str | None) -> DeliverBy | None:
    if text is None:
        return None
    found = _BY.fullmatch(text)
    if found is None or (int(found[1]) == 0 and found[2]):
        raise Failure(say(ctx, "send.by", given=text), USAGE)
    # Half a second more, so that what is said is what was given.
    return DeliverBy(time.time() + int(found[1]) + 0.5, found[2].upper() or "N")


def _password(ctx: click.Context, *, piped: bool) -> str:
    """Take the password from the environment, from whoever sits there, or from a pipe."""
    given = os.environ.get(_PASSWORD)
    if given:
        return given
    if sys.stdin.isatty():
        asked = click.prompt(say(ctx, "send.prompt"), hide_input=True, err=True)
        return str(asked)
    line = b"" if piped else sys.stdin.buffer.readline()
    if not line.strip(b"\r\n"):
        raise Failure(say(ctx, "send.no-password", variable=_PASSWORD), USAGE)
    return line.rstrip(b"\r\n").decode("utf-8", "replace")


# -- what came of it ------------------------------------------------------------------------------


def _fields(ctx: click.Context, outcome: Outcome, lang: str) -> dict[str, object]:
    explanation = explain(outcome.reply, lang=lang).to_json()
    own = _own_words(ctx, outcome)
    if own:
        explanation |= {"means": own, "seen_when": "", "fix": []}
    return {
        "recipient": outcome.recipient,
        "result": outcome.result.value,
        "cause": outcome.cause,
        "reply": outcome.reply,
        "host": outcome.host,
        "tls": outcome.tls,
        "facts": dict(outcome.facts),
        "explanation": explanation,
    }


def _own_words(ctx: click.Context, outcome: Outcome) -> str:
    """Say what went wrong on this side: no queue has this message, and nothing goes back.

    `""` where the reply is the server's, which the catalog explains.
    """
    if outcome.remote:
        return ""
    language = ctx.params["lang"]
    name = f"by-hand.{outcome.cause}"
    if TEXTS.find(language, name) is None:
        return ""
    facts = {key: output.clean(value) for key, value in outcome.facts.items()}
    facts = {"host": output.clean(outcome.host), "problem": "", **facts}
    told = TEXTS.say(language, name, **facts)
    if "after-data" in facts:
        told += " " + TEXTS.say(language, "by-hand.after-data")
    return told


def _show(ctx: click.Context, dialogue: Sequence[str], outcomes: list[Outcome], lang: str) -> None:
    for line in dialogue:
        colour = "cyan" if line.startswith("C") else "green"
        if line.startswith("S: ") and line[3:4] in "45":
            colour = "red"
        output.line(output.paint(output.clean(line), colour))
    for outcome in outcomes:
        output.line()
        recipient, own = output.clean(outcome.recipient), _own_words(ctx, outcome)
        if own:
            result = "in-doubt" if "after-data" in outcome.facts else "not-sent"
            output.line(say(ctx, f"send.{result}", recipient=recipient))
            output.line(output.prose(own, "  "))
            continue
        reply = output.clean(outcome.reply)
        output.line(say(ctx, f"send.{outcome.result.value}", recipient=recipient, reply=reply))
        told = explain(outcome.reply, lang=lang)
        output.line(output.prose(told.means, "  "))
        for step in told.fix:
            output.line(output.prose(f"- {step.step}", "  "))


def _left_out(ctx: click.Context, dialogue: Sequence[str], options: dict[str, Any]) -> None:
    """Say which options the server knew nothing of."""
    offered = sending.offered(dialogue)
    missing = [n for n, keyword in _NEEDS.items() if options[n] and keyword not in offered]
    if any(line.startswith("C: MAIL") for line in dialogue):
        for name in missing:
            output.line()
            output.line(say(ctx, "send.left-out", option=f"--{name}", keyword=_NEEDS[name]))
